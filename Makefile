# What a person or CI does with this repository. `make` alone lists it.
# Every target first makes the environment: Python 3.11 or newer is all that has to be there.

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# Holds the pinned packages; made anew when the pins change.
PACKAGES := $(VENV)/.packages
# Holds Kontor itself, as a link to this folder.
INSTALLED := $(VENV)/.installed
# The contracts with their comments, as buf reads them.
IMAGE := $(VENV)/contracts.binpb
# The contracts as last released: what `make check-contracts` compares with.
RELEASED := protos/released.binpb

# Narrows `make test`, as in `make test TESTS="tests/rpc/orders -k cancel"`; coverage is then not measured.
TESTS ?=
# How many processes run the tests.
JOBS ?= 2
# What `make bench` measures, as in `make bench WORKLOAD=place-order,login`; `all` is everything.
WORKLOAD ?=
# And how, as in BENCH_ARGS="--json bench.json", "--compare bench.json" or "--list".
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test bench check format generate migration rpc release-contracts constraints clean \
	check-format check-lint check-types check-imports check-contracts check-generated check-migrations check-size

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) ## open the shop on this machine: PostgreSQL, Envoy, a Stripe stand-in, a mail catcher, the server
	@exec $(BIN)/kontor up

ifeq ($(TESTS),)
test: $(INSTALLED) ## run all tests; fails below 90 % branch coverage
	@$(BIN)/pytest -n $(JOBS) --cov --cov-report=term
else
test: $(INSTALLED)
	@$(BIN)/pytest $(TESTS)
endif

bench: $(INSTALLED) ## measure the shop against the limits of this machine, some ten minutes: see tests/bench
	@$(PY) -m tests.bench --workload "$(WORKLOAD)" $(BENCH_ARGS)

check: check-format check-lint check-types check-imports check-contracts check-generated check-migrations check-size ## run every check that is no test
	@echo "All checks passed."

check-format: $(INSTALLED)
	@echo "Format (ruff)"; $(BIN)/ruff format --quiet --check .

check-lint: $(INSTALLED)
	@echo "Lint (ruff)"; $(BIN)/ruff check --quiet .

check-types: $(INSTALLED)
	@echo "Types (mypy)"; $(BIN)/mypy

check-imports: $(INSTALLED)
	@echo "Floors and rooms (import-linter)"; $(BIN)/lint-imports --no-cache

check-contracts: $(INSTALLED)
	@echo "Contracts (buf lint, buf breaking)"
	@$(PY) protos/generate.py --image $(IMAGE)
	@$(BIN)/buf lint $(IMAGE) --config buf.yaml
	@$(BIN)/buf breaking $(IMAGE) --against $(RELEASED) --config buf.yaml

check-generated: $(INSTALLED)
	@echo "Generated code"; $(PY) protos/generate.py --check

check-migrations: $(INSTALLED)
	@echo "Migrations"; $(BIN)/pytest --quiet --noconftest tests/contract/test_migrations.py

check-size: $(INSTALLED)
	@echo "Sizes"; $(BIN)/pytest --quiet --noconftest tests/contract/test_size.py

format: $(INSTALLED) ## format the code and repair what ruff can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

generate: $(INSTALLED) ## build generated/ from protos/
	@$(PY) protos/generate.py

migration: $(INSTALLED) ## write a migration from the table classes: make migration NAME="carts get a note"
	@$(PY) migrations/new.py "$(NAME)"
	@$(BIN)/ruff check --fix --quiet migrations || true
	@$(BIN)/ruff format --quiet migrations

rpc: $(INSTALLED) ## write the skeleton of an RPC: make rpc NAME=orders.CancelOrder, for staff with PERMISSION=orders.fulfill
	@$(PY) protos/new_rpc.py "$(NAME)" $(PERMISSION)
	@$(BIN)/ruff check --fix --silent --exit-zero server tests
	@$(BIN)/ruff format --quiet server tests

release-contracts: $(INSTALLED) ## store the contracts as released: from then on they only grow
	@$(PY) protos/generate.py --image $(IMAGE)
	@$(BIN)/buf build $(IMAGE) --exclude-source-info --output $(RELEASED)

constraints: $(INSTALLED) ## pin the packages of pyproject.toml anew; newest versions with UPGRADE=--upgrade
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) \
		pyproject.toml --output-file constraints.txt > /dev/null

clean: ## remove the environment and every cache
	@rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two packages come as source, and Kontor is linked: the tools that build them go in first, pinned like the rest.
BUILD_TOOLS := hatchling|packaging|pathspec|pluggy|setuptools|trove-classifiers

$(PACKAGES): constraints.txt
	@python=$$(for name in python3 python3.13 python3.12 python3.11 python; do \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo "$$name" && break; \
	done); \
	if [ -z "$$python" ]; then echo "Kontor needs Python 3.11 or newer on the PATH; there is none." >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2> /dev/null; then \
		echo "$$python cannot make environments: install its venv package (Debian, Ubuntu: python3-venv)." >&2; exit 1; fi; \
	echo "Making $(VENV) with $$("$$python" --version) and the packages of constraints.txt: about a minute."; \
	"$$python" -m venv --clear $(VENV)
	@awk '/^($(BUILD_TOOLS))==/ {keep = 1} keep; !/\\$$/ {keep = 0}' constraints.txt > $(VENV)/build-tools.txt
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r $(VENV)/build-tools.txt
	@$(PY) -m pip install --no-deps --require-hashes --no-build-isolation -r constraints.txt
	@touch $@

$(INSTALLED): $(PACKAGES) pyproject.toml
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
