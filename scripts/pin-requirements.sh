#!/usr/bin/env bash
# Usage: scripts/pin-requirements.sh
#
# Pins the newest versions that pyproject.toml allows, for every Python from 3.11 on,
# with their hashes: requirements.txt (generator), requirements-aws.txt (AWS CLI),
# requirements-dev.txt (tests, stand-ins), requirements-browser.txt (make test-browser),
# requirements-kubernetes.txt (make test-kubernetes) and requirements-bench.txt (make bench).
# All six come from one resolution.

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

compile pyproject.toml --group aws --group dev --group browser --group kubernetes --group bench \
  -o "$scratch/all.txt"
compile pyproject.toml -c "$scratch/all.txt" -o requirements.txt
compile --group aws -c "$scratch/all.txt" -o requirements-aws.txt
compile --group dev -c "$scratch/all.txt" -o requirements-dev.txt
compile --group browser -c "$scratch/all.txt" -o requirements-browser.txt
compile --group kubernetes -c "$scratch/all.txt" -o requirements-kubernetes.txt
compile --group bench -c "$scratch/all.txt" -o requirements-bench.txt
