# helper.bash: functions that the bats files share: a site to publish, and AWS (moto) behind a fault proxy.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SIGNED='Authorization: AWS4-HMAC-SHA256 Credential=standin-inspector/20260101/us-east-1/s3/aws4_request'
PATH=$ROOT/bin:$ROOT/.venv/bin:$PATH

# own_environment: unset the settings of the developer
own_environment() {
  local name pattern
  while read -r pattern; do
    for name in $(compgen -e); do
      # shellcheck disable=SC2053  # the right side is a pattern
      [[ $name != $pattern ]] || unset "$name"
    done
  done <"$ROOT/tests/support/settings-to-unset"
  export ENV_FILE=/dev/null
}

# start_aws: start it once for a file; write its environment to $BATS_FILE_TMPDIR/aws.env
start_aws() {
  own_environment
  PYTHONPATH=$ROOT:$ROOT/scripts:$ROOT/tests python -m standins.fault_proxy >"$BATS_FILE_TMPDIR/aws.env" 3>&- &
  echo $! >"$BATS_FILE_TMPDIR/aws.pid"
  local tries=0
  until grep -q '^$' "$BATS_FILE_TMPDIR/aws.env" 2>/dev/null; do
    tries=$((tries + 1))
    ((tries < 200)) || return 1
    sleep 0.05
  done
}

stop_aws() { kill "$(<"$BATS_FILE_TMPDIR/aws.pid")"; }

# use_aws: give each test its own folder in the bucket and its own build folder
use_aws() {
  local line
  own_environment
  while IFS= read -r line; do
    [[ -z $line ]] || export "${line?}"
  done <"$BATS_FILE_TMPDIR/aws.env"
  [[ -z ${TEST_AWS_CLI:-} ]] || export AWS_CLI=$TEST_AWS_CLI # instead of the pinned one
  export BUILD_DIR=$BATS_TEST_TMPDIR/build S3_PREFIX=t$BATS_TEST_NUMBER INVALIDATE_BACKOFF=0 AWS_MAX_ATTEMPTS=1
  ask DELETE /-/log
  ask DELETE /-/faults
}

# ask METHOD PATH [BODY] [ADDRESS]: one HTTP request without starting a program; prints the answer's body
ask() {
  local address=${4:-$AWS_ENDPOINT_URL} body=${3:-}
  address=${address#http://}
  exec 7<>"/dev/tcp/${address%:*}/${address#*:}"
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\nContent-Length: %s\r\n\r\n%s' \
    "$1" "$2" "$address" "$SIGNED" "${#body}" "$body" >&7
  sed '1,/^\r$/d' <&7
  exec 7>&-
}

faults() { ask PUT /-/faults "[$1]"; }
calls() { ask GET /-/log; }
count() { calls | grep -c "^$1 " || true; }
object() { ask GET "/$S3_BUCKET/$S3_PREFIX/$1" '' "$MOTO_URL"; }

# headers NAME: print the headers of the object in S3
headers() {
  local address=${MOTO_URL#http://}
  exec 7<>"/dev/tcp/${address%:*}/${address#*:}"
  printf 'HEAD %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n' "/$S3_BUCKET/$S3_PREFIX/$1" "$address" "$SIGNED" >&7
  tr -d '\r' <&7
  exec 7>&-
}

# keys: print the keys of this test in the bucket, one on a line, without the mark
keys() {
  ask GET "/$S3_BUCKET?list-type=2&prefix=$S3_PREFIX/" '' "$MOTO_URL" | grep -o '<Key>[^<]*' | sed "s|<Key>$S3_PREFIX/||" |
    { grep -vxF .events-display || true; } | LC_ALL=C sort
}

# make_site: write two events, a list, a feed and a style sheet
make_site() {
  mkdir -p "$BUILD_DIR/site/event" "$BUILD_DIR/site/static"
  put index.html '<link href=static/main.0123abcd.css><a href=event/1.html>1</a><a href=event/2.html>2</a>'
  put event/1.html '<a href=../index.html>at 7pm</a>'
  put event/2.html '<a href=../index.html>at 9pm</a>'
  put events.ics 'BEGIN:VCALENDAR'
  put static/main.0123abcd.css 'a{}'
  status 2
}

# put PATH TEXT: write a file of the site, and the manifest
put() {
  mkdir -p "$(dirname "$BUILD_DIR/site/$1")"
  printf '%s\n' "$2" >"$BUILD_DIR/site/$1"
  manifest
}

drop() {
  rm "$BUILD_DIR/site/$1"
  manifest
}

status() { printf '{"events": %s}\n' "$1" >"$BUILD_DIR/site/status.json"; }

manifest() {
  (cd "$BUILD_DIR/site" && find . -type f ! -name status.json -printf '%P\0' | LC_ALL=C sort -z |
    xargs -0 sha256sum) >"$BUILD_DIR/site.manifest"
}

# published: fail unless the bucket holds the files of the site, byte for byte, and no other
published() {
  local path
  for path in $(cd "$BUILD_DIR/site" && find . -type f -printf '%P\n'); do
    [[ $(object "$path") == "$(<"$BUILD_DIR/site/$path")" ]] || fail "differs in the bucket: $path"
  done
  [[ $(keys) == "$(cd "$BUILD_DIR/site" && find . -type f -printf '%P\n' | LC_ALL=C sort)" ]] ||
    fail "not the site's files in the bucket: $(keys | tr '\n' ' ')"
}

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

# same ACTUAL EXPECTED
same() { [[ $1 == "$2" ]] || fail "is:        $1" "should be: $2"; }

# says PATTERN: fail unless a line of the last output matches
says() { grep -Eq -- "$1" <<<"$output" || fail "not in the log: $1" "$output"; }
says_not() { ! grep -Eq -- "$1" <<<"$output" || fail "in the log: $1" "$output"; }

# publishing_project: a copy of the project at $PROJECT for bin/publish; fetch and generate do no work,
# the test makes the site
publishing_project() {
  export PROJECT=$BATS_TEST_TMPDIR/project
  export LIBCAL_URL=https://example.libcal.com LIBCAL_CLIENT_ID=1 LIBCAL_CLIENT_SECRET=s LIBCAL_CALENDARS=1
  mkdir -p "$PROJECT/bin" "$PROJECT/scripts"
  cp "$ROOT"/bin/* "$PROJECT/bin/"
  cp -r "$ROOT"/scripts/. "$PROJECT/scripts/"
  ln -s "$ROOT/.venv" "$PROJECT/.venv"
  : >"$PROJECT/scripts/fetch.py"
  : >"$PROJECT/scripts/generate.py"
  make_site
}
