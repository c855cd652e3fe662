#!/usr/bin/env bash
# Usage: scripts/release.sh VERSION      (called by make release VERSION=1.2.3)
#
# Makes a release of main: sets the version in every file that names it, gives the changelog's
# Unreleased section the version and today's date, commits, and tags. Does not push.
#
# Exit status: 0 done; 1 failed; 2 wrong usage; 65 refused, and no file changed.

set -Eeuo pipefail
shopt -s inherit_errexit
cd "$(dirname "$(realpath "$0")")/.."

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

refuse() {
  printf 'release: %s\n' "$1" >&2
  exit 65
}

# unreleased: the entries of the changelog's Unreleased section
unreleased() { sed -n '/^## \[Unreleased\]$/,/^## \[[0-9]/{/^- /p}' CHANGELOG.md; }

# newest VERSION...: the highest of them
newest() { printf '%s\n' "$@" | sort --version-sort | tail -1; }

check() {
  local branch changes last
  branch=$(git branch --show-current)
  [[ $branch == main ]] || refuse "the branch is ${branch:-detached}; switch to main"
  changes=$(git status --porcelain)
  [[ -z $changes ]] || refuse $'commit or stash these first:\n'"$changes"
  last=$(sed -n '/^## \[[0-9]/{s/^## \[\([^]]*\)\].*/\1/p;q}' CHANGELOG.md)
  [[ $version != "$last" && $(newest "$version" "$last") == "$version" ]] ||
    refuse "$version is not higher than the last release, $last"
  ! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || refuse "the tag v$version exists"
  [[ -n $(unreleased) ]] || refuse 'CHANGELOG.md: the Unreleased section has no entries'
}

set_version() {
  local old
  old=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
  sed -i "s/\"${old//./\\.}\"/\"$version\"/" \
    pyproject.toml scripts/settings.py docker/kubernetes/overlays/*/kustomization.yaml
  sed -i "s/^## \[Unreleased\]$/&\n\n## [$version] - $(date -u +%F)/" CHANGELOG.md
}

version=${1:-}
if [[ $version == -h || $version == --help ]]; then
  usage
  exit
fi
if [[ ! $version =~ ^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}$ ]]; then
  printf 'release: VERSION must be three numbers, such as 1.2.3\n\n' >&2
  usage >&2
  exit 2
fi
check
set_version
git commit --quiet --all --message "Release $version"
git tag --annotate --message "Release $version" "v$version"
printf 'Committed and tagged. To publish the release:\n  git push origin main v%s\n' "$version"
