# docker.sh: the engine for bin/container; sourced after common.sh, never run.
# shellcheck shell=bash

readonly LABEL=events-display.publish # its value is the run's BUILD_DIR

# The settings are already in the environment, so Compose reads no file.
compose() { docker compose --env-file /dev/null --progress quiet "$@"; }

# check_engine: end with 78 without a Compose that can run the containers, with 1 without an engine or an image
check_engine() {
  local found image label='index .Config.Labels "org.opencontainers.image'
  found=$(PYTHONPATH=$ROOT/scripts python3 -c 'import docker_engine; print(docker_engine.compose_problem())')
  [[ -z $found ]] || die "$EX_CONFIG" "$found" key=RUNNER
  found=$(docker version --format '{{.Server.Version}}' 2>&1) ||
    die "$EX_FAILED" 'Docker is not reachable' "detail=${found//$'\n'/ }"
  for image in events-display/{generator,uploader,invalidator}:"${IMAGE_TAG:-latest}"; do
    found=$(docker image inspect "$image" --format \
      "id={{slice .Id 7 19}} version={{$label.version\"}} revision={{$label.revision\"}}" 2>/dev/null) ||
      die "$EX_FAILED" 'image missing: run make image' "image=$image"
    # shellcheck disable=SC2086  # key=value words
    log info 'using the image' "image=$image" $found
  done
}

# refuse_second_run: a run with another BUILD_DIR has another lock, but the same volumes
refuse_second_run() {
  local running id owner
  running=$(docker ps --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-events-display}" \
    --filter "label=$LABEL" --format "{{.ID}} {{.Label \"$LABEL\"}}")
  while read -r id owner; do
    [[ -z $id || $owner == "$BUILD_DIR" ]] ||
      die "$EX_UNAVAILABLE" 'another publish is running on the same volume' "holder=$owner" "container=$id"
  done <<<"$running"
}

# import_state: once, take over the publish state of a version that had a single volume; without it, the
# first run after an upgrade would take the site in the bucket for another one's
import_state() {
  [[ -e $BUILD_DIR/imported ]] && return
  compose run --rm --no-TTY --no-deps --pull never --label "$LABEL=$BUILD_DIR" import </dev/null ||
    die "$?" 'cannot take over the publish state of an earlier version'
  : >"$BUILD_DIR/imported"
}

# remove_stale_containers: those of a killed run. Uses no settings: after a run systemd has
# removed them.
remove_stale_containers() {
  local stale count=0 end=$((SECONDS + 30))
  while stale=$(docker ps --all --quiet --filter "label=$LABEL=$BUILD_DIR") && [[ -n $stale ]]; do
    ((SECONDS < end)) ||
      die "$EX_FAILED" 'cannot remove the containers of a killed run' "containers=${stale//$'\n'/,}"
    count=$(wc -w <<<"$stale")
    # shellcheck disable=SC2086  # words; fails while the engine itself is removing one of them
    timeout 30 docker rm --force $stale >/dev/null 2>&1 || sleep 0.2
  done
  ((count == 0)) || log warn 'removed containers of a killed run' "containers=$count"
}

# own_secrets: write the secrets to a folder of this command, which is removed at its end
own_secrets() {
  export SECRETS_DIR && SECRETS_DIR=$(mktemp -d)
  # shellcheck disable=SC2329  # called by `ended`
  at_exit() { "$ROOT/bin/secrets" remove; }
  "$ROOT/bin/secrets" write
  log_settings
}

# beside SERVICE COMMAND...: run COMMAND in a container of its own, also while a run is in progress
beside() { compose run --rm --no-TTY --no-deps --pull never "${log_env[@]}" "$@" </dev/null; }

# check: ask LibCal and AWS
check() {
  local rc=0 code words log_env
  if ! docker image inspect events-display/{generator,uploader,invalidator}:"${IMAGE_TAG:-latest}" >/dev/null 2>&1; then
    log warn 'LibCal and AWS were not asked: no images, or no engine; run make image'
    return
  fi
  own_secrets
  while read -r -a words; do
    code=0
    beside "${words[@]}" || code=$?
    ((code == 0 || rc == EX_CONFIG)) || ((rc != 0 && code != EX_CONFIG)) || rc=$code
  done <<<$'generator python scripts/check_libcal.py\nuploader rights upload\ninvalidator rights invalidate'
  exit "$rc"
}

# look SERVICE COMMAND...: run a command that changes no file
look() {
  local log_env
  own_secrets
  beside "$@"
  exit
}
