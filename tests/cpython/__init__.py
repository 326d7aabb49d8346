"""CPython's own test suites, with an executor of this package in the place of a standard one.

`suites.py` says what runs, `deviations.py` what can only pass for the original and why; `make cpython` prints the figures.
"""
