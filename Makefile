# Everything is installed into .venv, with the versions of constraints.txt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint format docs dist clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 12

demo: $(VENV)/.installed  ## train and probe a small model on the embedded CLDR names (four minutes)
	rm -rf demo
	$(BIN)/transliconet prepare corpus=cldr rules.heldout=0.13 processes=2 out=demo/pairs
	$(BIN)/transliconet train experiment=quickstart

test: $(VENV)/.installed-dev  ## run the whole suite, offline (under 15 minutes on two cores)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/.installed-dev  ## run the tests that are not marked slow (under two minutes)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: $(VENV)/.installed-dev  ## check style, spelling and types; change nothing
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m mypy

format: $(VENV)/.installed-dev  ## format the code and mend what ruff can mend
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

docs: $(VENV)/.installed-dev  ## build the documentation site in site/
	$(BIN)/python -m mkdocs build

dist: $(VENV)/.installed-dev  ## build the wheel and the sdist in dist/, and run each in an empty environment (minutes)
	rm -rf dist
	$(BIN)/python -m build -q
	$(BIN)/python bench/dist.py dist/*.whl dist/*.tar.gz

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) demo site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
