# Two commands on a fresh machine: `make run` and `make test`. Everything else is convenience.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test serve demo bench evidence measured check clean

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(PIP) -e .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[dev]'
	touch .venv/installed $@

# Exit code 1 means that something stays queued (no network, a host that is down): that is a result, not a failure.
run: .venv/installed
	$(BIN)/archiver run seeds || test $$? -eq 1

test: check
	$(BIN)/python -m pytest

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

serve: .venv/installed
	$(BIN)/archiver serve

demo: .venv/installed
	BIN=$(BIN) sh data/demo/run.sh

bench: .venv/installed-dev
	$(BIN)/python -m tests.bench

# The figures of the recorded answers, where they are ($QUOTECHAIN_CORPUS).
evidence: .venv/installed-dev
	$(BIN)/python -m pytest -m corpus -s -p no:cacheprovider

# Writes docs/measured.md from the commands that it names.
measured: .venv/installed-dev
	BIN=$(BIN) sh docs/measure.sh > docs/measured.md

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
