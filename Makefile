# make demo and make test need nothing but gcc, cmake, make and some Python: what is missing is fetched into this folder.
# PYTHON=/path/to/python chooses the interpreter; tools/find-python says which one is taken otherwise.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# Each use brings the environment up to date first and is the path of its Python.
interpreter = interpreter=$$(tools/find-python)
with = $(interpreter) && python=$$(tools/develop "$$interpreter" $(1))
cpp_files = $(wildcard core/*/*.h core/*/*.cpp tests/*/*.h tests/*/*.cpp) $(wildcard tools/portability/*.h tools/portability/*.cpp tools/portability/*/*.h tools/portability/*/*/*.h)
PYTEST_ARGS ?=
# Four, also on two processors: often tests wait, for programs that they have started. A file stays in one process: its tests share
# fixtures.
shared_out = -n 4 --dist loadfile

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## all the set-up, then examples/sums.py
	@$(call with) && exec "$$python" examples/sums.py

.PHONY: test
test: test-native test-python ## all the set-up, then the tests in C++ and in Python

.PHONY: build develop
build develop: ## bring .venv/VERSION up to date and print its Python
	@$(call with,test) && echo "$$python"

.PHONY: test-native
test-native: ## the C++ unit tests
	@tools/native-tests dev

.PHONY: test-python
test-python: ## the Python tests, in several processes; PYTEST_ARGS="-k name" for some of them, in one; EXTRAS=frames for more
	@$(call with,test examples $(EXTRAS)) && exec "$$python" -u -X faulthandler -m pytest $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: cpython
cpython: ## CPython's own tests on this package's executors: figures, what cannot pass and why; ARGS=WORD for some of them
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m cpython $(ARGS)

.PHONY: extensions
extensions: ## try real packages in interpreters, and write the table in docs/extensions.md; ARGS="--rounds 100 numpy pandas" for some
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions $(ARGS)

.PHONY: extensions-suites
extensions-suites: ## the tests that packages ship, in two interpreters at once; ARGS='"numpy fft"' for some (needs an hour)
	@$(call with,test) && PYTHONPATH=tests exec "$$python" -m extensions.suites $(ARGS)

.PHONY: crawl
crawl: ## examples/crawl.py
	@$(call with,examples) && exec "$$python" examples/crawl.py $(ARGS)

.PHONY: bench
bench: ## benchmarks, beside their rivals: NAMES="latency asyncio" for some, ARGS=--list says which, ARGS="--quick --json" how
	@$(call with,rivals) && exec "$$python" benchmarks $(ARGS) $(NAMES)

.PHONY: bench-compare
bench-compare: ## what got slower since REV=revision, with exit status 1 if something did; NAMES="latency data" for some benchmarks
	@$(if $(REV),,$(error say which revision: make bench-compare REV=main~5))$(call with,rivals) && \
		exec "$$python" benchmarks/compare_revisions.py $(REV) $(NAMES) $(ARGS)

.PHONY: figures
figures: ## the figures in README and docs/benchmarks.md, and all pictures, from what `make bench ARGS=--json` has recorded
	@$(call with,plots) && "$$python" benchmarks/readme_figures.py && "$$python" benchmarks/docs_figures.py && \
		"$$python" benchmarks/cited_figures.py && "$$python" benchmarks/plots.py && "$$python" docs/_sphinx/drawings.py

.PHONY: docs
docs: ## the documentation site, in build/docs/index.html; a warning or a link that leads nowhere is an error
	@$(call with,docs) && rm -rf build/docs && \
		"$$python" -m sphinx -W --keep-going -q -b html -d build/docs.read docs build/docs && \
		"$$python" tools/check-site build/docs

.PHONY: asan
asan: ## both test suites under AddressSanitizer and UBSan, but for the tests that measure memory; then `make fuzz`
	@tools/native-tests asan
	@$(MAKE) asan-python
	@$(MAKE) fuzz

.PHONY: asan-python
asan-python: ## the Python tests of `make asan`; PYTEST_ARGS for some of them
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter" test examples) && \
		tools/with-asan "$$python" -u -X faulthandler -m pytest --timeout 800 -o faulthandler_timeout=1600 \
		--ignore tests/stress/test_memory.py $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: fuzz
fuzz: ## whatever bytes for the decoder, under the sanitizers; ARGS="--runs N --seed N" or ARGS=FILE
	@$(interpreter) && python=$$(tools/develop --sanitize=address,undefined "$$interpreter") && \
		PYTHONHASHSEED=0 exec tools/with-asan "$$python" tests/fuzz/fuzz_decoder.py $(ARGS)

.PHONY: faults
faults: ## tests in which every allocation of the engine fails once
	@$(interpreter) && python=$$(tools/develop --faults "$$interpreter" test) && \
		exec "$$python" -u -X faulthandler -m pytest tests/faults $(or $(PYTEST_ARGS),-n 4)

.PHONY: tsan
tsan: ## the C++ unit tests and the stress tests under ThreadSanitizer
	@tools/native-tests tsan
	@$(MAKE) tsan-python

.PHONY: tsan-python
tsan-python: ## the stress tests of `make tsan`
	@$(interpreter) && python=$$(tools/develop --sanitize=thread "$$interpreter" test) && \
		tools/with-tsan "$$python" -u -X faulthandler -m pytest --timeout 800 -o faulthandler_timeout=1600 \
		-m stress --ignore tests/stress/test_memory.py $(or $(PYTEST_ARGS),$(shared_out))

.PHONY: lint
lint: ## ruff, mypy, clang-format
	@$(call with,dev test examples) && bin=$$(dirname "$$python") && \
		"$$bin/ruff" check && \
		"$$bin/ruff" format --check && \
		"$$bin/clang-format" --dry-run --Werror $(cpp_files) && \
		"$$python" -m mypy

.PHONY: tidy
tidy: ## clang-tidy and its analyzer over the engine (needs minutes)
	@$(call with,dev) && exec tools/syntax-check "$$python" analyzer

.PHONY: thread-safety
thread-safety: ## clang's look at which lock protects what (core/base/annotations.h)
	@$(call with,dev) && exec tools/syntax-check "$$python" annotations

.PHONY: portability
portability: ## compile the engine, without making anything, for the platforms that no machine here runs
	@$(call with,dev) && exec tools/syntax-check "$$python" arm64 musl windows macos

.PHONY: format
format: ## ruff and clang-format, in place
	@$(call with,dev) && bin=$$(dirname "$$python") && \
		"$$bin/ruff" check --fix --exit-zero && \
		"$$bin/ruff" format && \
		"$$bin/clang-format" -i $(cpp_files)

.PHONY: wheels
wheels: ## sdist and wheels for 3.13, 3.14 and 3.15 in dist/, and tests of them; ARGS=3.14 for one
	@exec tools/wheels $(ARGS)

.PHONY: types
types: ## pyright, and mypy --strict, over the examples and the public names, as somebody sees them who has installed the package
	@exec tools/types

.PHONY: clean
clean: ## all that was built; `make distclean` also what was fetched
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean
	rm -rf .deps .python
