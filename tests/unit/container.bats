#!/usr/bin/env bats
# bin/container without an engine: `docker` is a stub. tests/docker runs the real one.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  export BUILD_DIR=$BATS_TEST_TMPDIR/build
  mkdir "$BATS_TEST_TMPDIR/path"
  printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"%s/asked"\nexit "$(cat "%s/code")"\n' "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" \
    >"$BATS_TEST_TMPDIR/path/docker"
  chmod +x "$BATS_TEST_TMPDIR/path/docker"
  PATH=$BATS_TEST_TMPDIR/path:$PATH
  echo 0 >"$BATS_TEST_TMPDIR/code"
}

asked() { grep -Fxq -- "$1" "$BATS_TEST_TMPDIR/asked" || fail "not asked: $1" "$(<"$BATS_TEST_TMPDIR/asked")"; }

@test "A container, whose stderr is a pipe, logs in the format of this command" {
  "$ROOT/bin/container" fetch
  asked LOG_FORMAT=logfmt
  LOG_FORMAT=journal "$ROOT/bin/container" fetch
  asked LOG_FORMAT=journal
  run ! grep TZ= "$BATS_TEST_TMPDIR/asked"
}

@test "For a terminal, a container is given this machine's time zone and NO_COLOR" {
  TZ=America/New_York NO_COLOR=1 LOG_FORMAT=terminal "$ROOT/bin/container" generate
  asked LOG_FORMAT=terminal
  asked NO_COLOR=1
  same "$(TZ=$(sed -n 's/^TZ=//p' "$BATS_TEST_TMPDIR/asked") date +%z)" "$(TZ=America/New_York date +%z)"
}

@test "The exit code is the container's, and an unknown one is explained" {
  local code
  for code in 1 2 65 75 78; do
    echo "$code" >"$BATS_TEST_TMPDIR/code"
    run "-$code" "$ROOT/bin/container" fetch
    same "$output" ''
  done
  for code in 137:killed 125:'cannot be started' 126:'cannot be started' 254:unknown; do
    echo "${code%%:*}" >"$BATS_TEST_TMPDIR/code"
    run -1 "$ROOT/bin/container" fetch
    same "${#lines[@]}" 1
    says "^level=error step=fetch run=[^ ]+ msg=.*${code#*:}.* status=${code%%:*}$"
  done
}

@test "A volume that cannot be written is logged with a priority in the journal" {
  BUILD_DIR=$BATS_TEST_TMPDIR/missing LOG_FORMAT=journal run -78 "$ROOT/docker/enter" fetch
  says '^<3>level=error step=fetch '
  BUILD_DIR=$BATS_TEST_TMPDIR/missing run -78 "$ROOT/docker/enter" fetch
  says '^level=error step=fetch '
}

@test "A volume that its own user cannot write is read-only, and the container says so with 1" {
  ((EUID == 0)) || skip 'needs root to mount'
  BUILD_DIR=$BATS_TEST_TMPDIR/data run -1 unshare --mount bash -c '
    mkdir "$BUILD_DIR" && mount -t tmpfs -o ro none "$BUILD_DIR" && "$1/docker/enter" fetch' - "$ROOT"
  says '^level=error step=fetch run=[^ ]+ msg="the volume is read-only" path=[^ ]+ owner=0 rc=1$'
}

# answers TEXT: let docker run this shell text
answers() {
  printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/path/docker"
}

@test "The numbers of the uploader survive the container of the invalidator" {
  local report=$BATS_TEST_TMPDIR/report
  mkdir -p "$report/run"
  answers "exec tar -c -C '$report' ."
  echo event/1.html >"$report/pending-paths"
  echo uploaded=3 >"$report/run/upload.stats"
  "$ROOT/bin/container" upload
  rm "$report/run/upload.stats"
  : >"$report/pending-paths"
  echo paths=1 >"$report/run/invalidate.stats"
  "$ROOT/bin/container" invalidate
  same "$(<"$BUILD_DIR/docker/run/upload.stats")" uploaded=3
  same "$(<"$BUILD_DIR/docker/run/invalidate.stats")" paths=1
  [[ ! -s $BUILD_DIR/docker/pending-paths ]] || fail 'paths are pending'
}

@test "Of the generator's report, only its numbers and the existence of events.json count" {
  local report=$BATS_TEST_TMPDIR/report
  mkdir -p "$report/run" "$BUILD_DIR/docker"
  echo event/1.html >"$BUILD_DIR/docker/pending-paths"
  answers "exec tar -c -C '$report' ."
  : >"$report/pending-paths"
  echo uploaded=9 >"$report/run/upload.stats"
  echo '{}' >"$report/events.json"
  echo calendars_failed=1 >"$report/run/fetch.stats"
  "$ROOT/bin/container" fetch
  rm "$report/run/fetch.stats"
  "$ROOT/bin/container" generate
  same "$(<"$BUILD_DIR/docker/run/fetch.stats")" calendars_failed=1
  same "$(<"$BUILD_DIR/docker/pending-paths")" event/1.html
  [[ -e $BUILD_DIR/docker/events.json && ! -e $BUILD_DIR/docker/run/upload.stats ]] || fail 'wrong files'
}

@test "A report without end fails the step and does not fill the disk" {
  answers 'exec cat /dev/zero'
  run -1 "$ROOT/bin/container" upload
  says 'level=error step=upload .*msg="the report of the container is too large" rc=1$'
  (($(du -s "$BUILD_DIR" | cut -f1) < 100)) || fail 'the report is still there'
}

@test "A report for which this machine has no space is reported with its folder" {
  ((EUID == 0)) || skip 'needs root to mount'
  answers 'exec head -c 1m /dev/zero'
  mkdir "$BUILD_DIR"
  run -1 unshare --mount bash -c 'mount -t tmpfs -o size=100k none "$BUILD_DIR" && "$1/bin/container" upload' - "$ROOT"
  says 'level=error step=upload .*msg="cannot write to the build folder" path=[^ ]+/run rc=1$'
}

@test "Docker without Compose, or with an old one, is reported in one line with 78" {
  answers '[ "$1" != compose ] || { echo "unknown flag: --short" >&2; exit 125; }'
  run -78 "$ROOT/bin/container" begin
  same "${#lines[@]}" 1
  says 'msg="Docker Compose 2\.36 or later is needed: docker has no Compose plugin .* key=RUNNER rc=78$'
  answers 'echo 2.35.1'
  run -78 "$ROOT/bin/container" begin
  same "${#lines[@]}" 1
  says 'msg="Docker Compose 2\.36 or later is needed: found 2\.35\.1" key=RUNNER rc=78$'
  answers 'echo v5.0.0-rc.1; [ "$1" = compose ]'
  run -1 "$ROOT/bin/container" begin
  says 'msg="Docker is not reachable"'
}

@test "No state is for every user to write, even where the caller's umask allows it" {
  (umask 000 && "$ROOT/bin/container" fetch)
  same "$(find "$BUILD_DIR" -perm -o=w ! -type l)" ''
}
