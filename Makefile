# Each target makes the environment it needs: Python 3.11 or newer, make and, the first time, the internet are enough.
#   make demo     condition a prior to boreholes and block means; a picture in output/
#   make test     all tests but the slow statistical ones, and which ten were slowest
#   make assure   the slow statistical ones
#   make bench    the benchmarks, one after another; most need published data (benchmarks/README.md)
#   make lint     style, format, types, and which package imports which
#   make docs     the documentation, in output/site/
#   make clean    remove caches and output/, keep the environment
# Another interpreter: make test PYTHON=python3.12. Another place for the environment: make test VENV=../venv.

PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCHMARKS := startup batch roundtrip fuzz training strangers small_images families adversarial trained_volumes clouds trends realism seed_tables generation generator_speed hard_data translation gaussian flow_solver crosshole \
    field_am13 flow_case scaling mps_peers two_engines reference_posterior samplers calibration volume device

.PHONY: environment demo test assure bench lint docs clean

environment: $(STAMP)

demo: $(STAMP)
	$(BIN)/python examples/01_first_conditioning.py

# Tests compare numbers, so they run where everybody has the same: on the CPU. Side by side, a processor each.
PYTEST := JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n auto --dist worksteal

# Most of these tests' time is compilation, so it is cut short: half of it goes into fused loops' own compiler, most of
# the rest into optimising, and each process has one processor. The slow ones run what users run.
QUICK := --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1

test: $(STAMP)
	XLA_FLAGS="$(QUICK) $$XLA_FLAGS" $(PYTEST) -m "not assure" --durations=10

assure: $(STAMP)
	$(PYTEST) -m assure

bench: $(STAMP)
	@for benchmark in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$benchmark || failed="$$failed $$benchmark"; done; \
	    test -z "$$failed" || { echo "not measured:$$failed"; exit 1; }

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-cache --no-logo

# The tests need none of this, so it has a stamp of its own.
DOCS_STAMP := $(VENV)/.installed-docs

docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "documentation in output/site/index.html"

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

clean:
	rm -rf output build dist .pytest_cache .ruff_cache .mypy_cache
	find latentinv tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	    { echo "latentinv needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
