#!/usr/bin/env bats
# bin/upload with the real AWS CLI against moto. The numbers of traps and faults: test_traps.py.
# test_upload_steps.py tests the rules of order, recovery and guards; these tests need the answers of S3.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() { start_aws; }
teardown_file() { stop_aws; }
setup() {
  use_aws
  make_site
}

@test "traps 1 and 2, faults 35 and 36: only files with other bytes are uploaded, once, whatever their size and time" {
  run -0 upload
  says 'uploaded=5 deleted=0'
  published
  same "$(calls | awk '$1 == "PutObject" {print $2}' | sed "s|$S3_PREFIX/||" | tr '\n' ' ' | sed 's|event/[12].html event/[12].html|events|')" \
    '.events-display static/main.0123abcd.css events.ics events index.html status.json '
  local page
  page=$(headers event/1.html)
  grep -iq '^content-type: text/html; charset=utf-8$' <<<"$page"
  grep -iq '^cache-control: public, max-age=60, s-maxage=3600, stale-while-revalidate=60, stale-if-error=86400$' <<<"$page"
  headers events.ics | grep -iq '^content-type: text/calendar; charset=utf-8$'
  headers static/main.0123abcd.css | grep -iq '^cache-control: public, max-age=31536000, immutable$'
  headers status.json | grep -iq '^cache-control: public, max-age=30$'

  rm -r "$BUILD_DIR/site"
  make_site
  touch -d '+1 day' "$BUILD_DIR/site/index.html"
  ask DELETE /-/log
  run -0 upload
  same "$(calls | sed 's/sent=.*//')" "PutObject $S3_PREFIX/status.json 200 "

  put event/1.html '<a href=../index.html>at 8pm</a>'
  touch -d '2001-01-01' "$BUILD_DIR/site/event/1.html"
  run -0 upload
  says 'uploaded=1 '
  published
  run -0 upload
  says 'uploaded=0 '
}

@test "fault 25: a site that differs from its manifest is refused with 65 and no call to AWS, even with FORCE=1" {
  printf 'x' >>"$BUILD_DIR/site/index.html"
  FORCE=1 run -65 upload
  says 'level=error step=upload .*guard: incomplete site: .* file=index.html rc=65'
  same "$(calls)" ''
  [[ ! -e $BUILD_DIR/published.manifest && ! -s $BUILD_DIR/pending-paths ]]
}

@test "faults 22 and 37: a new destination or a lost manifest means a full upload, and other files stay" {
  run -0 upload
  ask PUT "/$S3_BUCKET/$S3_PREFIX/cat.jpg" 'not ours' "$MOTO_URL"
  rm "$BUILD_DIR/published.manifest"
  drop event/2.html
  put index.html x
  run -0 upload
  says 'level=warn .*sending requests to another server than AWS" key=AWS_ENDPOINT_URL endpoint=http'
  says 'level=warn .*published.manifest missing.* found=6 ours=5 not_ours=1'
  says 'uploaded=4 deleted=0'
  : >"$BUILD_DIR/pending-paths"
  echo '2026-03 1 x 2026-03-03T09:00:00+00:00' >"$BUILD_DIR/invalidations"
  run -0 upload
  says 'deleted=1'
  same "$(object cat.jpg)" 'not ours'
  ask DELETE "/$S3_BUCKET/$S3_PREFIX/cat.jpg" '' "$MOTO_URL"
  published
  S3_PREFIX+=-elsewhere run -0 upload
  says 'new endpoint, bucket or prefix; uploading every file'
  says 'uploaded=4 deleted=0'
  published
}

@test "fault 29: missing rights leave the state files unchanged, and the log names the setting to check" {
  faults '{"kind": "AccessDenied", "operation": "PutObject"}'
  run -78 upload
  says 'UPLOAD_AWS_ key pair.* aws=AccessDenied .*uploaded=0'
  [[ ! -e $BUILD_DIR/published.manifest && ! -s $BUILD_DIR/pending-paths ]]
  ask DELETE /-/faults
  S3_BUCKET=gone run -78 upload
  says 'check S3_BUCKET" aws=NoSuchBucket'
  [[ ! -e $BUILD_DIR/published.manifest && ! -s $BUILD_DIR/pending-paths ]]
}

