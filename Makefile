PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The tests also wait, so more of them run side by side than a small machine has cores.
PYTEST := $(BIN)/pytest -n 5 --dist worksteal
# What failed beside other tests is run once more alone, since on a busy machine a test may have had no core for seconds.
# Both results are printed, and a test that fails alone fails the run, as does a run that was interrupted or crashed.
alone = { [ $$? -eq 1 ] && $(BIN)/pytest --last-failed --last-failed-no-failures none --maxfail 10 $(1); }
FORGET := @rm -f .pytest_cache/v/cache/lastfailed

.PHONY: run test test-all check lint style types contracts bench soak fuzz fuzz-keys fuzz-recordings screenshots clean
.DEFAULT_GOAL := run

run: $(READY)
	@$(BIN)/echo-tui $(ARGS)

test: lint
	$(FORGET)
	$(PYTEST) || $(call alone)

test-all: lint
	$(FORGET)
	$(PYTEST) -m "" || $(call alone,-m "")

check: lint
	$(PYTEST) tests/model tests/diagnosis tests/words tests/test_architecture.py $(addprefix tests/experiments/test_,blame.py cell.py neighbours.py report.py)

lint: $(READY)
	@$(MAKE) --no-print-directory -j style types contracts

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench $(ARGS)

soak: $(READY)
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz $(ARGS)

fuzz-recordings: $(READY)
	$(BIN)/python -m tests.fuzz_recordings $(ARGS)

fuzz-keys: $(READY)
	$(BIN)/python -m tests.fuzz_keys $(ARGS)

screenshots: $(READY)
	$(BIN)/python -m tests.screenshots $(ARGS)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("echo-tui needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 run" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
