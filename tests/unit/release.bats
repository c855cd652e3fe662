#!/usr/bin/env bats
# make release: its checks, its changes, and that a refused release changes no file.

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  PROJECT=$BATS_TEST_TMPDIR/project
  mkdir -p "$PROJECT"
  (cd "$ROOT" && cp -r --parents Makefile .gitignore pyproject.toml CHANGELOG.md scripts docker/kubernetes/overlays "$PROJECT")
  export GIT_CONFIG_GLOBAL=$BATS_TEST_TMPDIR/gitconfig GIT_CONFIG_NOSYSTEM=1
  git config --global user.name a
  git config --global user.email a@example.org
  # One entry, in place of the real ones.
  sed -i -e '/^## \[Unreleased\]$/,/^## \[[0-9]/{//!d}' \
    -e 's/^## \[Unreleased\]$/&\n\n### Added\n- A thing.\n/' "$PROJECT/CHANGELOG.md"
  cd "$PROJECT" || return
  git init --quiet --initial-branch=main
  git add .
  git commit --quiet --message=a
  OLD=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
}

release() { make --no-print-directory release VERSION="$1"; }

@test "A release dates the changelog, sets the version everywhere, commits and tags" {
  run -0 release 99.0.1
  says 'git push origin main v99\.0\.1$'
  same "$(git log -1 --format=%s)" 'Release 99.0.1'
  same "$(git status --porcelain)" ''
  same "$(git cat-file -t v99.0.1) $(git rev-parse 'v99.0.1^{commit}')" "tag $(git rev-parse HEAD)"
  same "$(sed -n '/^## \[Unreleased\]/,/^- /p' CHANGELOG.md)" "## [Unreleased]

## [99.0.1] - $(date -u +%F)

### Added
- A thing."
  same "$(scripts/version.sh)" "99.0.1 $(git rev-parse --short HEAD)"
  run -1 git grep --fixed-strings "\"$OLD\""
}

@test "The next release must be higher" {
  release 99.0.10
  sed -i 's/^## \[Unreleased\]$/&\n\n### Fixed\n- Another./' CHANGELOG.md
  git commit --quiet --all --message=b
  run ! release 99.0.9
  says 'release: 99\.0\.9 is not higher than the last release, 99\.0\.10'
  run ! release 99.0.10
  says 'release: 99\.0\.10 is not higher'
  run -0 release 99.1.0
}

# refuses MESSAGE COMMAND...: with MESSAGE, leaving files and history as they are
refuses() {
  local before
  before=$(git rev-parse HEAD && git status --porcelain && git tag)
  run ! "${@:2}"
  says "$1"
  same "$(git rev-parse HEAD && git status --porcelain && git tag)" "$before"
}

@test "A version that is missing or malformed is refused" {
  local word
  for word in '' 1.2 1.2.3.4 v1.2.3 1.02.3 1.2.3-rc1; do
    refuses 'release: VERSION must be three numbers' release "$word"
  done
}

@test "A tree with changes is refused, and so is another branch, and a changelog without entries" {
  : >new
  refuses '^\?\? new$' release 99.0.1
  rm new
  git switch --quiet --create other
  refuses 'the branch is other; switch to main' release 99.0.1
  git switch --quiet main
  git tag v99.0.1
  refuses 'the tag v99\.0\.1 exists' release 99.0.1
  sed -i '/^- A thing\.$/d' CHANGELOG.md
  git commit --quiet --all --message=b
  refuses 'the Unreleased section has no entries' release 99.0.2
}