@test "faults 30 and 31: an overload ends with 75, a wrong clock with 1, and the next run uploads only the rest" {
  faults '{"kind": "RequestTimeTooSkewed"}'
  run -1 upload
  says 'clock of this machine is over 15 minutes wrong'
  faults '{"kind": "SlowDown", "operation": "PutObject", "skip": 4}'
  run -75 upload
  says 'aws=SlowDown .*uploaded=3 '
  ask DELETE /-/faults
  ask DELETE /-/log
  run -0 upload
  says 'msg="resuming an unfinished run"'
  published
  same "$(count PutObject)" 3
}

@test "faults 31 and 32: after a lost answer the file is uncertain and is uploaded again" {
  run -0 upload
  put event/1.html B
  faults '{"kind": "lost", "operation": "PutObject"}'
  run -75 upload
  says 'aws=Unreachable'
  same "$(object event/1.html)" B
  ask DELETE /-/faults
  put event/1.html '<a href=../index.html>at 7pm</a>'
  run -0 upload
  says 'uploaded=1 '
  published
}

@test "faults 33 and 34: kill -9 after a PUT leaves no process and no lock, and the old content is uploaded again" {
  run -0 upload
  put event/1.html B
  upload 2>/dev/null &
  local pid=$!
  faults "{\"kind\": \"kill-after\", \"operation\": \"PutObject\", \"pid\": $pid}"
  wait "$pid" || same $? 137
  same "$(object event/1.html)" B
  ask DELETE /-/faults
  put event/1.html '<a href=../index.html>at 7pm</a>'
  run -0 upload
  says 'msg="resuming an unfinished run" pending=.* uncertain=1'
  says 'uploaded=1 '
  published
}

@test "fault 33: a killed AWS CLI ends the upload with 1 and a log line" {
  # shellcheck disable=SC2016  # for the script to expand
  printf '#!/usr/bin/env bash\n[[ $1 == --version ]] || kill -KILL "$PPID"\n' >"$BATS_TEST_TMPDIR/aws"
  chmod 755 "$BATS_TEST_TMPDIR/aws"
  AWS_CLI=$BATS_TEST_TMPDIR/aws run -1 upload
  says 'msg="the AWS CLI was killed or crashed; the next run continues" .*rc=1$'
  run -0 upload
  published
}

@test "fault 44: an upload that runs out of time records the uploaded files, and the next run continues" {
  faults '{"kind": "slow", "seconds": 60, "key": ".*/index.html"}'
  upload 2>"$BATS_TEST_TMPDIR/log" &
  local pid=$!
  until [[ $(count ListObjectsV2) == 14 ]]; do sleep 0.05; done # ten folders, and one for each of four syncs
  kill -TERM "$pid"
  wait "$pid" || same $? 1
  grep -q 'msg="interrupted; the next run continues" .*uploaded=4 .*rc=1$' "$BATS_TEST_TMPDIR/log"
  ask DELETE /-/faults
  ask DELETE /-/log
  run -0 upload
  says 'uploaded=1 '
  published
}

@test "trap 24, fault 54: keys may come as files; no message and no file holds them; the log names a missing one" {
  printf 'planted-secret-value\n' >"$BATS_TEST_TMPDIR/secret"
  printf 'AKIAPLANTED\n' >"$BATS_TEST_TMPDIR/id"
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  run -78 upload
  says 'set UPLOAD_AWS_ACCESS_KEY_ID'
  export UPLOAD_AWS_ACCESS_KEY_ID_FILE=$BATS_TEST_TMPDIR/id UPLOAD_AWS_SECRET_ACCESS_KEY_FILE=$BATS_TEST_TMPDIR/secret
  faults '{"kind": "SignatureDoesNotMatch"}'
  run -78 upload
  says_not 'planted-secret-value'
  run -1 grep -r planted-secret-value "$BUILD_DIR"
  UPLOAD_AWS_SECRET_ACCESS_KEY_FILE=/nowhere run -78 upload
  says 'key=UPLOAD_AWS_SECRET_ACCESS_KEY_FILE'
  UPLOAD_AWS_SECRET_ACCESS_KEY_FILE='' run -78 upload
  says 'key=UPLOAD_AWS_SECRET_ACCESS_KEY '
}

