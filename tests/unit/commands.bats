#!/usr/bin/env bats
# The commands in bin/: usage, file modes, and a machine without `make setup`.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  export BUILD_DIR=$BATS_TEST_TMPDIR/build
}

# without_packages: a copy of the project without a virtual environment, and a Python that has no packages
without_packages() {
  PROJECT=$BATS_TEST_TMPDIR/project
  mkdir -p "$PROJECT" "$BATS_TEST_TMPDIR/path" "$BUILD_DIR"
  cp -r "$ROOT"/{bin,scripts,templates} "$PROJECT/"
  printf '#!/bin/sh\nexec "%s" -S "$@"\n' "$ROOT/.venv/bin/python3" >"$BATS_TEST_TMPDIR/path/python3"
  chmod 755 "$BATS_TEST_TMPDIR/path/python3"
  local name
  for name in bash dirname realpath date mkdir flock cat rm sed timeout grep mv; do
    ln -s "$(type -P "$name")" "$BATS_TEST_TMPDIR/path/$name"
  done
  # shellcheck disable=SC2123  # only these programs
  PATH=$BATS_TEST_TMPDIR/path
  export LIBCAL_URL=https://example.libcal.com LIBCAL_CLIENT_ID=1 LIBCAL_CLIENT_SECRET=secret LIBCAL_CALENDARS=1
  export S3_BUCKET=bucket CLOUDFRONT_DISTRIBUTION_ID=X SITE_URL=http://127.0.0.1:9
}

@test "Without the Python packages each step says in one line what to run, and changes no file" {
  without_packages
  local step
  echo index.html >"$BUILD_DIR/pending-paths"
  for step in fetch generate upload invalidate; do
    run -78 "$PROJECT/bin/$step"
    same "${#lines[@]}" 1
    says "^level=error step=$step run=[^ ]+ msg=\"a Python package is missing: run \\\\\"make setup\\\\\" first\" package=[a-z0-9]+ rc=78$"
  done
  same "$(<"$BUILD_DIR/pending-paths")" index.html
  [[ ! -e $BUILD_DIR/published.manifest && ! -e $BUILD_DIR/site ]]
}

@test "Without the Python packages a publish fails with 78 and names the step" {
  without_packages
  run -78 "$PROJECT/bin/publish"
  says '^level=error step=publish run=[^ ]+ msg="publish failed" failed_step=fetch rc=78$'
  says_not Traceback
}

@test "The commands that need no package run without any" {
  without_packages
  run -78 "$PROJECT/bin/verify"
  says 'step=verify .*key=BUILD_DIR rc=78$'
  LIBCAL_URL=http://127.0.0.1:9 run -0 "$PROJECT/bin/check"
  says "LibCal and AWS were not asked"
  says_not Traceback
}

@test "fault 48: a shell that cannot start a process ends with 1 and one line, never with 254" {
  # bash ends with 254 after it has tried for 15 seconds; here its end only.
  run -1 bash -c 'STEP=upload; source "$1/scripts/common.sh"; exit 254' - "$ROOT"
  same "${#lines[@]}" 1
  says '^level=error step=upload run=[^ ]+ msg="cannot start another process: too many are running .*" status=254 rc=1$'
  run -1 bash -c 'STEP=publish; source "$1/scripts/common.sh"; exit 254' - "$ROOT"
  says 'msg="publish failed: cannot start another process: .* rc=1$'
  run -1 bash -c 'STEP=upload LOG_FORMAT=journal; source "$1/scripts/common.sh"; exit 99' - "$ROOT"
  says '^<3>level=error step=upload run=[^ ]+ msg="ended with an unknown exit code" status=99 rc=1$'
  run -1 bash -c 'STEP=upload; source "$1/scripts/common.sh"; die 127 "publish failed"' - "$ROOT"
  says 'msg="publish failed" status=127 rc=1$'
  local code
  for code in 0 1 2 65 75 78; do
    run "-$code" bash -c 'STEP=upload; source "$1/scripts/common.sh"; exit "$2"' - "$ROOT" "$code"
    same "$output" ''
  done
}

@test "fault 48: a container's shell that cannot start a process ends with 1 and one line" {
  ((EUID == 0)) || skip 'needs root to become another user'
  local file
  mkdir "$BATS_TEST_TMPDIR/bin"
  cp "$ROOT"/docker/{enter,report,fetch-generate} "$BATS_TEST_TMPDIR/bin"
  chmod -R go+rX "$BATS_TEST_TMPDIR/bin"
  for file in enter report fetch-generate; do
    BUILD_DIR=/root run -1 --separate-stderr setpriv --reuid 54321 --clear-groups \
      bash -c 'ulimit -u 1; exec sh "$@" 5<"$1"' - "/dev/fd/5" generate 5<"$BATS_TEST_TMPDIR/bin/$file"
    [[ $stderr == *'annot fork'* ]] || fail "$file: $stderr"
    [[ $file == fetch-generate || $stderr == *'level=error step=generate'*'cannot start another process'*'rc=1' ]] ||
      fail "$file: $stderr"
  done
}

@test "A step whose interpreter is missing or that cannot be executed ends with 1 and one line of its own" {
  local step
  mkdir -p "$BATS_TEST_TMPDIR/path" "$BATS_TEST_TMPDIR/project"
  cp -r "$ROOT"/{bin,scripts} "$BATS_TEST_TMPDIR/project/"
  printf '#!/no/such/interpreter\n' >"$BATS_TEST_TMPDIR/path/python3"
  chmod 755 "$BATS_TEST_TMPDIR/path/python3"
  export S3_BUCKET=b CLOUDFRONT_DISTRIBUTION_ID=E
  for step in check fetch generate verify upload publish; do
    PATH=$BATS_TEST_TMPDIR/path:$PATH run -1 "$BATS_TEST_TMPDIR/project/bin/$step"
    says "^level=error step=$step run=[^ ]+ msg=\"(publish failed|cannot start a program; the line before names it).*status=12[67] rc=1$"
    says 'python3'
  done
}

@test "Every command shows its usage, and refuses an unknown option with 2" {
  local command
  for command in "$ROOT"/bin/*; do
    run -0 --separate-stderr "$command" --help
    [[ $output == Usage:*"bin/${command##*/}"* ]] || fail "$command: $output"
    run -2 --separate-stderr "$command" --bogus
    same "$output" ''
    [[ -n $stderr ]] || fail "$command prints no error"
  done
}

@test "Commands can be executed, and files that are only read or imported cannot" {
  local file
  while IFS= read -r file; do
    if [[ $(head -c 2 "$ROOT/$file") == '#!' ]]; then
      [[ -x $ROOT/$file ]] || fail "not executable: $file"
    else
      [[ ! -x $ROOT/$file ]] || fail "executable: $file"
    fi
  done < <(cd "$ROOT" && find bin scripts docker templates systemd standins bench tests Makefile -type f \
    ! -path '*/__pycache__/*' ! -path '*/node_modules/*' ! -name '*.bats' && echo .ci/run)
}
