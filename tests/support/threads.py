"""Threads of a test."""

import threading
from collections.abc import Callable


def run_in_threads(count: int, fn: Callable[[int], None]) -> None:
    """Run `fn(number)` in `count` threads that start together. The first failure is raised here."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def body(number: int) -> None:
        start.wait()
        try:
            fn(number)
        except BaseException as error:  # handed to the test
            errors.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
