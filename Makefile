# Every target sets up what it needs: the first one run makes .venv; Java is found or fetched by invopt itself.
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
# two processes, each with a Spark session of its own; a file's tests stay together, because they share what they made
TWO := -n 2 --dist loadfile

.PHONY: help demo test test-slow test-cluster bench published lint archive clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: $(READY) ## a small retail chain from raw files to orders, with the result printed; ARGS="--lakehouse file:/tmp/lake" and the like
	@$(VENV)/bin/invopt demo $(ARGS)

test: $(READY) ## unit, Spark and end-to-end tests, and the numbers in the docstrings
	@$(PYTHON) -m pytest -q $(TWO) $(PYTEST)

test-slow: $(READY) ## the tests that take minutes
	@$(PYTHON) -m pytest -q $(TWO) -m slow $(TESTS)

test-cluster: $(READY) ## the tests on a Spark cluster of several processes on this machine
	@$(PYTHON) -m pytest -q -m cluster $(TESTS)

bench: $(READY) ## measure speed; prints a table
	@$(PYTHON) -m tests.perf

published: $(READY) ## solve the published instances and write docs/published_instances.md; takes minutes
	@$(PYTHON) -m tests.published

lint: $(READY) ## ruff: the layout and the checks
	@$(PYTHON) -m ruff format --check . && $(PYTHON) -m ruff check .

archive: dist/invopt.zip ## the package as one file for spark-submit --py-files

dist/invopt.zip: $(READY) $(shell find invopt -type f -not -name '*.pyc')
	@mkdir -p dist
	@$(PYTHON) -c "from pathlib import Path; from zipfile import ZIP_DEFLATED, ZipFile; archive = ZipFile('$@', 'w', ZIP_DEFLATED); \
	  [archive.write(path) for path in sorted(Path('invopt').rglob('*')) if path.is_file() and '__pycache__' not in path.parts]; archive.close()"
	@echo "$@ is ready for: spark-submit --py-files $@"

clean: ## remove what the targets made; keeps Java and the Delta jars
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A version manager leaves commands of versions that are not installed, so a candidate counts only when it runs.
$(READY): setup.py
	@for python in python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "invopt needs Python 3.11 or 3.12 (Spark 4.1 and Databricks Runtime 18 run on those) and none of python3.12, python3.11, python3 is one: install it and run make again." >&2; \
	  exit 1; \
	fi; \
	echo "invopt: making $(VENV) with $$($$found --version); this takes a few minutes, once"; \
	$$found -m venv --clear $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	-@$(VENV)/bin/invopt compile
	@touch $@
