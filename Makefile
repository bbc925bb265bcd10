# Mimamori: `make demo` shows it, `make test` checks it. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export MIMAMORI_HOME ?= .local

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# --- What is installed -------------------------------------------------------------------------------------------
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Mimamori needs Python 3.11 or newer: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages (pinned, with hashes) into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: install
install: $(VENV)/.ready ## Python packages into .venv

.PHONY: provision
provision: install ## Kafka, weights and the rest into .local (sha256 checked, resumable)
	@$(BIN)/mimamori demo provision

.PHONY: browser
browser: ## Chromium, by apt where we are root
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	      || echo "Chromium could not be installed: browser tests will be skipped."; \
	  else echo "No Chromium and no root: browser tests will be skipped."; fi; }

.PHONY: postgres
postgres: ## PostgreSQL for the tests of the key table, by apt where we are root
	@command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; } \
	      || echo "PostgreSQL could not be installed: its tests will be skipped."; \
	  else echo "No PostgreSQL and no root: its tests will be skipped."; fi; }

# --- Running -----------------------------------------------------------------------------------------------------
.PHONY: demo
demo: install ## three cameras of two stores on this machine; VIDEO=… SECONDS=90 HEADLESS=1
	@exec $(BIN)/mimamori demo run $(if $(SECONDS_),--seconds $(SECONDS_)) $(if $(HEADLESS),--headless) $(if $(VIDEO),--video '$(VIDEO)')

# bash sets SECONDS itself, so the user's is read from make's own command line or environment once.
SECONDS_ := $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS))

# --- Checking ----------------------------------------------------------------------------------------------------
.PHONY: check
check: install ## format, lint, types, floors, dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy schemas models pipeline agents tests
	for each in load-tests/*/; do $(BIN)/mypy "$$each" || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/deptry .

.PHONY: unit
unit: install ## unit tests: seconds, no service
	$(BIN)/pytest tests/unit -q

.PHONY: test
test: provision browser postgres check ## every check, unit, integration and end-to-end test
	$(BIN)/pytest tests -q -rs --durations=15

.PHONY: kills
kills: provision ## a stage under ≥ 50 kills, stops and rebalances; one recording replayed whole under 21 kills; QUICK=1 is short
	$(BIN)/python load-tests/kills/run.py $(if $(QUICK),--quick)

.PHONY: speed
speed: provision ## CPU beside a naive pipeline's, two workers, vault, sealing, warehouse; QUICK=1 is short
	$(BIN)/python load-tests/speed/run.py $(if $(QUICK),--quick)

.PHONY: accuracy
accuracy: provision ## following, counting, dwelling and hiding beside peers at their best, by frame rate; QUICK=1 about a minute
	$(BIN)/python load-tests/accuracy/run.py $(if $(QUICK),--quick)

.PHONY: forgetting
forgetting: provision browser ## canaries and keys are sought everywhere after their time; QUICK=1 about a minute
	$(BIN)/python load-tests/forgetting/run.py $(if $(QUICK),--quick)

.PHONY: chaos
chaos: provision ## the whole system while each part of it is killed; QUICK=1 under two minutes
	$(BIN)/python load-tests/chaos/run.py $(if $(QUICK),--quick)

# --- Keeping -----------------------------------------------------------------------------------------------------
.PHONY: lock
lock: ## pin every package with hashes, without registry addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --extra local --group dev --output-file requirements.lock pyproject.toml

.PHONY: schemas
schemas: install ## write schemas/generated (JSON Schema, AsyncAPI) anew
	$(BIN)/mimamori contracts write

.PHONY: format
format: install ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## remove what was run (.local/run, .local/logs); what was downloaded stays
	rm -rf $(MIMAMORI_HOME)/run $(MIMAMORI_HOME)/logs
