#!/usr/bin/env bats
# make export, make import: by hand, and with the volumes of Docker, which a stub has as folders.

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  cd "$BATS_TEST_TMPDIR" || return
  OLD=$PWD/old NEW=$PWD/new ARCHIVE=$PWD/state.tar.gz
  mkdir -p "$OLD"/{images,site,run}
  local file
  for file in events.json images/index.json published.manifest pending-paths site/index.html run/x.stats publish.lock; do
    printf '%s of the old machine\n' "$file" >"$OLD/$file"
  done
  # The volume P_PART is the folder volumes/P/PART; a container sees those of its project in /volumes.
  mkdir path
  cat >path/docker <<'END'
#!/usr/bin/env bash
root=$PWD/volumes
[[ $1 == run ]] || { mkdir -p "$root/${!#//_/\/}" && printf '%s\n' "$*" >>volume-calls && exit; }
while [[ $1 != --entrypoint ]]; do
  [[ $1 != --volume ]] || project=${2%%_*}
  shift
done
program=$2; shift 3
exec "$program" "${@//\/volumes/$root/$project}"
END
  chmod +x path/docker
}

state() { env BUILD_DIR="$1" "$ROOT/bin/state" "${@:2}"; }
in_docker() { PATH=$BATS_TEST_TMPDIR/path:$PATH RUNNER=docker COMPOSE_PROJECT_NAME=$1 state "$BATS_TEST_TMPDIR/$1" "${@:2}"; }
tree() { (cd "$1" && find . -type f | LC_ALL=C sort); }

@test "export and import carry the state without site, locks and numbers of a run" {
  state "$OLD" export "$ARCHIVE"
  same "$(stat -c %a "$ARCHIVE")" 600
  state "$NEW" import "$ARCHIVE"
  same "$(tree "$NEW")" "$(printf './%s\n' events.json images/index.json pending-paths publish.lock published.manifest)"
  same "$(<"$NEW/published.manifest")" 'published.manifest of the old machine'
}

@test "import replaces a state only with FORCE=1" {
  state "$OLD" export "$ARCHIVE"
  mkdir "$NEW"
  printf 'mine\n' | tee "$NEW/events.json" >"$NEW/published.abc.manifest"
  run -65 state "$NEW" import "$ARCHIVE"
  says 'guard: there is a state already; FORCE=1 replaces it'
  same "$(<"$NEW/events.json")" mine
  FORCE=1 run -0 state "$NEW" import "$ARCHIVE"
  same "$(<"$NEW/events.json")" 'events.json of the old machine'
  [[ ! -e $NEW/published.abc.manifest ]] || fail 'the old list of published files is still there'
}

@test "A file that is no archive, a missing file and a run in progress change no file" {
  printf 'no archive\n' >"$ARCHIVE"
  run -1 state "$NEW" import "$ARCHIVE"
  says 'the file is not an archive of bin/state export'
  run -2 state "$NEW" import "$PWD/none"
  says 'the archive cannot be read'
  run -2 state "$OLD" export
  says 'FILE is required'
  exec 8>"$OLD/publish.lock"
  flock 8
  run -75 state "$OLD" export "$PWD/other.tar.gz"
  says 'a run is in progress'
  [[ ! -e other.tar.gz ]]
  exec 8>&-
  run -1 state "$OLD" export "$PWD/no/folder.tar.gz"
  says 'cannot write the archive'
}

@test "The volumes of Docker are carried to those of another project, with the labels that Compose needs" {
  mkdir -p volumes/events-display-kilton/{build/images,state,pending}
  printf 'a' | tee volumes/events-display-kilton/build/{events.json,owner} >volumes/events-display-kilton/state/published.manifest
  printf 'b' >volumes/events-display-kilton/pending/pending-paths
  in_docker events-display-kilton export "$ARCHIVE"
  run -0 in_docker events-display-lebanon import "$ARCHIVE"
  same "$(tree volumes/events-display-lebanon)" "$(printf './%s\n' build/events.json pending/pending-paths state/published.manifest)"
  grep -q 'label com.docker.compose.project=events-display-lebanon --label com.docker.compose.volume=state events-display-lebanon_state$' volume-calls
  run -65 in_docker events-display-lebanon import "$ARCHIVE"
  # And from Docker to runs by hand.
  state "$NEW" import "$ARCHIVE"
  same "$(tree "$NEW")" "$(printf './%s\n' events.json pending-paths publish.lock published.manifest)"
}

@test "An archive of runs by hand does not fit the volumes" {
  state "$OLD" export "$ARCHIVE"
  run -1 in_docker kilton import "$ARCHIVE"
  says 'import it without RUNNER=docker'
}
