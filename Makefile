# make agent | make demo | make test [COVERAGE=--cov] | make lint | make bench [BENCH=--quick]
# make test-dates | make test-pythons | make wheel-test | make test-hosts | make test-long | make test-endurance
# make test-docs | make dist | make site | make docs | make screenshots | make drift [OPENAPI=FILE]
# make new-action ID | make record [ID]
# Each target sets up its environment itself (agent and demo: .venv-demo); you need Python 3.11+, make and a package
# index. test-hosts also needs npm's registry; Node itself comes as a wheel.

SHELL := /bin/sh
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COVERAGE ?=
LONG = $$(grep -rl --include='test_*.py' 'mark\.long' tests) # to collect only these
# If PYTHONDONTWRITEBYTECODE is set, each worker rewrites all asserts in each run. Empty means unset.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest

.PHONY: agent site test-docs docs screenshots drift new-action record help demo test test-dates test-pythons test-long test-endurance lint wheel-test test-hosts dist bench clean

help:
	@sed -n '1,6p' Makefile

# A newcomer needs no tools for tests, so these two have a small environment of their own, unless the other one is there.
DEMO_VENV := $(if $(wildcard $(READY)),$(VENV),.venv-demo)

# An agent on a sandbox account; it prints the address of its pages. PORT=0 picks a free port.
agent: $(DEMO_VENV)/.ready
	@$(DEMO_VENV)/bin/calendly-connector agent --sandbox --port $(or $(PORT),8080)

demo: $(DEMO_VENV)/.ready
	@$(DEMO_VENV)/bin/calendly-connector demo

.venv-demo/.ready: pyproject.toml constraints.txt .ci/venv
	@PYTHON='$(PYTHON)' sh .ci/venv .venv-demo --only-binary :all: --constraint constraints.txt --editable '.[agent,sandbox]'
	@touch $@

test: $(READY)
	@sh .ci/have postgres chromium
	$(PYTEST) -n auto --dist worksteal $(COVERAGE)

# Every command and every Python block of README and docs. UPDATE_DOCS=1 writes their output into the pages.
test-docs: $(READY)
	@sh .ci/have postgres chromium jq
	$(PYTEST) -n auto --dist worksteal tests/docs

# The documentation site, in build/site. A broken link or a page that no other one leads to is an error.
site: $(READY)
	$(BIN)/sphinx-build -q -W --keep-going -E docs build/site

# Tests that may depend on the day, with the clock moved to leap days, clock changes and the end of a year.
test-dates: $(READY)
	@sh .ci/have postgres chromium
	sh .ci/test-dates $(BIN)/pytest

# The same from the wheel, on every supported Python on this machine, or on those in PYTHONS; at MOMENT ('400 days').
# On the Python of .venv it only tests the installation.
test-pythons: $(READY)
	@sh .ci/have postgres chromium
	@sh .ci/wheel-test $(BIN)/python $${PYTHONS:-$$(sh .ci/pythons)}

# Kills, races and soaks, shorter than those of test-endurance.
test-long: $(READY)
	@sh .ci/have postgres chromium
	$(PYTEST) -m long $(LONG)

test-endurance: $(READY)
	@sh .ci/have postgres chromium
	ENDURANCE=1 $(PYTEST) -m long $(LONG)

# The pictures of the docs. `make test-docs` checks that they are current.
screenshots: $(READY)
	@sh .ci/have chromium
	$(BIN)/python tools/screenshots.py

docs: $(READY)
	$(BIN)/python tools/docs.py

# The words after these two are their arguments, not targets.
ARGUMENTS := $(wordlist 2,9,$(MAKECMDGOALS))
ifneq ($(and $(ARGUMENTS),$(filter new-action record,$(firstword $(MAKECMDGOALS)))),)
.PHONY: $(ARGUMENTS)
$(ARGUMENTS):
	@:
endif

# REQUEST='GET /shares' names the operation if the id doesn't; OPENAPI is a file other than the tests' own.
new-action: $(READY)
	@$(BIN)/python tools/new_action.py $(ARGUMENTS) $(if $(REQUEST),--request '$(REQUEST)') $(if $(OPENAPI),--openapi '$(OPENAPI)')

record: $(READY)
	@$(BIN)/python tools/record.py $(ARGUMENTS)

drift: $(READY)
	@$(BIN)/python tools/drift.py $(or $(OPENAPI),$(wildcard tests/reference/calendly-api.*.yaml))

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict connector sandbox tools
	$(BIN)/lint-imports
	$(BIN)/python tools/docs.py --check

wheel-test: $(READY)
	@sh .ci/have postgres chromium
	sh .ci/wheel-test $(BIN)/python

# Each host has its own environment: the connector, the host, and what its tests need.
test-hosts:
	@sh .ci/have postgres rabbitmq chromium
	@PYTHON='$(PYTHON)' sh .ci/test-host mistral
	@PYTHON='$(PYTHON)' sh .ci/test-host airflow
	@PYTHON='$(PYTHON)' sh .ci/test-host mcp tests/mcp
	@PYTHON='$(PYTHON)' sh .ci/test-host clients

# The files to publish, in dist/, and all checks of them on every supported Python on this machine: .ci/dist.
dist: .venv-dist/.ready
	@sh .ci/have man zsh fish
	@sh .ci/dist .venv-dist/bin

.venv-dist/.ready: pyproject.toml constraints.txt .ci/venv
	@PYTHON='$(PYTHON)' sh .ci/venv .venv-dist --constraint constraints.txt --editable '.[dist]'
	@touch $@

bench: $(READY)
	$(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/run.py $(BENCH)

$(READY): pyproject.toml constraints.txt .ci/venv
	@PYTHON='$(PYTHON)' sh .ci/venv $(VENV)
	@touch $(READY)

clean:
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage*
