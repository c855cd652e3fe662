#!/usr/bin/env bats
# Situations from bug reports about tools that publish to S3, with the real AWS CLI: other programs'
# objects, killed runs, refused deletes, slow lines. After each run, `honest` compares bucket and site:
# a run that did not publish its site must not end with outcome=ok.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() { start_aws; }
teardown_file() { stop_aws; }

setup() {
  use_aws
  publishing_project
}

# publish TIME RC: publish at that time of 3 March; sets output
publish() {
  EVENTS_NOW=2026-03-${1/ /T} run "-$2" "$PROJECT/bin/publish"
  honest
}

# honest: fail if the last run says outcome=ok and the bucket lacks a file of the site
honest() {
  local path
  grep -q 'outcome=ok' <<<"$output" || return 0
  for path in $(cd "$BUILD_DIR/site" && find . -type f -printf '%P\n'); do
    [[ $(object "$path") == "$(<"$BUILD_DIR/site/$path")" ]] || fail "outcome=ok, but S3 differs: $path" "$output"
  done
}

# theirs PATH...: put objects of another program into the bucket
theirs() {
  local path
  for path in "$@"; do ask PUT "/$S3_BUCKET/$S3_PREFIX/$path" "theirs: $path" "$MOTO_URL" >/dev/null; done
}
still_theirs() {
  local path
  for path in "$@"; do same "$(object "$path")" "theirs: $path"; done
}

@test "Another site in the bucket is refused with 65, and FORCE=1 replaces only the files of the same name" {
  local others=(robots.txt about.html static/js/main.787c1474.js static/css/main.f855e6bc.css event/7.html)
  theirs index.html "${others[@]}"
  publish '03 09:00' 65
  says 'guard: the bucket holds another site: set S3_PREFIX .*FORCE=1 .*found="event/7.html index.html"'
  still_theirs index.html "${others[@]}"
  FORCE=1 publish '03 09:00' 0
  publish '03 09:15' 0
  rm "$BUILD_DIR/published.manifest"
  publish '05 09:15' 0
  publish '05 09:30' 0
  publish '06 09:45' 0
  still_theirs "${others[@]}"
}

@test "The answer of a killed upload does not count for an AWS CLI that dies at its start" {
  publish '03 09:00' 0
  put event/1.html first
  put event/2.html first
  ask DELETE /-/log
  faults '{"kind": "slow", "seconds": 5, "operation": "PutObject", "key": ".*/event/2.html"}'
  "$ROOT/bin/upload" 2>/dev/null 3>&- &
  local pid=$!
  until grep -q 'upload:.*event/1.html' "$BUILD_DIR/run/aws.out" 2>/dev/null; do sleep 0.05; done
  kill -9 "$pid"
  wait "$pid" || true
  until calls | grep -q '/event/2.html 200 '; do sleep 0.1; done # S3 had received it
  ask DELETE /-/faults
  put event/1.html second
  put event/2.html second
  printf '#!/bin/sh\n[ "$1" = --version ] || kill -KILL $PPID\n' >"$BATS_TEST_TMPDIR/aws"
  chmod 755 "$BATS_TEST_TMPDIR/aws"
  AWS_CLI=$BATS_TEST_TMPDIR/aws publish '03 09:15' 1
  says 'run ended.* uploaded=0 '
  publish '03 09:30' 0
  published
}

@test "Failed deletes are noticed with AWS_DEFAULT_OUTPUT=text, do not fail the run and are not invalidated" {
  export AWS_DEFAULT_OUTPUT=text
  publish '03 09:00' 0
  drop event/2.html
  publish '03 09:15' 0
  faults '{"kind": "undeleted", "operation": "DeleteObjects"}'
  ask DELETE /-/log
  publish '03 09:30' 0
  says 'level=warn .*cannot delete removed files.* aws=AccessDenied'
  says 'run ended.* outcome=ok .*deleted=0 .*paths=0 '
  publish '03 09:45' 0
  publish '03 10:00' 0
  same "$(count DeleteObjects)" 2
  same "$(count CreateInvalidation)" 0
  grep -q '  event/2.html$' "$BUILD_DIR/published.manifest"
  ask DELETE /-/faults
  publish '03 12:00' 0
  says 'deleted=1 .*paths=1 '
  published
}

@test "Where a store refuses a batch of deletes, each file is deleted alone" {
  publish '03 09:00' 0
  drop event/2.html
  publish '03 09:15' 0
  faults '{"kind": "MissingContentMD5", "operation": "DeleteObjects"}'
  ask DELETE /-/log
  publish '03 09:30' 0
  says 'deleted=1 '
  same "$(count DeleteObject)" 1
  published
}

@test "An archive in the same bucket costs no LIST, and its files stay" {
  local number
  for number in $(seq 30); do theirs "archive/scan-$number.tif"; done
  publish '03 09:00' 0
  put event/1.html edited
  put events.ics edited
  ask DELETE /-/log
  publish '03 09:15' 0
  same "$(count ListObjectsV2)" 0
  still_theirs archive/scan-1.tif archive/scan-30.tif
}

@test "Files that a lifecycle rule deleted are uploaded again by the next day" {
  publish '03 09:00' 0
  ask DELETE "/$S3_BUCKET/$S3_PREFIX/static/main.0123abcd.css" '' "$MOTO_URL"
  ask DELETE "/$S3_BUCKET/$S3_PREFIX/event/2.html" '' "$MOTO_URL"
  publish '04 09:00' 0
  says 'level=warn .*files missing in S3; uploading them again" files=2 first='
  published
}

@test "A slow line is waited for" {
  local name
  for name in a b c d; do put "$name.json" "$(head -c 82500 /dev/zero | tr '\0' x)"; done
  faults '{"kind": "uplink", "rate": 20000, "operation": "PutObject"}'
  publish '03 09:00' 0
  published
}