@test "fault 19: a missing or malformed setting ends with 78 before any call" {
  S3_BUCKET='' run -78 upload
  says 'key=S3_BUCKET'
  MAX_DELETE_PERCENT=many run -78 upload
  says 'key=MAX_DELETE_PERCENT'
  same "$(calls)" ''
}

@test "fault 26: where no file may grow, no file is uploaded and the state files stay" {
  put event/1.html "$(head -c 300000 /dev/zero | tr '\0' x)"
  run -1 bash -c 'ulimit -f 100; exec upload'
  says 'level=error .*errno=27'
  [[ ! -e $BUILD_DIR/published.manifest && ! -s $BUILD_DIR/pending-paths ]]
  same "$(count PutObject)" 0
}

# on_a_disk OPTIONS TROUBLE: run the three commands on a small disk, in a namespace with the right to mount
on_a_disk() {
  # shellcheck disable=SC2016  # for that shell to expand
  "${enter[@]}" bash -c '
    set -e
    mount -t tmpfs -o "$1" none "$BUILD_DIR"
    cp -r "$KEEP/." "$BUILD_DIR"
    eval "$2" 2>/dev/null || true
    for step in upload invalidate publish; do
      rc=0
      "$step" || rc=$?
      echo "$step ended with $rc"
    done
    for name in published.manifest pending-paths; do cmp "$KEEP/$name" "$BUILD_DIR/$name"; done' - "$@"
}

@test "fault 26: on a full disk, one without inodes and a read-only one, there is no upload, no call and no loss" {
  enter=(unshare --mount)
  ((EUID == 0)) || enter=(unshare --user --map-root-user --mount)
  "${enter[@]}" mount -t tmpfs none "$BATS_TEST_TMPDIR" 2>/dev/null ||
    skip 'needs the right to mount in a namespace of its own'
  export KEEP=$BATS_TEST_TMPDIR/keep
  export LIBCAL_URL=https://example.libcal.com LIBCAL_CLIENT_ID=1 LIBCAL_CLIENT_SECRET=s LIBCAL_CALENDARS=1
  upload
  put event/1.html 'at 8pm'
  mv "$BUILD_DIR" "$KEEP"
  mkdir "$BUILD_DIR"
  ask DELETE /-/log
  local disk errno trouble
  while read -r disk errno trouble; do
    run -0 on_a_disk "$disk" "$trouble"
    says 'upload ended with 1$'
    says 'invalidate ended with 1$'
    says 'publish ended with 1$'
    says "step=upload .*(errno=$errno|msg=\"cannot write to the build folder\")"
    says 'step=publish .*msg="publish failed.*failed_step='
  done <<'EOF'
size=200k 28 head -c 1m /dev/zero >"$BUILD_DIR/fill"
nr_inodes=50 28 mkdir "$BUILD_DIR/many"; seq 100 | sed "s|^|$BUILD_DIR/many/|" | xargs -n 1 touch
size=200k 30 mount -o remount,ro "$BUILD_DIR"
EOF
  same "$(calls)" ''
}

@test "trap 11, fault 45: of two uploads at once, the second ends with 75 and names the first" {
  exec {held}>"$BUILD_DIR/state.lock"
  flock -n "$held"
  echo 'step=upload pid=123 run=x' >"$BUILD_DIR/state.lock"
  run -75 upload
  says 'another upload or invalidation is running" holder="step=upload pid=123 run=x"'
  CLOUDFRONT_DISTRIBUTION_ID=E1 run -75 invalidate
  exec {held}>&-
  same "$(calls)" ''
}

