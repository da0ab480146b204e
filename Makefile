# Every target makes the environment that it needs: `make test` works on a fresh checkout with Python 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := .venv-oldest
FAST := tests/unit/core tests/unit/inference tests/unit/models tests/parity/test_ast.py \
  tests/cli/test_finetune_predict.py

.PHONY: help setup demo test test-all test-oldest test-3.12 test-3.13 check lint type bench golden docs docs-reference lock clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z0-9. -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

setup: $(READY)  ## make .venv from the lock file
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; set PYTHON=/path/to/python3.11"; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)  ## make four short films, mine them, learn their sounds, and print where the report is
	$(BIN)/avtool demo --out demo --overwrite

test: $(READY)  ## the tests that CI runs
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow" -q

test-all: $(READY)  ## the slow tests too
	$(BIN)/python -m pytest -n auto --dist loadfile -q

test-oldest: $(OLDEST)/.ready  ## a fast part of the tests, with the oldest versions of the dependencies
	$(OLDEST)/bin/python -m pytest -n auto --dist loadfile -W ignore -q $(FAST)

$(OLDEST)/.ready: requirements-oldest.lock $(READY)
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(BIN)/uv pip sync --quiet --python $(OLDEST)/bin/python --require-hashes requirements-oldest.lock
	$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --no-deps --no-build-isolation --editable .
	@touch $(OLDEST)/.ready

test-3.12 test-3.13: test-%: .venv-%/.ready  ## the tests that CI runs, with that Python
	.venv-$*/bin/python -m pytest -n auto --dist loadfile -m "not slow" -q

.venv-%/.ready: requirements.lock pyproject.toml $(READY)
	@test -x .venv-$*/bin/python || { found=$$(ls -d $(HOME)/.pyenv/versions/$*.*/bin/python$* 2>/dev/null | tail -1); \
	  found=$${found:-$$(command -v python$*)}; test -n "$$found" || { echo "error: python$* not found"; exit 3; }; \
	  $(BIN)/uv venv --quiet --python "$$found" .venv-$*; }
	$(BIN)/uv pip sync --quiet --python .venv-$*/bin/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

lint: $(READY)  ## style and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(READY)  ## types
	$(BIN)/mypy

check: lint type test  ## what CI runs

bench: $(READY)  ## speed beside peers, as ratios
	$(BIN)/python -m tests.benchmarks

golden: $(READY)  ## record the ten-step losses anew, when a numerical change is meant
	AVTOOL_REGENERATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/unit/training/test_golden_losses.py

docs-reference: $(READY)  ## write the generated pages of docs/reference anew
	$(BIN)/python -m tests.contract.reference_pages

docs: $(READY)  ## the documentation as a web site in site/
	$(BIN)/zensical build

lock: $(READY)  ## write both lock files anew
	$(BIN)/uv pip compile pyproject.toml --extra all --extra docs --extra dev --constraint constraints.txt --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra all --extra docs --extra dev --resolution lowest-direct --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet -o requirements-oldest.lock

clean:  ## remove everything that can be made again
	rm -rf $(VENV) $(OLDEST) .venv-3.12 .venv-3.13 demo bench site build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
