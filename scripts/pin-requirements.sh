#!/usr/bin/env bash
# Usage: scripts/pin-requirements.sh
#
# Pins the newest versions that pyproject.toml allows, for every Python from 3.11 on,
# with their hashes: requirements.txt (generator), requirements-aws.txt (AWS CLI),
# requirements-demo.txt (stand-ins), requirements-dev.txt (tests), and one each for make lint,
# make audit, make test-browser, make test-kubernetes, make test-stores and make bench. All come
# from one resolution.

set -Eeuo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" --quiet --disable-pip-version-check install uv

compile() {
  "$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-annotate --no-header "$@" >/dev/null
}

groups=(aws demo dev lint audit browser kubernetes stores bench)
compile pyproject.toml "${groups[@]/#/--group=}" -o "$scratch/all.txt"
compile pyproject.toml -c "$scratch/all.txt" -o requirements.txt
for group in "${groups[@]}"; do
  compile --group "$group" -c "$scratch/all.txt" -o "requirements-$group.txt"
done
