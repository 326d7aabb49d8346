"""The worker threads have their names in their interpreters too. This does not import `threading`."""

from aiointerpreters import interpreter
from support import light
from support.protocols import MakePool


def test_a_small_function_does_not_cost_the_import_of_threading(make_pool: MakePool) -> None:
    pool = make_pool(1)
    assert not pool.submit(interpreter(light.has_imported), "threading").result()


def test_a_function_that_imports_threading_finds_the_name(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name)).result() == ("worker_0", True)
    assert pool.submit(interpreter(light.thread_name)).result() == ("worker_0", True)


def test_an_import_that_has_failed_is_tried_again(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name_after_failed_import)).result() == ("worker_0", True)


def test_finders_may_be_taken_away(make_pool: MakePool) -> None:
    """Only the name is lost then."""
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name_without_finders)).result().startswith("Dummy-")
