# Sonnerie. `make` alone tells what there is; every target prepares what it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One stamp per lock: a changed lock or a lost environment prepares again, anything else is instant.
STAMP := $(VENV)/.prepared-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
PYTEST := $(BIN)/python -m pytest

.PHONY: help
help:  ## Tell what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@echo "Python: environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) \
	  || { rm -rf $(VENV); echo "No environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.prepared-* && touch $@

.PHONY: environment
environment: $(STAMP)

.PHONY: setup
setup: environment  ## Prepare everything: environment, API servers, Prometheus, HAProxy (idempotent)
	@$(BIN)/python -m tests.controlplane.build

.PHONY: demo
demo: setup  ## Show one school morning on real parts, in about four minutes
	@$(BIN)/python -m tests.demo

.PHONY: sim
sim: environment  ## Simulate the morning of 6 April 2021 with all controllers, and open the picture (no cluster)
	@mkdir -p build
	@$(BIN)/python -m controller simulate 2021-04-06-declared --controllers all --html build/sim.html
	@echo "The picture: build/sim.html"; $(BIN)/python -m webbrowser build/sim.html >/dev/null 2>&1 || true

ONLY ?=
RUNS ?= 1
TOPOLOGY ?= one-site

.PHONY: faults
faults: setup  ## Let everything go wrong on real parts and measure it (ONLY='site-killed*' RUNS=30 TOPOLOGY=all-sites)
	@$(BIN)/python -m tests.faults --simulate --only '$(ONLY)' --topology $(TOPOLOGY)
	@$(BIN)/python -m tests.faults --only '$(ONLY)' --runs $(RUNS) --topology $(TOPOLOGY)

.PHONY: test
test: setup  ## Run all tests: fast ones first, then those on real servers
	@$(MAKE) test-fast
	@$(MAKE) test-live

.PHONY: test-fast
test-fast: setup  ## Run unit and property tests
	@$(PYTEST) -q -m "not live" -n 2 --dist worksteal

.PHONY: test-live
test-live: setup  ## Run the tests on real API servers, Prometheus and HAProxy
	@$(PYTEST) -q -m live

.PHONY: test-nightly
test-nightly: setup  ## Run the property tests of the planner with thousands of examples, histories with 100,000 steps
	@HYPOTHESIS_PROFILE=nightly $(PYTEST) -q -m "not live" --timeout 7200 tests/planning tests/observe/test_restart.py tests/preview

.PHONY: partitions
partitions: environment  ## Draw ten thousand partitions and lossy networks, and count false shifts (20 minutes)
	@$(BIN)/python -m tests.bench.partitions --cases 10000

.PHONY: coverage
coverage: setup  ## Measure which lines and branches of the core the fast tests reach
	@$(BIN)/coverage run -m pytest -q -m "not live" tests/domain tests/planning tests/wire
	@$(BIN)/coverage report

.PHONY: mutation
mutation: setup  ## Change the planner in small ways and see whether a test notices (an hour; ONLY='*reversals*')
	@HYPOTHESIS_PROFILE=mutation $(BIN)/mutmut run --max-children 2 $(ONLY)
	@$(BIN)/mutmut results

.PHONY: test-kind
test-kind: setup  ## Run the tests of the API servers on kind clusters instead of ours
	@$(BIN)/python -m tests.controlplane.kind
	@SONNERIE_TEST_CLUSTERS=kind $(PYTEST) -q -m live

.PHONY: lint
lint: setup  ## Check style, types, import contracts and dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.supply.audit

.PHONY: verify
verify: setup  ## Check that generated files are what their sources say
	@$(BIN)/python -m controller.policy.crd --check manifests/crd
	@$(BIN)/python -m tests.controlplane.replaces --check
	@$(BIN)/python -m tests.wire.golden --check
	@$(BIN)/python -m tests.contracts.names --check

.PHONY: generate
generate: setup  ## Write the generated files
	@$(BIN)/python -m controller.policy.crd --write manifests/crd
	@$(BIN)/python -m tests.controlplane.replaces --write
	@$(BIN)/python -m tests.wire.golden --write
	@$(BIN)/python -m tests.contracts.names --write

.PHONY: lock
lock: setup  ## Resolve dependencies anew; hashes, no index addresses
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --group dev pyproject.toml -o requirements.lock

IMAGE ?= sonnerie:dev
BUILDER ?= $(shell for each in docker podman buildah; do $$each info >/dev/null 2>&1 && echo $$each && break; done)

.PHONY: image
image:  ## Build the container image, with docker, podman or buildah (IMAGE=sonnerie:dev)
	@test -n "$(BUILDER)" \
	  || { echo "No builder answers. Start docker or podman, install buildah, or name one with BUILDER=" >&2; exit 1; }
	$(BUILDER) build -f Containerfile -t $(IMAGE) .

.PHONY: clean
clean:  ## Remove the environment and what was built here (the cache of servers stays)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
