#!/usr/bin/env bats
# bin/invalidate with the real AWS CLI against moto. The numbers of traps and faults: test_traps.py.
# shellcheck disable=SC2030,SC2031  # each test has its own environment

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() { start_aws; }
teardown_file() { stop_aws; }
setup() {
  use_aws
  unset S3_PREFIX
  mkdir -p "$BUILD_DIR"
}

pending() { printf '# change %s\n%s\n' "$1" "$2" >"$BUILD_DIR/pending-paths"; }
invalidations() {
  SIGNED=${SIGNED/s3/cloudfront} ask GET "/2020-05-31/distribution/$CLOUDFRONT_DISTRIBUTION_ID/invalidation" '' "$MOTO_URL" |
    grep -o '<InvalidationSummary>' | wc -l
}
paths() { calls | awk '$1 == "CreateInvalidation" {print $6}' | tr '\n' ' '; }

@test "Without pending paths there is no call to CloudFront" {
  run -0 invalidate
  : >"$BUILD_DIR/pending-paths"
  run -0 invalidate
  says 'no paths to invalidate" paths=0 rc=0'
  same "$(calls)" ''
}

@test "trap 16: one file is one path, several are one wildcard that no shell expands, and pending-paths is emptied" {
  pending m1 event/1.html
  run -0 invalidate
  says 'paths=1 invalidation=[A-Z0-9]+ reused=0 pending_before=1 pending_after=0 paths_this_month=1 '
  same "$(wc -c <"$BUILD_DIR/pending-paths")" 0
  cd "$BATS_TEST_TMPDIR" # where an unquoted /* would find other files
  pending m2 $'event/1.html\nevent/2.html'
  run -0 invalidate
  says 'paths_this_month=2 '
  same "$(paths)" '/event/1.html /* '
}

@test "trap 18, fault 38: with too many invalidations in progress it retries for a limited time and keeps the paths pending" {
  pending m1 event/1.html
  faults '{"kind": "TooManyInvalidationsInProgress", "times": 2}'
  run -0 invalidate
  same "$(count CreateInvalidation)" 3
  pending m2 event/1.html
  cp "$BUILD_DIR/pending-paths" "$BATS_TEST_TMPDIR/before"
  ask DELETE /-/log
  faults '{"kind": "TooManyInvalidationsInProgress"}'
  run -75 invalidate
  says 'level=error .*invalidation pending: .* aws=TooManyInvalidationsInProgress .*tries=4 pending=1 rc=75'
  same "$(count CreateInvalidation)" 4
  cmp "$BUILD_DIR/pending-paths" "$BATS_TEST_TMPDIR/before"
}

@test "fault 38: missing rights and a wrong distribution end with 78 at once, an overload ends with 75" {
  pending m1 event/1.html
  faults '{"kind": "AccessDenied"}'
  run -78 invalidate
  says 'INVALIDATE_AWS_ key pair.* aws=AccessDenied'
  same "$(count CreateInvalidation)" 1
  ask DELETE /-/faults
  CLOUDFRONT_DISTRIBUTION_ID=E0GONE run -78 invalidate
  says 'check CLOUDFRONT_DISTRIBUTION_ID'
  CLOUDFRONT_DISTRIBUTION_ID='' run -78 invalidate
  says 'key=CLOUDFRONT_DISTRIBUTION_ID'
  faults '{"kind": "ServiceUnavailable"}'
  run -75 invalidate
  grep -q event/1.html "$BUILD_DIR/pending-paths"
}

@test "trap 17, fault 39: after a kill or a lost answer the next run gets the same invalidation and is not billed again" {
  pending m39 event/1.html
  local before pid
  before=$(invalidations)
  invalidate 2>/dev/null &
  pid=$!
  faults "{\"kind\": \"kill-after\", \"operation\": \"CreateInvalidation\", \"pid\": $pid}"
  wait "$pid" || same $? 137
  grep -q event/1.html "$BUILD_DIR/pending-paths"
  faults '{"kind": "lost", "times": 1}'
  run -0 invalidate
  same "$(count CreateInvalidation)" 3
  same "$(invalidations)" "$((before + 1))"
  says 'paths_this_month=1 '
}

@test "trap 17: a page changed twice is invalidated twice, even if its old content is back" {
  local change
  for change in a b a2 b2; do
    pending "$change" event/1.html
    run -0 invalidate
  done
  says 'paths_this_month=4 '
}

