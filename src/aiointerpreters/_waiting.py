"""The standard library's `wait` and `as_completed`; for type checkers they return the kind of future that they get."""

from concurrent.futures import as_completed, wait

__all__ = ["as_completed", "wait"]
