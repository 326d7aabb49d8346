"""A drop-in for ThreadPoolExecutor: cancelling, shutting down, breaking."""

import threading
from concurrent.futures import Future, as_completed, wait
from typing import Any

import pytest

from aiointerpreters import interpreter
from support import failures, work
from support import gate as gates
from support.kinds import Kind, join_all, same_as_original, states

# ---- Cancelling


@same_as_original
def test_what_can_be_cancelled(kind: Kind) -> Any:
    executor = kind.make(1)
    done = executor.submit(kind.call(work.square), 3)
    done.result()
    gate = kind.gate()
    running = executor.submit(kind.call(gates.hold), gate.ends)
    gate.wait_for()
    queued = executor.submit(kind.call(work.square), 3)
    futures = [done, running, queued]
    before = states(futures)
    answers = [future.cancel() for future in futures], [future.cancel() for future in futures]
    after = states(futures)
    asked = kind.failure(queued.result), kind.failure(queued.exception), kind.failure(lambda: queued.result(0))
    gate.open_wide()
    executor.shutdown()
    return before, answers, after, asked, states(futures), kind.failure(queued.result)


@same_as_original
def test_a_cancelled_call_does_not_run(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    never = kind.gate()
    cancelled = executor.submit(kind.call(gates.hold), never.ends)
    kept = executor.submit(kind.call(work.square), 3)
    cancelled.cancel()
    gate.open_wide()
    return kept.result(), states([cancelled])


@pytest.mark.parametrize("timeout", [0, 0.01, -1])
@same_as_original
def test_waiting_for_too_short(kind: Kind, timeout: float) -> Any:
    executor = kind.make(1)
    gate = kind.gate()
    future = executor.submit(kind.call(gates.hold), gate.ends)
    gate.wait_for()
    return kind.failure(lambda: future.result(timeout)), kind.failure(lambda: future.exception(timeout)), states([future])


@same_as_original
def test_cancelled_futures_wake_those_who_wait(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    futures = [executor.submit(kind.call(work.square), n) for n in range(4)]
    called: list[int] = []
    for n, future in enumerate(futures):
        future.add_done_callback(lambda _, n=n: called.append(n))  # type: ignore[misc]
    futures[1].cancel()
    futures[3].cancel()
    seen = list(called)
    gate.open_wide()
    done, not_done = wait(futures)
    kind.settle(executor)
    return seen, len(done), len(not_done), sorted(called), states(futures), len(list(as_completed(futures)))


# ---- Shutting down


@pytest.mark.parametrize("cancel_futures", [False, True])
@pytest.mark.parametrize("wait", [False, True])
@same_as_original
def test_shutdown_with_calls_in_every_state(kind: Kind, wait: bool, cancel_futures: bool) -> Any:
    executor = kind.make(2)
    done = executor.submit(kind.call(work.square), 3)
    done.result()
    gate = kind.gate()
    running = [executor.submit(kind.call(gates.hold), gate.ends, n) for n in range(2)]
    gate.wait_for(2)
    queued = [executor.submit(kind.call(work.square), n) for n in range(5)]
    queued[2].cancel()
    futures = [done, *running, *queued]
    threads = set(executor._threads)
    if wait:
        gate.open(2)  # the running calls end, or are about to end
        executor.shutdown(wait=False, cancel_futures=cancel_futures)
        executor.shutdown(wait=True, cancel_futures=False)
    else:
        executor.shutdown(wait=False, cancel_futures=cancel_futures)
    if wait and cancel_futures:
        return sorted(states(futures[:3]))  # some of the others may have begun
    seen = states(futures)
    refused = kind.failure(lambda: executor.submit(kind.call(work.square), 3))
    gate.open_wide()
    executor.shutdown()
    return seen, refused, states(futures), [thread.is_alive() for thread in threads], executor._shutdown


@same_as_original
def test_submit_after_shutdown(kind: Kind) -> Any:
    executor = kind.make(1)
    executor.shutdown()
    executor.shutdown()
    executor.shutdown(False, cancel_futures=True)
    return kind.failure(lambda: executor.submit(kind.call(work.square), 3)), len(executor._threads)


@same_as_original
def test_an_executor_as_a_context(kind: Kind) -> Any:
    with kind.make(2) as executor:
        future = executor.submit(kind.call(work.square), 3)
        same = executor.__enter__() is executor

    def leave() -> None:
        with kind.make(1):
            raise LookupError("inside")

    return same, states([future]), kind.failure(leave), kind.failure(lambda: executor.__enter__().submit(work.nothing))


@same_as_original
def test_shutdown_from_one_of_its_own_threads(kind: Kind) -> Any:
    if kind.is_tagged:
        return kind.failure(threading.current_thread().join)  # an executor belongs to the interpreter that created it
    executor = kind.make(1)
    failure = executor.submit(lambda: kind.failure(executor.shutdown)).result()
    assert executor._shutdown
    return failure


@same_as_original
def test_shutdown_by_a_callback(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.gate()
    future = executor.submit(kind.call(gates.hold), gate.ends, 5)
    queued = executor.submit(kind.call(work.square), 3)
    future.add_done_callback(lambda _: executor.shutdown(wait=False))
    gate.open()
    result = queued.result()
    executor.shutdown()
    return result, kind.failure(lambda: executor.submit(work.nothing))


@same_as_original
def test_callbacks_submit_more(kind: Kind) -> Any:
    executor = kind.make(1)
    more: list[Future[int]] = []
    called = threading.Event()
    gate = kind.gate()

    def submit(future: Future[int]) -> None:
        more.append(executor.submit(kind.call(work.square), future.result()))
        called.set()

    executor.submit(kind.call(gates.hold), gate.ends, 4).add_done_callback(submit)
    gate.open()
    called.wait()
    return more[0].result()


# ---- Breaking


@pytest.mark.parametrize("error", [ValueError("no start"), SystemExit(3), KeyboardInterrupt()], ids=repr)
@same_as_original
def test_an_initializer_that_fails(kind: Kind, error: BaseException) -> Any:
    gate = kind.gate()
    initializer = kind.call(gates.hold_then)
    executor = kind.make(1, initializer=initializer, initargs=(gate.ends, failures.fail, error))
    futures = [executor.submit(kind.call(work.square), n) for n in range(3)]
    gate.open_wide()
    described = [kind.describe(future.exception()) for future in futures]
    causes = {cause[:2] if cause else None for _, _, cause, _ in described}
    assert causes == ({(type(error).__name__, error.args)} if kind.is_ours else {None})  # the original keeps no cause
    join_all(executor._threads)
    refused = [kind.failure(lambda: executor.submit(kind.call(work.square), 3)) for _ in range(2)]
    refused.append(kind.failure(lambda: executor.map(kind.call(work.square), [1])))
    executor.shutdown()
    refused.append(kind.failure(lambda: executor.submit(kind.call(work.square), 3)))
    assert all("initializer failed" in message for _, (message,), *_ in described + refused)  # of a thread, an interpreter
    return [name for name, *_ in described + refused]


@same_as_original
def test_a_failing_initializer_is_logged(kind: Kind) -> Any:
    executor = kind.make(1, initializer=failures.fail_in_the_third_line)
    executor.submit(kind.call(work.square), 3).exception()
    executor.shutdown()
    return kind.log


def test_a_failing_tagged_initializer_is_logged() -> None:
    with Kind("tagged") as kind:
        executor = kind.make(1, initializer=interpreter(failures.fail_in_the_third_line))
        executor.submit(interpreter(work.square), 3).exception()
        executor.shutdown()
        assert kind.log == ["CRITICAL Exception in initializer: ValueError('no such row: 3')"]


@same_as_original
def test_a_failing_initializer_breaks_in_words_that_are_known(kind: Kind) -> Any:
    executor = kind.make(1, initializer=failures.fail_in_the_third_line)
    error = executor.submit(kind.call(work.square), 3).exception()
    join_all(executor._threads)
    refused = kind.failure(lambda: executor.submit(kind.call(work.square), 3))
    return type(error), error.args, refused[:2]  # type: ignore[union-attr] # ours knows the cause besides


@same_as_original
def test_broken_executors_wake_those_who_wait(kind: Kind) -> Any:
    gate = kind.gate()
    executor = kind.make(1, initializer=gates.hold_then, initargs=(gate.ends, failures.fail_below))
    futures = [executor.submit(kind.call(work.square), n) for n in range(3)]
    called: list[str] = []
    for future in futures:
        future.add_done_callback(lambda f: called.append(type(f.exception()).__name__))
    gate.open_wide()
    done, _ = wait(futures)
    join_all(executor._threads)
    return len(done), called
