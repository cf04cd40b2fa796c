# The few verbs of the house. Everything works from a clean machine with Python 3.11+.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: run test check bench faults faults-planted soak lock clean

run: $(VENV)/.run
	@$(BIN)/xiaoer serve

test: $(VENV)/.dev
	$(BIN)/pytest -v -n 2 --dist loadgroup $(ARGS)  # -v takes the -q of pyproject back: a closing line in full

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

FAULTS := PYTHONPATH=tests:. LANGGRAPH_STRICT_MSGPACK=true $(BIN)/python -m

faults: $(VENV)/.dev ## the fault matrix, every crash point, the hostile model: a table, minutes
	$(FAULTS) faults $(ARGS)

faults-planted: $(VENV)/.dev ## bugs planted on purpose: each must turn a named test red
	$(FAULTS) faults.planted $(ARGS)

soak: $(VENV)/.dev ## the same with new seeds for MINUTES
	$(FAULTS) faults.soak --minutes $(or $(MINUTES),60)

lock: ## resolve again and write the lock files: names, versions, hashes, no addresses
	uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --universal --group dev --generate-hashes --no-annotate --no-header -q -o requirements-dev.lock

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	$(PY) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check uv 2>/dev/null || echo "uv is not to be had; pip installs, which takes longer"

$(VENV)/.run: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked dependencies (about half a minute) …"
	@if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock; \
	else $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock; fi
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@touch $@
