"""The tests that only the original can pass, and the reasons.

These tests are run too, and must fail. A test that passes must not be listed.
"""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """Tests that cannot pass in a role (see swap.py) for one reason, from version `since` of CPython on."""

    role: str
    reason: str
    tests: tuple[str, ...]
    since: tuple[int, int, int] = (3, 13, 0)


_POOL = "test_concurrent_futures.test_thread_pool.ThreadPoolExecutorTest"
_WAIT = "test_concurrent_futures.test_wait.ThreadPoolWaitTests"
_SHUTDOWN = "test_concurrent_futures.test_shutdown.ThreadPoolShutdownTest"
_INTERPRETERS = "test_concurrent_futures.test_interpreter_pool.InterpreterPoolExecutorTest"

DEVIATIONS = (
    Deviation(
        "interpreters",
        "expects a refusal of what can cross here: closures, local classes, methods of their instances",
        (
            f"{_INTERPRETERS}.test_init_closure",
            f"{_INTERPRETERS}.test_init_instance_method",
            f"{_INTERPRETERS}.test_submit_closure",
            f"{_INTERPRETERS}.test_submit_instance_method",
            f"{_INTERPRETERS}.test_submit_local_instance",
        ),
    ),
    Deviation(
        "interpreters",
        "expects concurrent.interpreters.ExecutionFailed as the cause; here it is the worker's traceback, on all versions",
        (
            f"{_INTERPRETERS}.test_init_exception_in_func",
            f"{_INTERPRETERS}.test_submit_exception_in_func",
        ),
    ),
    Deviation(
        "interpreters",
        "submits what is not callable, and expects concurrent.interpreters.NotShareableError; here it cannot be tagged",
        (f"{_INTERPRETERS}.test_pickle_errors_propagate",),
    ),
    Deviation(
        "interpreters",
        "expects the beginning of the thread's name in the operating system; here a long name keeps its end, the number",
        (f"{_INTERPRETERS}.test_thread_name_prefix_with_thread_get_name",),
        since=(3, 14, 0),
    ),
    Deviation(
        "tagged",
        "its function uses a lock or an event of this interpreter, which cannot cross",
        (
            f"{_POOL}.test_executor_map_current_future_cancel",
            f"{_POOL}.test_saturation",
            f"{_SHUTDOWN}.test_threads_terminate",
        ),
    ),
    Deviation(
        "tagged",
        "its function waits for an event of this interpreter, which cannot cross; CPython skips it for interpreters",
        (
            f"{_WAIT}.test_first_completed",
            f"{_WAIT}.test_first_completed_some_already_completed",
            f"{_WAIT}.test_first_exception",
            f"{_WAIT}.test_first_exception_one_already_failed",
            f"{_WAIT}.test_first_exception_some_already_complete",
            f"{_WAIT}.test_timeout",
        ),
        since=(3, 13, 3),  # before that, the functions sleep
    ),
    Deviation(
        "tagged",
        "its function appends to a list of this interpreter; a worker gets a copy",
        (f"{_POOL}.test_map_submits_without_iteration",),
    ),
    Deviation(
        "tagged",
        "its function uses the running test case, which holds an executor, which cannot cross",
        (f"{_POOL}.test_process_fork_from_a_threadpool",),
    ),
)


def listed(role: str) -> dict[str, str]:
    """The reasons of the listed tests for this version of CPython, by the names of the tests."""
    here = [deviation for deviation in DEVIATIONS if deviation.role == role and deviation.since <= sys.version_info]
    return {test: deviation.reason for deviation in here for test in deviation.tests}
