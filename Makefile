# `make run` opens the lab, `make test` runs every test. The rest is for those who change PRISM.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

.DEFAULT_GOAL := run
.PHONY: run warmup test check bench docs lock clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/lab.stamp: $(BIN)/python pyproject.toml lock.txt
	$(PIP) install -c lock.txt -e ".[lab]"
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml lock.txt
	$(PIP) install -c lock.txt -e ".[test]"
	@touch $@ $(VENV)/lab.stamp

$(VENV)/browser.stamp: $(VENV)/test.stamp
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { command -v apt-get >/dev/null && (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null; } \
	  || $(BIN)/playwright install --with-deps chromium
	@touch $@

run: $(VENV)/lab.stamp  ## install, compile the kernels once, open the lab: make run ARGS="--port 9000 --no-browser"
	@$(BIN)/prism warmup
	@exec $(BIN)/prism lab $(ARGS)

warmup: $(VENV)/lab.stamp  ## compile the lane kernels into this user's cache
	$(BIN)/prism warmup

test: $(VENV)/test.stamp $(VENV)/browser.stamp  ## run kernels, widgets, notebooks, browser and architecture tests
	$(BIN)/prism warmup
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/test.stamp  ## lint, format, types, floors, notebooks without outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify $$(git ls-files '*.ipynb')
	$(PIP) check

bench: $(VENV)/test.stamp $(VENV)/browser.stamp  ## time against the peers, write docs/benchmarks.md
	$(BIN)/prism warmup
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/test.stamp  ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

lock: $(VENV)/test.stamp  ## write the exact versions of this environment
	$(PIP) freeze --exclude-editable | sed 's/+cpu$$//' | grep -v ' @ ' > lock.txt

clean:  ## remove what was built
	rm -rf $(VENV) docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
