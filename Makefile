# make demo: installs what is needed into .venv and runs the main job on the embedded default data.
# make test: installs what the tests need and runs the whole suite.
# make docs: installs the same and builds the documentation site in site/.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check -q

.PHONY: demo test docs clean

demo: $(VENV)/.installed
	rm -rf demo
	$(VENV)/bin/transliconet prepare corpus=cldr rules.heldout=0.13 processes=2 out=demo/pairs
	$(VENV)/bin/transliconet train experiment=quickstart

test: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

docs: $(VENV)/.installed-dev
	$(VENV)/bin/python -m mkdocs build

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
