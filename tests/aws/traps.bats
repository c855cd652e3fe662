#!/usr/bin/env bats
# Publishing to S3 and CloudFront has thirty known traps, which test_traps.py lists. These tests need the
# real AWS CLI and the answers of S3.

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() {
  start_aws
  record_arguments
}
teardown_file() { stop_aws; }
setup() {
  use_aws
  make_site
}

# record_arguments: write the arguments of every AWS CLI call in the life of a site to $BATS_FILE_TMPDIR/arguments
record_arguments() {
  # shellcheck disable=SC2034  # use_aws reads them
  local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR BATS_TEST_NUMBER=0 place=$BATS_FILE_TMPDIR/path
  use_aws
  mkdir "$place"
  # shellcheck disable=SC2016  # for the script to expand
  printf '#!/usr/bin/env bash\n[[ $1 == --version ]] || printf "%%q " "$@" >>"%s/arguments"\n[[ $1 == --version ]] || echo >>"%s/arguments"\nexec "%s" "$@"\n' \
    "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR" "${TEST_AWS_CLI:-$(type -P aws)}" >"$place/aws"
  chmod 755 "$place/aws"
  export AWS_CLI=$place/aws
  make_site
  live 09:00
  drop event/2.html
  put index.html 'less'
  live 09:15
  live 09:30
  unset AWS_CLI
} 2>/dev/null

# live TIME: upload and invalidate at that time
live() { EVENTS_NOW=2026-03-03T$1-05:00 upload && EVENTS_NOW=2026-03-03T$1-05:00 invalidate; }
arguments() { grep "$1" "$BATS_FILE_TMPDIR/arguments"; }
never() { ! grep -E -- "$1" "$BATS_FILE_TMPDIR/arguments" || fail "the AWS CLI is called with $1"; }

@test "The recorded calls are of five kinds" {
  same "$(cut -d' ' -f1-2 "$BATS_FILE_TMPDIR/arguments" | LC_ALL=C sort -u | tr '\n' ' ')" \
    'cloudfront create-invalidation s3 cp s3 sync s3api delete-objects s3api list-objects-v2 '
}

@test "trap 2: sync never compares by size alone" {
  never '--size-only|--exact-timestamps'
}

@test "trap 3: a file uploaded in the second in which it was written is not uploaded again" {
  run -0 upload
  put event/1.html 'now'
  run -0 upload
  says 'uploaded=1 '
  run -0 upload
  says 'uploaded=0 '
  same "$(count PutObject)" 10 # the mark, five files, three times status.json, and one more
}

@test "trap 4: after any failure the next run invalidates the files that changed in S3" {
  live 09:00
  # CloudFront fails.
  put event/1.html 'A'
  faults '{"kind": "ServiceUnavailable", "operation": "CreateInvalidation"}'
  live 09:15 || same $? 75
  invalidated 09:30
  # Part of the upload fails.
  put event/1.html 'B'
  put event/2.html 'B'
  faults '{"kind": "InternalError", "operation": "PutObject", "skip": 1}'
  live 09:45 || same $? 75
  invalidated 10:00
  # Killed between the two.
  put event/1.html 'C'
  EVENTS_NOW=2026-03-03T10:15-05:00 upload
  invalidated 10:30
  # The answer to a delete is lost.
  drop event/2.html
  live 10:45
  faults '{"kind": "lost", "operation": "DeleteObjects"}'
  EVENTS_NOW=2026-03-03T11:00-05:00 upload
  grep -qx event/2.html "$BUILD_DIR/pending-paths"
  invalidated 11:15
}

# invalidated TIME: a run without faults invalidates the pending paths, and later runs invalidate none
invalidated() {
  ask DELETE /-/faults
  ask DELETE /-/log
  [[ -s $BUILD_DIR/pending-paths ]]
  EVENTS_NOW=2026-03-03T$1-05:00 invalidate
  same "$(count CreateInvalidation)" 1
  live "$1"
  live "$1"
  [[ ! -s $BUILD_DIR/pending-paths ]]
}

