# make demo | make test [COVERAGE=--cov] | make lint | make bench [BENCH=--quick]
# make test-dates | make test-pythons | make wheel-test | make test-hosts | make test-long | make test-endurance
# Each target does all its own set-up in .venv; only Python 3.11+, make and a package index are needed,
# for test-hosts npm's, too: Node itself is a wheel.

SHELL := /bin/sh
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COVERAGE ?=
# Where it is set, each worker rewrites all asserts anew in each run; empty is unset.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest

.PHONY: docs help demo test test-dates test-pythons test-long test-endurance lint wheel-test test-hosts bench clean

help:
	@sed -n '1,4p' Makefile

demo: $(READY)
	@$(BIN)/calendly-connector demo

test: $(READY)
	@sh .ci/have postgres chromium
	$(PYTEST) -n auto --dist worksteal $(COVERAGE)

# The same with the clock moved to other days.
test-dates: $(READY)
	@sh .ci/have postgres chromium
	sh .ci/test-dates $(BIN)/pytest

# The same from the wheel, on every supported Python that this machine has; PYTHONS names some of them.
test-pythons: $(READY)
	@sh .ci/have postgres chromium
	@sh .ci/wheel-test $(BIN)/python $${PYTHONS:-$$(sh .ci/pythons)}

# Kills, races and soaks, shorter than those of test-endurance.
test-long: $(READY)
	@sh .ci/have postgres chromium
	$(PYTEST) -m long

test-endurance: $(READY)
	@sh .ci/have postgres chromium
	ENDURANCE=1 $(PYTEST) -m long

docs: $(READY)
	$(BIN)/python docs/generate.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict connector sandbox
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

wheel-test: $(READY)
	@sh .ci/have postgres chromium
	sh .ci/wheel-test $(BIN)/python

# Each host has an environment of its own: the connector, that host, and what its tests need.
test-hosts:
	@sh .ci/have postgres rabbitmq chromium
	@PYTHON='$(PYTHON)' sh .ci/test-host mistral
	@PYTHON='$(PYTHON)' sh .ci/test-host airflow
	@PYTHON='$(PYTHON)' sh .ci/test-host mcp tests/mcp

bench: $(READY)
	$(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/run.py $(BENCH)

$(READY): pyproject.toml constraints.txt .ci/venv
	@PYTHON='$(PYTHON)' sh .ci/venv $(VENV)
	@touch $(READY)

clean:
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage*
