# `make demo` and `make test` need only gcc, cmake, make and any Python. Everything else is fetched into this folder.
# PYTHON=/path/to/python chooses the interpreter. Otherwise tools/find-python chooses one.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# Each use of this variable brings the environment up to date, and gives the path of its Python.
interpreter = interpreter=$$(tools/find-python)
with = $(interpreter) && python=$$(tools/develop "$$interpreter" $(1))
cpp_files = $(wildcard core/*/*.h core/*/*.cpp tests/*/*.h tests/*/*.cpp) $(wildcard tools/portability/*.h tools/portability/*.cpp tools/portability/*/*.h tools/portability/*/*/*.h)
PYTEST_ARGS ?=
# Four processes even on two processors, because tests often wait for programs. All tests of a file run in one process,
# because they share fixtures. tests/conftest.py chooses the order of the files.
shared_out = -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## set everything up, then run examples/sums.py, and say what made its figures worse
	@$(call with) && exec "$$python" benchmarks/run_example.py examples/sums.py

.PHONY: test
test: test-native test-python ## set everything up, then run the C++ and the Python tests

.PHONY: build develop
build develop: ## bring .venv/VERSION up to date and print its Python
	@$(call with,test) && echo "$$python"

.PHONY: test-native
test-native: ## run the C++ unit tests
	@tools/native-tests dev

.PHONY: test-python
test-python: ## run the Python tests, in several processes; PYTEST_ARGS="-k name" runs some of them, in one process; EXTRAS=frames adds more
	@$(call with,test examples $(EXTRAS)) && exec "$$python" -u -X faulthandler -m pytest $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: cpython
cpython: ## run CPython's own tests with this package's executors, and list the failures and their reasons; ARGS=WORD for some of them
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m cpython $(ARGS)

.PHONY: extensions
extensions: ## try real packages in interpreters, and write the table in docs/extensions.md; ARGS="--rounds 100 numpy pandas" for some
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions $(ARGS)

.PHONY: extensions-suites
extensions-suites: ## run the test suites of packages in two interpreters at once (takes an hour); ARGS='"numpy fft"' for some
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions.suites $(ARGS)

.PHONY: crawl
crawl: ## run examples/crawl.py
	@$(call with,examples) && exec "$$python" benchmarks/run_example.py examples/crawl.py $(ARGS)

.PHONY: bench
bench: ## run the benchmarks, with other pools for comparison; NAMES="latency asyncio" for some, ARGS=--list lists them, ARGS="--quick --json" for a quick run that is recorded
	@$(if $(filter --list,$(ARGS)),exec "$(or $(PYTHON),python3)" benchmarks/listing.py,$(call with,rivals) && exec "$$python" benchmarks $(ARGS) $(NAMES))

.PHONY: bench-compare
bench-compare: ## show what got slower since REV=revision (then the exit status is 1); NAMES="latency data" for some benchmarks
	@$(if $(REV),,$(error say which revision: make bench-compare REV=main~5))$(call with,rivals) && \
		exec "$$python" benchmarks/compare_revisions.py "$(REV)" $(NAMES) $(ARGS)

.PHONY: figures
figures: ## write the figures in the docs and draw the pictures from what `make bench ARGS=--json` has recorded; ARGS=--check only compares
	@$(call with,plots) && "$$python" benchmarks/readme_figures.py $(ARGS) && "$$python" benchmarks/docs_figures.py $(ARGS) && \
		"$$python" benchmarks/cited_figures.py $(ARGS) && "$$python" benchmarks/plots.py $(ARGS) && \
		{ [ -n "$(ARGS)" ] || { "$$python" docs/_sphinx/drawings.py && "$$python" docs/_sphinx/notebook_plot.py; }; }

.PHONY: docs
docs: ## build the documentation site in build/docs/index.html; warnings and dead links are errors
	@$(call with,docs) && rm -rf build/docs && \
		"$$python" -m sphinx -W --keep-going -q -b html -d build/docs.read docs build/docs && \
		"$$python" tools/check-site build/docs

.PHONY: asan
asan: ## run both test suites under AddressSanitizer and UBSan, except for tests that measure memory; then `make fuzz`
	@tools/native-tests asan
	@$(MAKE) asan-python
	@$(MAKE) fuzz

.PHONY: asan-python
asan-python: ## run the Python tests of `make asan`; PYTEST_ARGS for some of them
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter" test examples) && \
		tools/with-asan "$$python" -u -X faulthandler -m pytest --timeout 800 -o faulthandler_timeout=1600 \
		--ignore tests/stress/test_memory.py $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: fuzz
fuzz: ## fuzz the decoder under the sanitizers; ARGS="--runs N --seed N" or ARGS=FILE
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter") && \
		PYTHONHASHSEED=0 exec tools/with-asan "$$python" tests/fuzz/fuzz_decoder.py $(ARGS)

.PHONY: faults
faults: ## run tests in which each allocation of the engine fails once
	@$(interpreter) && python=$$(tools/develop --faults "$$interpreter" test) && \
		exec "$$python" -u -X faulthandler -m pytest tests/faults $(or $(PYTEST_ARGS),-n 4)

.PHONY: tsan
tsan: ## run the C++ unit tests and the stress tests under ThreadSanitizer
	@tools/native-tests tsan
	@$(MAKE) tsan-python

.PHONY: tsan-python
tsan-python: ## run the stress tests of `make tsan`
	@$(interpreter) && python=$$(tools/develop --sanitize=thread "$$interpreter" test) && \
		tools/with-tsan "$$python" -u -X faulthandler -m pytest --timeout 800 -o faulthandler_timeout=1600 \
		-m stress --ignore tests/stress/test_memory.py $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: lint
lint: ## run ruff, mypy and clang-format
	@$(call with,dev test examples) && bin=$$(dirname "$$python") && \
		"$$bin/ruff" check && \
		"$$bin/ruff" format --check && \
		"$$bin/clang-format" --dry-run --Werror $(cpp_files) && \
		"$$python" -m mypy

.PHONY: tidy
tidy: ## run clang-tidy and its analyzer on the engine (takes minutes)
	@$(call with,dev) && exec tools/syntax-check "$$python" analyzer

.PHONY: thread-safety
thread-safety: ## check with clang that the right locks are held (core/base/annotations.h)
	@$(call with,dev) && exec tools/syntax-check "$$python" annotations

.PHONY: portability
portability: ## check that the engine compiles for other platforms
	@$(call with,dev) && exec tools/syntax-check "$$python" arm64 musl windows macos

.PHONY: format
format: ## format all code with ruff and clang-format
	@$(call with,dev) && bin=$$(dirname "$$python") && \
		"$$bin/ruff" check --fix --exit-zero && \
		"$$bin/ruff" format && \
		"$$bin/clang-format" -i $(cpp_files)

.PHONY: wheels
wheels: ## build and test the sdist and the wheels for 3.13, 3.14 and 3.15, in dist/; ARGS=3.14 for one
	@exec tools/wheels $(ARGS)

.PHONY: installers
installers: ## install the wheel of `make wheels` with uv, Poetry, PDM and Pipenv, and the sdist with uv; ARGS=uv for one
	@exec tools/try-installers $(ARGS)

.PHONY: types
types: ## check the examples and the public names with pyright and mypy --strict, against the installed package
	@exec tools/types

.PHONY: clean
clean: ## remove what was built; `make distclean` also removes what was downloaded
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean
	rm -rf .deps .python
