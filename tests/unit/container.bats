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
  echo 137 >"$BATS_TEST_TMPDIR/code"
  run -137 "$ROOT/bin/container" fetch
  says '^level=error step=fetch run=[^ ]+ msg=.* status=137$'
}

@test "A volume that cannot be written is logged with a priority in the journal" {
  BUILD_DIR=$BATS_TEST_TMPDIR/missing LOG_FORMAT=journal run -78 "$ROOT/docker/enter" fetch
  says '^<3>level=error step=fetch '
  BUILD_DIR=$BATS_TEST_TMPDIR/missing run -78 "$ROOT/docker/enter" fetch
  says '^level=error step=fetch '
}