@test "trap 6, fault 32: whichever PUT fails, no page in the bucket links to a missing file, and no file is deleted" {
  live 09:00
  drop event/2.html
  live 09:15 # event/2.html is due from now on
  local skip
  for skip in 0 1 2 3; do
    put "static/new.$skip.0123abcd.css" 'b{}'
    put "event/3$skip.html" "<link href=../static/new.$skip.0123abcd.css><a href=../index.html>"
    put event/1.html "<link href=../static/new.$skip.0123abcd.css><a href=3$skip.html>"
    put index.html "<link href=static/new.$skip.0123abcd.css><a href=event/1.html><a href=event/3$skip.html>"
    ask DELETE /-/log
    faults "{\"kind\": \"InternalError\", \"operation\": \"PutObject\", \"skip\": $skip}"
    EVENTS_NOW=2026-03-03T09:30-05:00 run -75 upload
    same "$(count DeleteObjects)" 0
    whole
    ask DELETE /-/faults
    EVENTS_NOW=2026-03-03T09:30-05:00 run -0 upload
    whole
  done
}

# whole: every link of every page in the bucket points to an object
whole() {
  local page link all
  all=$(keys)
  while read -r page; do
    for link in $(object "$page" | grep -o 'href=[^>]*' | cut -c6-); do
      link=$(realpath -ms --relative-to=/ "/$(dirname "$page")/$link")
      grep -qxF -- "$link" <<<"$all" || fail "$page links to $link, which is missing"
    done
  done < <(grep html <<<"$all")
}

@test "trap 7: an empty, missing or half-built site deletes no file, even with FORCE=1" {
  run -0 upload
  ask DELETE /-/log
  cp -r "$BUILD_DIR/site" "$BATS_TEST_TMPDIR/whole"
  rm "$BUILD_DIR/site/event/2.html"
  FORCE=1 run -65 upload
  rm -r "$BUILD_DIR/site"
  FORCE=1 run -65 upload
  mkdir "$BUILD_DIR/site"
  : >"$BUILD_DIR/site.manifest"
  FORCE=1 run -65 upload
  same "$(calls)" ''
}

@test "trap 8: sync never deletes, and sees only the files to upload" {
  never 's3 sync .*(--delete|--include|--exclude)'
}

@test "trap 9, fault 23: after a changed rule for headers only its files are uploaded again, once" {
  run -0 upload
  sed -i 's/^# headers text\/calendar; charset=utf-8 .*/# headers text\/calendar | public/' "$BUILD_DIR/published.manifest"
  run -0 upload
  says 'headers changed; uploading these files again" files=1'
  says 'uploaded=1 '
  headers events.ics | grep -iq '^cache-control: public, max-age=60, s-maxage=3600'
  run -0 upload
  says 'uploaded=0 '
}

@test "trap 10: content types are ours, with charset, whatever the host's mime.types says" {
  local path type
  while read -r path type; do
    put "$path" x
  done <"$BATS_TEST_DIRNAME/content-types"
  run -0 upload
  while read -r path type; do
    headers "$path" | grep -iqxF "content-type: $type" || fail "$path: $(headers "$path" | grep -i content-type)"
  done <"$BATS_TEST_DIRNAME/content-types"
  same "$(grep -Evc '^s3 (sync|cp) .*--content-type .+ --cache-control|^(s3api|cloudfront) ' "$BATS_FILE_TMPDIR/arguments" || true)" 0
}

@test "trap 12: kill -9 of an upload also ends its AWS CLI, before another upload may write" {
  faults '{"kind": "slow", "seconds": 30, "operation": "PutObject"}'
  upload 2>/dev/null 3>&- &
  local pid=$! session child
  until [[ $(count ListObjectsV2) -ge 6 ]]; do sleep 0.05; done # those before the first upload
  for child in $(<"/proc/$pid/task/$pid/children"); do
    ! grep -qa aws_session.py "/proc/$child/cmdline" || session=$child
  done
  ask DELETE /-/faults
  kill -9 "$pid"
  run -0 upload
  [[ ! -e /proc/$session ]] || [[ $(<"/proc/$session/status") == *'State:	Z'* ]]
  published
}

@test "trap 14: file names are read from the output of sync, even with ' to s3://' in them, and in another language" {
  LC_ALL=C run -0 upload
  put 'branch/from here to s3.html' x
  put 'branch/frå.html' x
  put "branch/z to s3:--$S3_BUCKET.html" x
  faults '{"kind": "InternalError", "operation": "PutObject", "key": ".*/z.*"}'
  LC_ALL=C run -75 upload
  says 'uploaded=2 '
  ask DELETE /-/faults
  LC_ALL=C run -0 upload
  says 'uploaded=1 '
  never 's3 sync .*(--quiet|--only-show-errors)'
  same "$(arguments '^s3 sync' | grep -vc -- --no-progress || true)" 0
}

