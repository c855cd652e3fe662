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
RUNNER ?=
NAME   ?=
export PATH := $(abspath $(VENV))/bin:$(PATH)

PIP := $(VENV)/bin/pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all:

##@ Use
.PHONY: publish
publish: $(VENV)/run ## Fetch, generate, upload, invalidate, under one lock
	@bin/publish

.PHONY: fetch
fetch: $(VENV)/run ## LibCal -> build/events.json
	@python scripts/fetch.py

.PHONY: generate
generate: fetch ## build/events.json -> build/site/
	@python scripts/generate.py

.PHONY: upload
upload: $(VENV)/run ## build/site/ -> S3: what has changed
	@bin/upload

.PHONY: invalidate
invalidate: $(VENV)/run ## Refresh in CloudFront what was uploaded
	@bin/invalidate

##@ Try it without any account
.PHONY: demo
demo: $(VENV)/dev ## Publish to local stand-ins and serve the result (PORT=, ONCE=1)
	@python tests/standins/demo.py $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once)

.PHONY: preview
preview: $(VENV)/dev ## Serve the site with live reload at 127.0.0.1:8000 (PORT=)
	@PYTHONPATH=scripts python tests/standins/preview.py $(if $(PORT),--port $(PORT))

##@ Develop
.PHONY: setup
setup: $(VENV)/dev ## Make the virtual environment (the other targets do it too)

.PHONY: test
test: test-py test-sh ## All tests: no account, no network

.PHONY: test-py
test-py: $(VENV)/dev ## The Python tests
	@python -m pytest --ignore=tests/browser

.PHONY: test-sh
test-sh: $(VENV)/dev ## The shell tests
	@bats --jobs 1 tests

.PHONY: test-browser
test-browser: $(VENV)/browser tests/browser/node_modules/installed ## The pages in a real browser; installs what it needs
	@python -m pytest tests/browser

.PHONY: lint
lint: $(VENV)/dev ## ruff, mypy, shellcheck, shfmt
	@ruff check --quiet && ruff format --check --quiet
	@mypy
	@shellcheck bin/* scripts/*.sh tests/browser/setup .ci/run
	@shfmt -d bin scripts tests/browser/setup .ci

.PHONY: format
format: $(VENV)/dev ## Put Python and shell in the house style
	@ruff check --quiet --fix && ruff format --quiet
	@shfmt -w bin scripts tests/browser/setup .ci

.PHONY: bench
bench: $(VENV)/bench ## Measure speed and memory (NAME=generate: just that)
	@PYTHONPATH=scripts python -m bench.run $(NAME)

.PHONY: lock
lock: $(VENV)/dev ## Pin the newest allowed versions with their hashes
	@scripts/lock.sh

##@ Other
.PHONY: clean
clean: ## Remove what was built and the virtual environment
	@rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

# What the browser tests need besides: Playwright, the system's browser, and what only npm has.
$(VENV)/browser: $(VENV)/dev requirements-browser.txt
	@$(PIP) -r requirements-browser.txt
	@touch $@

tests/browser/node_modules/installed: tests/browser/setup tests/browser/package-lock.json
	@tests/browser/setup
	@npm --prefix tests/browser ci --loglevel=error
	@touch $@
