"""The standard library's `wait` and `as_completed`. For type checkers, they return futures of the type that they receive."""

from concurrent.futures import as_completed, wait

__all__ = ["as_completed", "wait"]