@test "trap 15: sync always prints the uploaded files" {
  never '--quiet|--only-show-errors|--dryrun'
}

@test "trap 16: the AWS CLI reads the paths from a file, so that no shell expands /*" {
  arguments '^cloudfront' | grep -q -- '--invalidation-batch file://'
  never '--paths'
}

@test "trap 19: no run waits for an invalidation to complete" {
  mkdir -p "$BUILD_DIR"
  printf '# change a\nevent/1.html\n' >"$BUILD_DIR/pending-paths"
  run -0 invalidate
  same "$(calls | awk '{print $1}')" CreateInvalidation
}

# bats test_tags=system-python
@test "trap 24: a run needs neither HOME, nor a terminal, nor a profile; AWS_PROFILE and a pager do no harm" {
  local name kept=()
  for name in AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY S3_BUCKET S3_PREFIX BUILD_DIR ENV_FILE CLOUDFRONT_DISTRIBUTION_ID; do
    kept+=("$name=${!name}")
  done
  run -0 env -i PATH=/usr/bin:/bin "${kept[@]}" "$ROOT/bin/upload" </dev/null
  says 'level=warn .*sending requests to another server than AWS" key=AWS_ENDPOINT_URL'
  run -0 env -i PATH=/usr/bin:/bin AWS_PROFILE=gone PAGER=cat AWS_PAGER='sleep 99' "${kept[@]}" "$ROOT/bin/invalidate" </dev/null
  published
}

@test "trap 24: keys that expire during a run end it with 78, and the uploaded files are recorded" {
  run -0 upload
  put event/1.html A
  put static/other.0123abcd.css A
  faults '{"kind": "ExpiredToken", "operation": "PutObject", "skip": 1}'
  run -78 upload
  says 'UPLOAD_AWS_ACCESS_KEY_ID.* aws=ExpiredToken .*uploaded=1 '
  ask DELETE /-/faults
  run -0 upload
  says 'uploaded=1 '
  published
}

@test "trap 25: every call has time limits, below that of its step after all retries" {
  same "$(grep -c -- '^s3.*--cli-connect-timeout 5 --cli-read-timeout 45' "$BATS_FILE_TMPDIR/arguments")" \
    "$(grep -c ^s3 "$BATS_FILE_TMPDIR/arguments")"
  same "$(grep -c -- '^cloudfront.*--cli-connect-timeout 5 --cli-read-timeout 15' "$BATS_FILE_TMPDIR/arguments")" \
    "$(grep -c ^cloudfront "$BATS_FILE_TMPDIR/arguments")"
}

@test "trap 27: no program traces commands or signed headers" {
  never '--debug'
  run -1 grep -rnE 'set -[a-z]*x|xtrace|--debug' "$ROOT/bin" "$ROOT/scripts" "$ROOT/Makefile" "$ROOT/docker"
}

@test "trap 29: a FIFO or a link in the site is refused; sync never sees the site itself" {
  run -0 upload
  ask DELETE /-/log
  mkfifo "$BUILD_DIR/site/fifo"
  FORCE=1 run -65 upload
  says 'guard: incomplete site: a file is a link or special file" file=fifo'
  rm "$BUILD_DIR/site/fifo"
  ln -s /etc "$BUILD_DIR/site/etc"
  FORCE=1 run -65 upload
  same "$(calls)" ''
  same "$(arguments '^s3 sync' | grep -vc "^s3 sync $BATS_FILE_TMPDIR/build/run/stage/[0-9]* " || true)" 0
}

@test "trap 30: after a failed upload no file is deleted" {
  live 09:00
  drop event/2.html
  live 09:15
  put event/1.html A
  ask DELETE /-/log
  faults '{"kind": "InternalError", "operation": "PutObject"}'
  EVENTS_NOW=2026-03-03T09:30-05:00 run -75 upload
  same "$(count DeleteObjects)" 0
  ask DELETE /-/faults
  EVENTS_NOW=2026-03-03T09:30-05:00 invalidate
  # Nor by the next run: until it ends, live pages may still link to the file.
  EVENTS_NOW=2026-03-03T09:45-05:00 run -0 upload
  says 'deleted=0'
  EVENTS_NOW=2026-03-03T09:45-05:00 invalidate
  EVENTS_NOW=2026-03-03T10:00-05:00 run -0 upload
  says 'deleted=1'
  published
}