@test "A dry run prints the uploads and invalidations with their price and changes no file" {
  printf '# destination %s s3://%s/%s\n# headers text/html | x\n%064d  event/9.html\n' \
    "$AWS_ENDPOINT_URL" "$S3_BUCKET" "$S3_PREFIX" 0 >"$BUILD_DIR/published.manifest"
  FORCE=1 run -0 --separate-stderr upload --dry-run
  same "${lines[1]}" "upload	$S3_PREFIX/static/main.0123abcd.css"
  same "${lines[6]}" "upload	$S3_PREFIX/status.json"
  same "${lines[7]}" "delete later	$S3_PREFIX/event/9.html"
  same "${lines[8]}" 'invalidate	/*'
  same "${lines[9]}" "7 uploads (333 bytes), 0 deletes, 1 invalidation path: \$0.000085; 0 of 1,000 free paths used this month"
  same "$(calls)" ''
  [[ ! -e $BUILD_DIR/pending-paths ]]
}

@test "Wrong usage prints the usage on stderr and ends with 2; --help prints it on stdout" {
  run -2 --separate-stderr upload --delete
  same "$output" ''
  run -0 --separate-stderr upload --help
  [[ $output == Usage:* ]]
}

# In the dev image, where Python is not in /usr/bin, this test cannot run (tests/docker/test_dev_image.py).
# bats test_tags=system-python
@test "trap 26: another aws in PATH is used, and started once for each command" {
  mkdir "$BATS_TEST_TMPDIR/path"
  printf '#!/bin/sh\necho "$1 $2" >>"%s/started"\nexec "%s/.venv/bin/aws" "$@"\n' "$BATS_TEST_TMPDIR" "$ROOT" \
    >"$BATS_TEST_TMPDIR/path/aws"
  chmod 755 "$BATS_TEST_TMPDIR/path/aws"
  run -0 upload
  run -0 env PATH="$BATS_TEST_TMPDIR/path:/usr/bin:/bin" "$ROOT/bin/upload"
  same "$(cat "$BATS_TEST_TMPDIR/started")" $'--version \ns3 cp'
  says "using an AWS CLI other than the tested one\" aws=$BATS_TEST_TMPDIR/path/aws version=\"aws-cli/"
  says 'uploaded=0 deleted=0'
}

@test "A link in place of a state file or of the stage is refused with 65, and no file is written through it" {
  local path elsewhere=$BATS_TEST_TMPDIR/elsewhere
  upload
  echo planted >"$BATS_TEST_TMPDIR/secret"
  put index.html 'Another page.'
  for path in pending-paths run/stage site.manifest state.lock; do
    ask DELETE /-/log
    mkdir -p "$elsewhere"
    rm -rf "$BATS_TEST_TMPDIR/kept" && cp -a "$BUILD_DIR" "$BATS_TEST_TMPDIR/kept"
    rm -rf "${BUILD_DIR:?}/$path"
    if [[ $path == run/stage ]]; then
      ln -s "$elsewhere" "$BUILD_DIR/$path"
    else
      ln -s "$BATS_TEST_TMPDIR/secret" "$BUILD_DIR/$path"
    fi
    run -65 upload
    same "$(grep -c level=error <<<"$output")" 1
    same "$(count PutObject)" 0
    same "$(<"$BATS_TEST_TMPDIR/secret")" planted
    same "$(ls "$elsewhere")" ''
    rm -rf "$BUILD_DIR" && cp -a "$BATS_TEST_TMPDIR/kept" "$BUILD_DIR"
  done
  run -0 upload
}

@test "The rights of the uploader are proved, and no file stays" {
  run -0 rights upload
  says 'level=info step=check .*msg="S3 allows to list, upload and delete"'
  same "$(calls | awk '{print $1}' | tr '\n' ' ')" 'ListObjectsV2 DeleteObject PutObject DeleteObject '
  same "$(keys)" ''
  local right
  for right in ListObjectsV2:s3:ListBucket PutObject:s3:PutObject DeleteObject:s3:DeleteObject; do
    faults "{\"kind\": \"AccessDenied\", \"operation\": \"${right%%:*}\"}"
    run -78 rights upload
    says "level=error step=check .*msg=\"${right#*:}: AWS denied access: check the UPLOAD_AWS_ key pair and its policy\""
  done
}