# refresher LINE...: make the program that INVALIDATE_COMMAND names
refresher() {
  printf '%s\n' '#!/usr/bin/env bash' "$@" >"$BATS_TEST_TMPDIR/refresh"
  chmod 755 "$BATS_TEST_TMPDIR/refresh"
  export INVALIDATE=command INVALIDATE_COMMAND=$BATS_TEST_TMPDIR/refresh CLOUDFRONT_DISTRIBUTION_ID=
}

@test "INVALIDATE=none needs no distribution, sends no request and empties pending-paths" {
  pending m1 event/1.html
  INVALIDATE=none CLOUDFRONT_DISTRIBUTION_ID='' run -0 invalidate
  says 'msg=invalidated paths=0 with=none pending_before=1 pending_after=0 seconds'
  same "$(wc -c <"$BUILD_DIR/pending-paths")" 0
  [[ -s $BUILD_DIR/invalidations ]] || fail 'no time, so that removed files are never deleted'
  same "$(calls)" ''
  pending m2 event/1.html
  INVALIDATE=none run -0 --separate-stderr invalidate --dry-run
  same "$output" "0 invalidation paths: \$0.000"
  INVALIDATE=cloudflare run -78 invalidate
  says 'key=INVALIDATE rc=78'
}

@test "INVALIDATE=command gives the paths to a program, which sees no secret of another step" {
  # shellcheck disable=SC2016  # for the script to expand
  refresher "cat >>'$BATS_TEST_TMPDIR/got'" \
    "echo \"\$AWS_ACCESS_KEY_ID \${UPLOAD_AWS_SECRET_ACCESS_KEY-} \${LIBCAL_CLIENT_SECRET-}\" >>'$BATS_TEST_TMPDIR/got'"
  export INVALIDATE_AWS_ACCESS_KEY_ID=AKIAREFRESH INVALIDATE_AWS_SECRET_ACCESS_KEY=x
  export UPLOAD_AWS_SECRET_ACCESS_KEY=planted LIBCAL_CLIENT_SECRET=planted
  pending m1 event/1.html
  SITE_URL=https://library.example/events run -0 invalidate
  says 'msg=invalidated paths=1 with=command pending_before=1 pending_after=0 seconds'
  pending m2 $'event/1.html\nevent/2.html'
  chmod 644 "$BATS_TEST_TMPDIR/refresh" # as in a container
  run -0 invalidate
  same "$(<"$BATS_TEST_TMPDIR/got")" $'/events/event/1.html\nAKIAREFRESH  \n/*\nAKIAREFRESH  '
  same "$(wc -c <"$BUILD_DIR/pending-paths")" 0
  same "$(calls)" ''
}

@test "If INVALIDATE_COMMAND fails, the paths stay pending, and 75 and 78 are passed on" {
  local code
  pending m1 event/1.html
  export LIBCAL_CLIENT_SECRET=planted-secret
  for code in 75:75 78:78 1:1 3:1; do
    refresher 'echo tried' 'echo "no answer, token=planted-secret" >&2' "exit ${code%:*}"
    run "-${code#*:}" invalidate
    says "level=error .*INVALIDATE_COMMAND failed\" detail=\"no answer.* pending=1 rc=${code#*:}"
    says_not planted
  done
  INVALIDATE_COMMAND=/nowhere run -78 invalidate
  says 'key=INVALIDATE_COMMAND path=/nowhere rc=78'
  INVALIDATE_COMMAND='' run -78 invalidate
  says 'key=INVALIDATE_COMMAND'
  echo text >"$BATS_TEST_TMPDIR/text"
  INVALIDATE_COMMAND=$BATS_TEST_TMPDIR/text run -78 invalidate
  says 'make it executable'
  grep -q event/1.html "$BUILD_DIR/pending-paths"
}

@test "A dry run prints the path and its price and makes no call" {
  pending m1 $'event/1.html\nevent/2.html'
  printf '%s 1000 x 2026-03-03T09:00:00+00:00\n' "$(date -u +%Y-%m)" >"$BUILD_DIR/invalidations"
  run -0 --separate-stderr invalidate --dry-run
  same "$output" "$(printf 'invalidate\t/*\n')
1 invalidation path: \$0.005; 1,000 of 1,000 free paths used this month"
  same "$(calls)" ''
}

@test "The right of the invalidator is proved with one harmless path" {
  run -0 rights invalidate
  says 'level=info step=check .*msg="CloudFront allows to invalidate"'
  same "$(paths)" '/.events-display-check '
  faults '{"kind": "AccessDenied"}'
  run -78 rights invalidate
  says 'msg="cloudfront:CreateInvalidation: AWS denied access: check the INVALIDATE_AWS_ key pair and its policy"'
  INVALIDATE=none run -0 rights invalidate
  same "$output" ''
}
