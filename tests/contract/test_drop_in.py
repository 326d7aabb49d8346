"""A drop-in for ThreadPoolExecutor: construction, attributes, threads, and the callables that can be submitted."""

import copy
import functools
import inspect
import os
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, shapes, work
from support import gate as gates
from support.kinds import Kind, same_as_original, states

# ---- Construction


@same_as_original
def test_the_default_number_of_workers(kind: Kind) -> Any:
    return kind.make()._max_workers, kind.make(None)._max_workers


@pytest.mark.parametrize("number", [1, 3, 10**9, True, 2.5, float("inf"), 10**30], ids=repr)
@same_as_original
def test_numbers_of_workers(kind: Kind, number: Any) -> Any:
    executor = kind.make(number)
    gate = kind.gate()
    futures = [executor.submit(kind.call(gates.hold), gate.ends, n) for n in range(3)]
    running = min(3, -int(-number // 1)) if number < 3 else 3
    gate.wait_for(running)
    gate.open_wide()
    return executor._max_workers, len(executor._threads), [future.result() for future in futures]


@pytest.mark.parametrize("number", [0, -1, -0.5, "3", float("nan"), b"", [1]], ids=repr)
@same_as_original
def test_refused_numbers_of_workers(kind: Kind, number: Any) -> Any:
    if number != number:
        return kind.failure(lambda: kind.make(number)) is None or kind.is_ours  # NaN is no number of threads
    return kind.failure(lambda: kind.make(number))


@pytest.mark.parametrize("initializer", [5, "name", object], ids=repr)
@same_as_original
def test_initializers_that_are_no_functions(kind: Kind, initializer: Any) -> Any:
    return kind.failure(lambda: kind.make(1, initializer=initializer))


@same_as_original
def test_a_wrong_number_is_told_before_a_wrong_initializer(kind: Kind) -> Any:
    return kind.failure(lambda: kind.make(0, initializer=5))


@same_as_original
def test_arguments_by_position(kind: Kind) -> Any:
    seen: list[Any] = []
    executor = kind.make(2, "by-position", seen.append, (5,))
    kind.settle(executor)
    return executor._max_workers, executor._thread_name_prefix, seen


@pytest.mark.parametrize("initargs", [(), [1, 2], "ab", {"k": 1}], ids=repr)
@same_as_original
def test_initargs_of_any_iterable(kind: Kind, initargs: Any) -> Any:
    seen: list[Any] = []
    kind.settle(kind.make(1, initializer=lambda *args: seen.append(args), initargs=initargs))
    return seen


@same_as_original
def test_arguments_that_do_not_exist(kind: Kind) -> Any:
    return [kind.failure(lambda: kind.make(1, unknown=1))[0], kind.failure(lambda: kind.make(1, "", None, (), 5))[0]]


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    return {p.name: (p.kind, p.default) for p in inspect.signature(function).parameters.values()}


@pytest.mark.parametrize("name", ["submit", "shutdown", "map", "__enter__", "__exit__"])
def test_signatures_of_methods(name: str) -> None:
    ours, original = (parameters(getattr(cls, name)) for cls in (InterpreterThreadPoolExecutor, ThreadPoolExecutor))
    if name == "map" and sys.version_info < (3, 14):
        ours.pop("buffersize")  # our `map` has it on every version
    assert ours == original


def test_the_signature_of_the_class_has_more_keywords() -> None:
    ours, original = parameters(InterpreterThreadPoolExecutor), parameters(ThreadPoolExecutor)
    original.pop("ctxkwargs", None)  # the standard library's private affair, since 3.14
    defaults = {
        "max_interpreters": None,
        "context_vars": (),
        "extensions": None,
        "preload": (),
        "min_interpreters": 0,
        "fallback": None,
        "max_processes": None,
        "logging": "forward",
        "output": "own",
    }
    for name, default in defaults.items():
        assert ours.pop(name) == (inspect.Parameter.KEYWORD_ONLY, default)
    assert list(ours.items()) == list(original.items())


def test_it_is_a_thread_pool_executor() -> None:
    executor = InterpreterThreadPoolExecutor(1)
    assert isinstance(executor, ThreadPoolExecutor)
    assert isinstance(executor, Executor)
    assert issubclass(InterpreterThreadPoolExecutor, ThreadPoolExecutor)


@pytest.mark.parametrize("fn", [work.nothing, interpreter(work.nothing)], ids=["untagged", "tagged"])
def test_its_futures_are_futures(fn: Callable[..., Any]) -> None:
    with InterpreterThreadPoolExecutor(1) as executor:
        assert isinstance(executor.submit(fn), Future)


# ---- Attributes that other libraries read


@same_as_original
def test_attributes_of_a_fresh_executor(kind: Kind) -> Any:
    executor: Any = kind.make(3, "prefix", work.nothing, (1,))
    on_one_version = [getattr(executor, name, "none") for name in ("_initializer", "_initargs")]
    lock = executor._shutdown_lock
    return (
        executor._max_workers, executor._thread_name_prefix, executor._broken, executor._shutdown, executor._threads,
        on_one_version, type(lock), lock.locked(), executor._work_queue.qsize(), executor._work_queue.empty(),
    )  # fmt: skip


@same_as_original
def test_attributes_of_a_used_executor(kind: Kind) -> Any:
    executor = kind.make(3, "prefix")
    gate = kind.occupy(executor, 2)
    threads = set(executor._threads)
    before = len(threads), {type(thread) for thread in threads}, all(thread.is_alive() for thread in threads)
    gate.open_wide()
    executor.shutdown()
    same = executor._threads == threads
    return before, same, any(thread.is_alive() for thread in threads), executor._shutdown, executor._broken


@same_as_original
def test_the_length_of_the_queue(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    seen = []
    for _ in range(3):
        seen.append((executor._work_queue.qsize(), executor._work_queue.empty()))
        executor.submit(kind.call(work.square), 3)
    gate.open_wide()
    kind.settle(executor)
    return seen, executor._work_queue.qsize()


@same_as_original
def test_whether_an_executor_is_broken(kind: Kind) -> Any:
    executor = kind.make(1, initializer=failures.fail_in_the_third_line)
    executor.submit(kind.call(work.square), 3).exception()
    executor.shutdown()
    return executor._broken


@same_as_original
def test_the_representation_names_class_and_address(kind: Kind) -> Any:
    executor = kind.make(1)
    said = repr(executor)
    return str(executor) == said, type(executor).__name__ in said, f"{id(executor):x}" in said


@same_as_original
def test_executors_are_equal_to_themselves_alone(kind: Kind) -> Any:
    first, second = kind.make(1), kind.make(1)
    return first == second, len({first, second, first}), bool(first)


@same_as_original
def test_users_may_add_attributes(kind: Kind) -> Any:
    executor: Any = kind.make(1)
    executor.owner = "me"
    return executor.owner, "owner" in vars(executor)


@pytest.mark.parametrize("action", [pickle.dumps, copy.deepcopy])
@same_as_original
def test_an_executor_cannot_be_pickled(kind: Kind, action: Callable[[Any], Any]) -> Any:
    return kind.failure(lambda: action(kind.make(1)))[0] in ("TypeError", "PicklingError")  # the latter from 3.14 on


def test_an_executor_cannot_be_copied() -> None:
    # The original can be copied, by accident: the copy shares its lock and its queue, and has its own thread counts.
    with pytest.raises(TypeError, match="InterpreterThreadPoolExecutor"):
        copy.copy(InterpreterThreadPoolExecutor(1))


# ---- Threads


@pytest.mark.parametrize("prefix", ["", "own", "a b%d", "\N{SNOWMAN}", 5], ids=repr)
@same_as_original
def test_names_of_threads(kind: Kind, prefix: Any) -> Any:
    executor = kind.make(3, prefix)
    gate = kind.gate()
    futures = [executor.submit(kind.call(gates.hold_then), gate.ends, work.here_and_thread) for _ in range(3)]
    gate.wait_for(3)
    gate.open_wide()
    inside = sorted(future.result()[2] for future in futures)
    outside = sorted(thread.name for thread in executor._threads)
    if prefix == "":
        number = outside[0].removeprefix("ThreadPoolExecutor-").split("_")[0]
        assert number.isdigit()
        inside, outside = ([name.replace(number, "N", 1) for name in names] for names in (inside, outside))
    return inside, outside


@same_as_original
def test_unnamed_executors_are_numbered(kind: Kind) -> Any:
    first, second = (str(kind.make(1)._thread_name_prefix) for _ in range(2))
    return int(second.removeprefix("ThreadPoolExecutor-")) - int(first.removeprefix("ThreadPoolExecutor-"))


@same_as_original
def test_threads_are_no_daemons(kind: Kind) -> Any:
    executor = kind.make(2)
    kind.occupy(executor, 2)
    return [(thread.daemon, thread.is_alive(), thread in threading.enumerate()) for thread in executor._threads]


@same_as_original
def test_no_thread_is_started_before_it_is_needed(kind: Kind) -> Any:
    return len(kind.make(5)._threads)


@same_as_original
def test_threads_that_somebody_else_asks_for(kind: Kind) -> Any:
    executor: Any = kind.make(2)
    for _ in range(3):
        executor._adjust_thread_count()
    result = executor.submit(kind.call(work.square), 3).result()
    executor.shutdown()
    return result, len(executor._threads) <= 2


@same_as_original
def test_an_idle_thread_is_used_again(kind: Kind) -> Any:
    executor = kind.make(5)
    for n in range(20):
        executor.submit(kind.call(work.square), n).result()
    threads = len(executor._threads)
    return threads == 1 or not kind.is_ours  # a thread of the original may report a moment too late that it is idle


@same_as_original
def test_threads_are_started_while_all_are_busy(kind: Kind) -> Any:
    executor = kind.make(3)
    counts = []
    for count in (1, 1, 1):
        kind.occupy(executor, count)
        counts.append(len(executor._threads))
    queued = executor.submit(kind.call(work.square), 3)
    counts.append(len(executor._threads))
    return counts, states([queued])


@same_as_original
def test_at_most_so_many_calls_run_at_once(kind: Kind) -> Any:
    executor = kind.make(2)
    gate = kind.gate()
    futures = [executor.submit(kind.call(gates.hold), gate.ends, n) for n in range(6)]
    seen = []
    gate.wait_for(2)
    for _ in range(4):
        seen.append(sorted(states(futures)))
        gate.open()
        gate.wait_for()
    gate.open_wide()
    return seen, [future.result() for future in futures]


@same_as_original
def test_one_worker_keeps_the_order(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    reader, writer = os.pipe()
    for n in range(50):
        executor.submit(kind.call(work.write), writer, bytes([n]))
    gate.open_wide()
    kind.settle(executor)
    os.close(writer)
    with open(reader, "rb") as file:
        return list(file.read())


# ---- Calls


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"),
    [
        (work.add, (1, 2), {}), (work.add, (1,), {"b": 2, "c": 3}), (work.echo_call, (), {"self": 1, "fn": 2}),
        (len, ("abc",), {}), (shapes.Methods, (5,), {}), (shapes.Methods(3).add, (4,), {}), (shapes.Methods.name, (), {}),
        (shapes.Methods.double, (4,), {}),
        (shapes.Methods(3), (4,), {}), (functools.partial(work.add, 1, c=5), (2,), {}), (lambda x: x + 1, (1,), {}),
        (work.cached_square, (3,), {}), (work.tagged_square, (3,), {}), ("{}-{}".format, (1, 2), {}),
        (int.bit_length, (255,), {}), (functools.partial(functools.partial(work.add, 1), 2), (), {"c": 4}),
        (work.add, (), {}), (work.add, (1, 2, 3, 4), {}), (work.add, (1, 2), {"d": 1}), (work.divide, (1, 0), {}),
        (len, (5,), {}), (shapes.Methods, (), {}), (work.echo_call, (), {"fn": 1, "args": 2, "kwargs": 3}),
    ],
)  # fmt: skip
@same_as_original
def test_all_that_can_be_called(kind: Kind, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    future = kind.make(1).submit(kind.call(fn), *args, **kwargs)
    error = future.exception()
    if error is not None:
        return kind.describe(error)
    result = future.result()
    return vars(result) if isinstance(result, shapes.Methods) else result


@pytest.mark.parametrize("fn", [None, 5, "name", [], object()], ids=["None", "int", "str", "list", "object"])
def test_what_cannot_be_called_fails_in_the_future(fn: Any) -> None:
    with ThreadPoolExecutor(1) as original, InterpreterThreadPoolExecutor(1) as ours:  # tags refuse them
        expected, got = (executor.submit(fn).exception() for executor in (original, ours))
    assert (type(got), got.args) == (type(expected), expected.args)  # type: ignore[union-attr]


@same_as_original
def test_submit_without_a_function(kind: Kind) -> Any:
    submit: Any = kind.make(1).submit
    return kind.failure(submit)[0], kind.failure(lambda: submit(fn=work.nothing))[0]


@pytest.mark.parametrize(
    "fail",
    [
        failures.fail_in_the_third_line, failures.fail_with_cause, failures.fail_while_handling, failures.fail_with_custom,
        failures.fail_with_keyword_only_code, failures.fail_with_two_arguments, failures.fail_with_group,
        functools.partial(failures.leave, 3), functools.partial(failures.stop, 5),
        functools.partial(failures.fail, KeyboardInterrupt("by hand")), functools.partial(failures.fail, GeneratorExit()),
        functools.partial(failures.fail_with_own, "OwnBase", 1), failures.missing_attribute, failures.recurse,
    ],
    ids=lambda fn: getattr(fn, "__name__", None) or repr(fn.args),
)  # fmt: skip
@same_as_original
def test_exceptions(kind: Kind, fail: Any) -> Any:
    executor = kind.make(1)
    future = executor.submit(kind.call(fail))
    raised = kind.failure(future.result)
    if raised[0] == "ExceptionGroup":
        raised = raised[0], repr(raised[1][1])
    return raised, executor.submit(kind.call(work.square), 4).result(), len(executor._threads)


@same_as_original
def test_the_same_exception_each_time(kind: Kind) -> Any:
    future = kind.make(1).submit(kind.call(failures.fail_with_custom))
    raised = []
    for _ in range(2):
        with pytest.raises(failures.Custom) as info:
            future.result()
        raised.append(info.value)
    return raised[0] is raised[1], raised[0] is future.exception()


@same_as_original
def test_the_context_of_an_exception_is_where_the_result_was_asked_for(kind: Kind) -> Any:
    future = kind.make(1).submit(kind.call(failures.fail_with_custom))
    try:
        raise LookupError("in the middle of something")
    except LookupError:
        return kind.failure(future.result)


@same_as_original
def test_the_traceback_leads_to_the_line_that_failed(kind: Kind) -> Any:
    error = kind.make(1).submit(kind.call(failures.fail_below)).exception()
    assert error is not None
    if kind.is_tagged:  # frames stay in their interpreter: the worker's traceback is the cause, as text
        return [name for name in ("fail_below", "fail_in_the_third_line") if f"in {name}" in str(error.__cause__)]
    names = []
    frame = error.__traceback__
    while frame is not None:
        names.append(frame.tb_frame.f_code.co_name)
        frame = frame.tb_next
    return names[-2:]


@same_as_original
def test_identity_of_results(kind: Kind) -> Any:
    argument = [1]
    future = kind.make(1).submit(kind.call(work.echo), argument)
    crosses = kind.is_tagged  # as a copy: no mutable object belongs to two interpreters
    return future.result() is future.result(), crosses or future.result() is argument, future.result() == argument
