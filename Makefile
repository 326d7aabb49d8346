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
	@echo "CONTRIBUTING.md explains their options."

.PHONY: demo
demo: ## run examples/sums.py
	@$(call with) && exec "$$python" benchmarks/run_example.py examples/sums.py

.PHONY: test
test: test-native test-python ## run the C++ and the Python tests

.PHONY: build develop
build: ## build the package in .venv/VERSION and print its Python
	@$(call with,test) && echo "$$python"

develop: build ## the same as `make build`

.PHONY: test-native
test-native: ## run the C++ tests
	@tools/native-tests dev

.PHONY: test-python
test-python: ## run the Python tests
	@$(call with,test examples $(EXTRAS)) && exec "$$python" -u -X faulthandler -m pytest $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: cpython
cpython: ## run CPython's own tests on this package
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m cpython $(ARGS)

.PHONY: extensions
extensions: ## try real packages with extensions="private"
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions $(ARGS)

.PHONY: extensions-suites
extensions-suites: ## run the test suites of packages in two interpreters
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions.suites $(ARGS)

.PHONY: crawl
crawl: ## run examples/crawl.py
	@$(call with,examples) && exec "$$python" benchmarks/run_example.py examples/crawl.py $(ARGS)

.PHONY: bench
bench: ## run the benchmarks
	@$(if $(filter --list,$(ARGS)),exec "$(or $(PYTHON),python3)" benchmarks/listing.py,$(call with,rivals) && exec "$$python" benchmarks $(ARGS) $(NAMES))

.PHONY: bench-compare
bench-compare: ## show what got slower since REV=revision
	@$(if $(REV),,$(error say which revision: make bench-compare REV=main~5))$(call with,rivals) && \
		exec "$$python" benchmarks/compare_revisions.py "$(REV)" $(NAMES) $(ARGS)

.PHONY: figures
figures: ## write the recorded figures into the docs, draw the pictures
	@$(call with,plots) && "$$python" benchmarks/readme_figures.py $(ARGS) && "$$python" benchmarks/docs_figures.py $(ARGS) && \
		"$$python" benchmarks/cited_figures.py $(ARGS) && "$$python" benchmarks/plots.py $(ARGS) && \
		{ [ -n "$(ARGS)" ] || { "$$python" docs/_sphinx/drawings.py && "$$python" docs/_sphinx/terminals.py && "$$python" docs/_sphinx/notebook_plot.py; }; }

.PHONY: docs
docs: ## build the documentation in build/docs
	@$(call with,docs) && rm -rf build/docs && \
		"$$python" -m sphinx -W --keep-going -q -b html -d build/docs.read docs build/docs && \
		"$$python" tools/check-site build/docs

.PHONY: asan
asan: ## run all tests under AddressSanitizer and UBSan
	@tools/native-tests asan
	@$(MAKE) asan-python
	@$(MAKE) fuzz

.PHONY: asan-python
asan-python: ## run the Python tests of `make asan`
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter" test examples) && \
		tools/with-asan "$$python" -u -X faulthandler -m pytest --timeout 800 -o faulthandler_timeout=1600 \
		--ignore tests/stress/test_memory.py $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: fuzz
fuzz: ## feed random bytes to the decoder
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter") && \
		PYTHONHASHSEED=0 exec tools/with-asan "$$python" tests/fuzz/fuzz_decoder.py $(ARGS)

.PHONY: faults
faults: ## run tests in which allocations fail
	@$(interpreter) && python=$$(tools/develop --faults "$$interpreter" test) && \
		exec "$$python" -u -X faulthandler -m pytest tests/faults $(or $(PYTEST_ARGS),-n 4)

.PHONY: tsan
tsan: ## run the C++ and the stress tests under ThreadSanitizer
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
tidy: ## run clang-tidy on the engine
	@$(call with,dev) && exec tools/syntax-check "$$python" analyzer

.PHONY: thread-safety
thread-safety: ## check with clang that the right locks are held
	@$(call with,dev) && exec tools/syntax-check "$$python" annotations

.PHONY: portability
portability: ## check that the engine compiles for other platforms
	@$(call with,dev) && exec tools/syntax-check "$$python" arm64 musl windows macos

.PHONY: format
format: ## format all code
	@$(call with,dev) && bin=$$(dirname "$$python") && \
		"$$bin/ruff" check --fix --exit-zero && \
		"$$bin/ruff" format && \
		"$$bin/clang-format" -i $(cpp_files)

.PHONY: wheels
wheels: ## build and test the sdist and the wheels
	@exec tools/wheels $(ARGS)

.PHONY: installers
installers: ## install the packages of `make wheels` with other tools
	@exec tools/try-installers $(ARGS)

.PHONY: types
types: ## check the types of the examples and of the public names
	@exec tools/types

.PHONY: clean
clean: ## remove what was built
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## remove what was built and downloaded
	rm -rf .deps .python
