#!/usr/bin/env bats
# The commands in bin/: usage, file modes, and a machine without `make setup`.

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
  run -0 "$PROJECT/bin/check"
  says_not Traceback
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
