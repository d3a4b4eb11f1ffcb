# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
MINUTES ?= 10
ARGS ?=

.PHONY: help demo test test-servers check format soak bench results clean
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the demo needs (a minute on a fresh machine) ..."
	$(PIP) -e '.[swarm]'
	@touch $@

$(VENV)/.installed-network: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the demo needs, torch included (minutes on a fresh machine) ..."
	$(PIP) -e '.[swarm,train]'
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-all: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing everything, tests included (two minutes on a fresh machine) ..."
	$(PIP) -e '.[all]'
	@touch $@ $(VENV)/.installed-demo $(VENV)/.installed-network

demo: $(VENV)/.installed-$(if $(findstring --network,$(ARGS)),network,demo) ## Four platforms, a swarm, a merged model, a page: ARGS=--once ends by itself
	@$(BIN)/murmuration demo $(ARGS)

test: $(VENV)/.installed-all ## All tests of the first tier (at most 10 minutes)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not soak and not server' $(ARGS)

test-servers: $(VENV)/.installed-all ## Tests against real servers: PostgreSQL, MariaDB, Ralph, Kolibri (at most 12 minutes)
	$(BIN)/python -m pytest -m server $(ARGS)

check: $(VENV)/.installed-all ## Format, lint, layers, types, sizes (under a minute)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/docs tests/unit/test_house.py

format: $(VENV)/.installed-all ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: $(VENV)/.installed-all ## The long tests, about MINUTES minutes
	MURMURATION_SOAK_MINUTES=$(MINUTES) $(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

bench: $(VENV)/.installed-all ## Every benchmark, each a ratio against what a user would pick instead
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

results: $(VENV)/.installed-all ## Tables and plots of docs/results.md, from the logs that ship (about 10 minutes)
	$(BIN)/python benchmarks/report/make.py $(ARGS)

clean: ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
