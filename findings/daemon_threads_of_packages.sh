#!/bin/sh
# CPython 3.14: packages that start a daemon thread, in an interpreter of the standard library's.
#
# `concurrent.interpreters` makes interpreters without daemon threads. fsspec raises RuntimeError when its event loop is first needed.
# tqdm warns and goes on without its monitor. multiprocessing's queue loses the item: put() raises nothing that names the queue, and
# the error is CPython's own.
. "$(dirname "$0")/environment"
install fsspec==2026.10.0 tqdm==4.67.1

expect "" <<'PYTHON'
PYTHON
