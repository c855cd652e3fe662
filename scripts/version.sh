#!/usr/bin/env bash
# Usage: scripts/version.sh
#
# Prints the version and the git revision of this program, such as "1.2.3 94c2710": those in the
# file VERSION, which make install writes; in a checkout, those of pyproject.toml and git.
# The revision of a checkout with changes ends in "-dirty"; without git it is "unknown".

set -Eeuo pipefail
shopt -s inherit_errexit
cd "$(dirname "$(realpath "$0")")/.."

if [[ -e VERSION ]]; then
  cat VERSION
  exit
fi
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=unknown
# Only this folder's own repository, not one around it; and without a write to its index.
if [[ -e .git ]] && hash=$(git rev-parse --short HEAD 2>/dev/null); then
  changes=$(git --no-optional-locks status --porcelain --untracked-files=no 2>/dev/null)
  revision=$hash${changes:+-dirty}
fi
printf '%s %s\n' "$version" "$revision"
