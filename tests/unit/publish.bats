#!/usr/bin/env bats
# bin/publish: order, lock, limits, exit codes. Its steps are scripts of the test; aws/publish.bats runs
# the real ones. The numbers of traps and faults: test_traps.py.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  export BUILD_DIR=$BATS_TEST_TMPDIR/build PROJECT=$BATS_TEST_TMPDIR/project
  export LIBCAL_URL=https://example.libcal.com LIBCAL_CLIENT_ID=1 LIBCAL_CLIENT_SECRET=s LIBCAL_CALENDARS=1
  export S3_BUCKET=bucket CLOUDFRONT_DISTRIBUTION_ID=E1
  mkdir -p "$PROJECT/bin" "$PROJECT/scripts" "$BUILD_DIR"
  cp "$ROOT/bin/publish" "$PROJECT/bin/"
  cp -r "$ROOT"/scripts/. "$PROJECT/scripts/"
  ln -s "$ROOT/.venv" "$PROJECT/.venv"
  echo '1.2.3 abc1234' >"$PROJECT/VERSION"
  # Each step records its name, then runs the file do-NAME.
  printf '#!/usr/bin/env bash\necho "${0##*/}${*:+ }$*" >>"$BUILD_DIR/ran"\n. "$BUILD_DIR/do-${0##*/}"\n' \
    >"$PROJECT/bin/upload"
  chmod 755 "$PROJECT/bin"/*
  local name
  for name in fetch generate upload invalidate; do
    [[ $name == upload ]] || cp "$PROJECT/bin/upload" "$PROJECT/bin/$name"
    : >"$BUILD_DIR/do-$name"
  done
}

does() { printf '%s\n' "$2" >"$BUILD_DIR/do-$1"; }
ran() { tr '\n' ' ' <"$BUILD_DIR/ran"; }
publish() { "$PROJECT/bin/publish" "$@"; }
last() { printf '%s\n' "${lines[-1]}"; }

@test "The steps run in their order, and the last line is a summary" {
  does upload 'printf "events=26\nchanged=3\nuploaded=3\ndeleted=0\nbytes=812\n" >"$BUILD_DIR/run/upload.stats"'
  does invalidate 'printf "paths=1\ninvalidation=I1\npaths_this_month=7\n" >"$BUILD_DIR/run/invalidate.stats"'
  run -0 publish
  same "$(ran)" 'fetch generate upload invalidate '
  says '^level=info step=publish run=[^ ]+ msg="run ended" outcome=ok changed=3 uploaded=3 deleted=0 bytes=812 paths=1 events=26 invalidation=I1 paths_this_month=7 pending_before=0 pending_after=0 fetch_s=[0-9.]+ generate_s=[0-9.]+ upload_s=[0-9.]+ invalidate_s=[0-9.]+ version=1\.2\.3 revision=abc1234 seconds=[0-9.]+ rc=0$'
  same "$(grep -c 'step=publish' <<<"$output")" 1
}

@test "A check of the settings that is killed ends the run with 1, not with a number of its own" {
  printf 'import os\nos.kill(os.getpid(), 9)\n' >"$PROJECT/scripts/check.py"
  run -1 publish
  last | grep -Eq 'msg="publish failed" failed_step=check status=137 rc=1$'
}

@test "fault 41: pending paths are invalidated first, even if LibCal is down" {
  echo event/1.html >"$BUILD_DIR/pending-paths"
  does fetch 'exit 78'
  does invalidate ': >"$BUILD_DIR/pending-paths"'
  run -78 publish
  same "$(ran)" 'invalidate fetch '
  says 'outcome=failed .*pending_before=1 pending_after=0 '
  last | grep -Eq '^level=error step=publish run=[^ ]+ msg="publish failed" failed_step=fetch rc=78$'
}

@test "fault 40: a pending invalidation that fails does not stop the run, and is tried again at the end" {
  echo event/1.html >"$BUILD_DIR/pending-paths"
  does invalidate 'echo x >>"$BUILD_DIR/tried"; (($(wc -l <"$BUILD_DIR/tried") > 1)) || exit 75'
  run -0 publish
  same "$(ran)" 'invalidate fetch generate upload invalidate '
  says 'outcome=ok'
}

@test "FORCE and EVENTS_NOW are a warning at the start of the run and part of its summary" {
  FORCE=1 EVENTS_NOW=2026-03-03T09:00 run -0 publish
  says '^level=warn step=check run=[^ ]+ msg="environment: FORCE switches off the guards .*" key=FORCE$'
  says '^level=warn step=check run=[^ ]+ msg="environment: EVENTS_NOW stops the clock: .*" key=EVENTS_NOW$'
  says 'msg="run ended" outcome=ok .* force=1 clock=2026-03-03T09:00 '
  run -0 publish
  says_not 'level=warn|force=|clock='
}

@test "fault 2: with LibCal down but earlier events, the run continues and ends with 75, degraded" {
  does fetch 'exit 75'
  echo '{}' >"$BUILD_DIR/events.json"
  run -75 publish
  same "$(ran)" 'fetch generate upload invalidate '
  says 'outcome=degraded .*rc=75$'
  last | grep -q 'failed_step=fetch rc=75$'
}

@test "fault 3: with LibCal down and no earlier events, no other step runs" {
  does fetch 'exit 75'
  run -75 publish
  same "$(ran)" 'fetch '
  says 'outcome=failed'
}

@test "faults 42 and 43: each step's failure ends the run with that step's code, and later steps never start" {
  local step code steps='fetch generate upload invalidate '
  echo '{}' >"$BUILD_DIR/events.json" # only after a 75 of fetch a run goes on with it
  for step in fetch generate upload invalidate; do
    for code in 65 78; do
      rm -f "$BUILD_DIR/ran"
      does "$step" "exit $code"
      run "-$code" publish
      same "$(ran)" "${steps%%"$step"*}$step "
      last | grep -q "msg=\"publish failed\" failed_step=$step rc=$code$"
      does "$step" ''
    done
  done
}

@test "fault 48: a step that is killed, or ends with an unknown code, counts as failed" {
  does generate 'kill -9 $$'
  run -1 publish
  says 'step was killed or timed out" failed_step=generate .*status=137'
  last | grep -q 'failed_step=generate rc=1$'
  does generate 'exit 42'
  run -1 publish
  says 'step ended with an unknown exit code" failed_step=generate .*status=42'
}

@test "A step that cannot be started fails the run with 1 and its name" {
  chmod 644 "$PROJECT/bin/generate"
  run -1 publish
  says 'step cannot be started" failed_step=generate .*status=12[67]'
  last | grep -q 'failed_step=generate rc=1$'
  printf '#!/no/such/interpreter\n' >"$PROJECT/bin/fetch"
  run -1 publish
  last | grep -q 'failed_step=fetch rc=1$'
}

@test "trap 25, fault 44: a step that hangs is ended at its limit, with its children" {
  sed -i 's/limit=60 program=/limit=1 program=/' "$PROJECT/bin/publish"
  does generate 'sleep 77.7'
  run -1 publish
  says 'timed out" failed_step=generate limit=1 status=124'
  run -1 pgrep -f 'sleep 77.7'
}

@test "fault 44: all limits together stay below the ten minutes of the systemd unit, and invalidate's own below its limit" {
  local total=0 limit
  while read -r limit; do
    total=$((total + ${limit#limit=} + 5))
  done < <(grep -o ' limit=[0-9]\+' "$ROOT/bin/publish")
  # drain and invalidate share a line
  ((total == 430 && total + 115 < 600))
  local last attempts=3 connect=5 read=15 backoff=5
  last=$(grep -o 'NO_TRY_AFTER=[0-9]*' "$ROOT/bin/invalidate")
  grep -q -- "--cli-connect-timeout $connect --cli-read-timeout \"\$aws_read_timeout\"" "$ROOT/scripts/aws.sh"
  grep -qx "aws_read_timeout=$read" "$ROOT/scripts/aws.sh"
  grep -q "\"AWS_MAX_ATTEMPTS\": \"$attempts\"" "$ROOT/scripts/aws_session.py"
  ((${last#*=} + attempts * (connect + read) + backoff < 110))
  # One upload command with all its attempts fits into the upload's limit.
  read=$(grep -o 'aws_read_timeout=[0-9]*' "$ROOT/bin/upload")
  ((attempts * ${read#*=} < 150))
}

@test "fault 45: a second run ends with 75 and says who holds the lock; the first is unharmed" {
  does fetch 'sleep 0.7'
  "$PROJECT/bin/publish" 2>"$BUILD_DIR/first.log" &
  local pid=$!
  until [[ -s $BUILD_DIR/ran ]]; do sleep 0.02; done
  run -75 publish
  last | grep -Eq "^level=error step=publish run=[^ ]+ msg=\"publish failed: another publish is running\" failed_step=lock holder=\"pid=[0-9]+ run=[^ ]+ since=20[^ ]+Z\" rc=75$"
  wait "$pid"
  same "$(ran)" 'fetch generate upload invalidate '
}

@test "fault 45: a killed run also kills its step and does not block the next run; nor does a lock file alone" {
  does fetch 'exec sleep 66.6'
  "$PROJECT/bin/publish" 2>/dev/null 3>&- &
  local pid=$!
  until [[ -s $BUILD_DIR/ran ]]; do sleep 0.02; done
  kill -9 "$pid"
  wait "$pid" || same $? 137
  does fetch ''
  run -0 publish
  sleep 0.1
  run -1 pgrep -f 'sleep 66.6'
}

@test "SIGTERM ends the current step, and the log names it" {
  does upload 'sleep 55.5'
  "$PROJECT/bin/publish" 2>"$BUILD_DIR/log" &
  local pid=$!
  until [[ $(cat "$BUILD_DIR/ran" 2>/dev/null) == *upload* ]]; do sleep 0.02; done
  kill "$pid"
  wait "$pid" || same $? 1
  tail -n 1 "$BUILD_DIR/log" | grep -q 'msg="publish failed: interrupted" signal=TERM failed_step=upload rc=1$'
  run -1 pgrep -f 'sleep 55.5'
}

@test "The run id is systemd's, and the steps' too" {
  does fetch 'echo "id=$RUN_ID" >&2'
  INVOCATION_ID=abc123 run -0 publish
  says '^id=abc123$'
  says 'step=publish run=abc123 '
}

@test "fault 19: a broken .env ends with 78 before any step" {
  echo 'export A=1' >"$BATS_TEST_TMPDIR/env"
  ENV_FILE=$BATS_TEST_TMPDIR/env run -78 publish
  [[ ! -e $BUILD_DIR/ran ]]
}

@test "fault 45: a lock file that cannot be opened is logged, and no step runs" {
  mkdir "$BUILD_DIR/publish.lock"
  run -1 publish
  last | grep -q 'msg="publish failed: cannot write to the build folder" path=.* failed_step=lock rc=1$'
  [[ ! -e $BUILD_DIR/ran ]]
}

@test "trap 5: the changed files of a failed upload are invalidated, and the run fails with its code" {
  does upload 'echo event/1.html >"$BUILD_DIR/pending-paths"; echo uploaded=1 >"$BUILD_DIR/run/upload.stats"; exit 75'
  does invalidate ': >"$BUILD_DIR/pending-paths"'
  run -75 publish
  same "$(ran)" 'fetch generate upload invalidate '
  says 'outcome=failed .*pending_after=0 '
  last | grep -q 'failed_step=upload rc=75$'
  # If S3 cannot be reached, no file has changed; an invalidation on each run would only cost money.
  does upload 'echo event/1.html >"$BUILD_DIR/pending-paths"; echo uploaded=0 >"$BUILD_DIR/run/upload.stats"; exit 75'
  rm "$BUILD_DIR/ran"
  run -75 publish
  same "$(ran)" 'fetch generate upload '
}
