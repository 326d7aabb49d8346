"""CPython's own test suites, with an executor of this package instead of a standard one.

`suites.py` lists the suites, `deviations.py` the tests that only the original can pass. `make cpython` prints the figures.
"""
