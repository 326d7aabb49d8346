"""A function's exception is raised as itself, and shows the line in the worker that failed."""

import asyncio
import concurrent.futures
import json
import subprocess
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterError, InterpreterThreadPoolExecutor, interpreter
from support import failures, work
from support.protocols import MakePool


def error_of(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The exception of a tagged call."""
    error = pool.submit(interpreter(fn), *args, **kwargs).exception()
    assert error is not None
    return error


def innermost_cause(error: BaseException) -> BaseException:
    """The end of the chain of causes."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def printed(error: BaseException) -> str:
    """The text that a user sees."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        ValueError(),
        ValueError(1, [2], {"three": 3}),
        KeyError("key"),
        IndexError(5),
        ZeroDivisionError("division"),
        OSError(2, "missing", "file.txt"),
        FileNotFoundError(2, "missing"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        StopIteration(3),
        StopAsyncIteration(),
        SystemExit(3),
        SystemExit("text"),
        SystemExit(),
        KeyboardInterrupt(),
        GeneratorExit(),
        MemoryError(),
        RecursionError("deep"),
        AssertionError([1, 2]),
        NotImplementedError("later"),
        Warning("careful"),
        TimeoutError("late"),
        asyncio.CancelledError("cancelled"),
        concurrent.futures.CancelledError("cancelled"),
        concurrent.futures.InvalidStateError("state"),
        json.JSONDecodeError("bad", "{", 1),
        subprocess.CalledProcessError(3, ["cmd"], b"out"),
        failures.Custom(5, "five"),
        failures.OwnBase("base"),
        failures.Slotted(5),
        InterpreterError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_keep_type_arguments_and_attributes(pool: InterpreterThreadPoolExecutor, error: Any) -> None:
    result = error_of(pool, failures.fail, error)
    assert type(result) is type(error)
    assert result.args == error.args
    assert {**vars(result)} == {**vars(error)}
    assert str(result) == str(error)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), StopIteration(1)], ids=repr)
def test_result_raises_the_exception(pool: InterpreterThreadPoolExecutor, error: BaseException) -> None:
    future = pool.submit(interpreter(failures.fail), error)
    with pytest.raises(type(error)) as caught:
        future.result()
    assert caught.value is future.exception()
    assert not future.cancelled()


def test_attributes_that_are_not_arguments_are_kept(pool: InterpreterThreadPoolExecutor) -> None:
    missing = error_of(pool, failures.open_missing_file)
    assert (missing.errno, missing.filename) == (2, "/nonexistent/file")
    assert type(missing) is FileNotFoundError
    imported = error_of(pool, work.import_modules, ["no_such_module_at_all"])
    assert type(imported) is ModuleNotFoundError
    assert imported.name == "no_such_module_at_all"
    assert error_of(pool, failures.leave, 3).code == 3
    assert error_of(pool, failures.stop, 4).value == 4


def test_notes_are_kept(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_notes)
    assert error.__notes__[:2] == ["first note", "second note"]
    assert error.extra == ["more"]
    assert (error.code, error.detail) == (7, "seven")


def test_the_printed_error_shows_the_line_in_the_worker(pool: InterpreterThreadPoolExecutor) -> None:
    text = printed(error_of(pool, failures.fail_below))
    assert 'raise ValueError(f"no such row: {row}")' in text
    assert "in fail_in_the_third_line" in text
    assert "in fail_below" in text
    assert failures.__file__ in text
    assert "ValueError: no such row: 3" in text


def test_the_innermost_cause_is_the_remote_traceback(pool: InterpreterThreadPoolExecutor) -> None:
    for fn in (failures.fail_below, failures.fail_with_cause, failures.fail_with_keyword_only_code):
        cause = innermost_cause(error_of(pool, fn))
        assert "fail_" in str(cause)
        assert failures.__file__ in str(cause)


def test_a_failing_lambda_shows_where_it_was_written(pool: InterpreterThreadPoolExecutor) -> None:
    text = printed(error_of(pool, lambda: 1 / 0))
    assert "ZeroDivisionError" in text
    assert __file__ in text


def test_a_cause_is_kept(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_cause)
    assert (type(error), error.args) == (LookupError, ("table",))
    assert (type(error.__cause__), error.__cause__.args) == (ValueError, ("no such row: 3",))
    assert "direct cause" in printed(error)


def test_a_context_is_kept(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_while_handling)
    assert (type(error), error.args) == (LookupError, ("table",))
    assert (type(error.__context__), error.__context__.args) == (ValueError, ("no such row: 3",))


@pytest.mark.parametrize(
    ("fn", "kind", "args"),
    [
        (failures.fail_with_keyword_only_code, failures.KeywordOnly, ("failed with code 5",)),
        (failures.fail_with_two_arguments, failures.TwoArguments, ("1 and 2",)),
        (failures.fail_with_strict_new, failures.StrictNew, ("1-2",)),
    ],
)
def test_a_class_that_pickle_cannot_call_again_is_kept(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], kind: type[Exception], args: tuple[Any, ...]
) -> None:
    error = error_of(pool, fn)
    assert (type(error), error.args) == (kind, args)
    assert "fail_with_" in str(innermost_cause(error))


def test_attributes_of_a_class_that_cannot_be_called_again_are_kept(pool: InterpreterThreadPoolExecutor) -> None:
    assert error_of(pool, failures.fail_with_keyword_only, 9).code == 9
    assert error_of(pool, failures.fail_with_two_arguments).second == 2


def test_an_attribute_that_cannot_cross_is_left_out_and_named(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_unpicklable_attribute)
    assert (type(error), error.args, error.kept) == (failures.Custom, (8, "eight"), "kept")
    assert not hasattr(error, "handle")
    assert any("handle" in note for note in error.__notes__)


def test_an_argument_that_cannot_cross_does_not_cost_the_type(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_unpicklable_argument)
    assert type(error) is ValueError
    assert "text" in printed(error)


def test_an_exception_that_refuses_pickling_keeps_its_type(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_refusal)
    assert (type(error), error.args) == (failures.RefusesPickle, ("still here",))


def test_an_exception_that_cannot_be_printed_still_arrives(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_bad_str)
    assert type(error) is failures.BadStr
    assert error.args == ("never seen",)


@pytest.mark.parametrize(
    ("fn", "name", "message"),
    [
        (failures.fail_with_local_class, "OnlyHere", "a local complaint"),
        (failures.fail_with_class_of_worker_module, "MadeInWorker", "a foreign complaint"),
    ],
)
def test_a_class_that_home_cannot_find_becomes_an_interpreter_error(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], name: str, message: str
) -> None:
    error = error_of(pool, fn)
    assert type(error) is InterpreterError
    assert name in str(error)
    assert message in str(error)
    assert failures.__file__ in printed(error)


def test_groups_keep_their_members(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_group)
    assert type(error) is ExceptionGroup
    assert error.message == "several"
    first: Any
    inner: Any
    first, inner = error.exceptions
    assert (type(first), first.args) == (ValueError, (1,))
    assert (inner.message, [type(e) for e in inner.exceptions]) == ("inner", [KeyError, failures.Custom])
    assert inner.exceptions[1].code == 2


def test_a_group_can_be_handled_by_except_star(pool: InterpreterThreadPoolExecutor) -> None:
    handled: list[str] = []
    try:
        pool.submit(interpreter(failures.fail_with_group)).result()
    except* ValueError:
        handled.append("value")
    except* KeyError:
        handled.append("key")
    except* failures.Custom:
        handled.append("custom")
    assert handled == ["value", "key", "custom"]


def test_endless_recursion_is_a_recursion_error(pool: InterpreterThreadPoolExecutor) -> None:
    assert type(error_of(pool, failures.recurse)) is RecursionError
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_too_much_memory_is_a_memory_error(pool: InterpreterThreadPoolExecutor) -> None:
    assert type(error_of(pool, failures.exhaust_memory)) is MemoryError


def test_sys_exit_in_a_task_does_not_end_the_worker(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.remember), "alive", True).result()
    for _ in range(5):
        assert type(error_of(pool, failures.leave, 1)) is SystemExit
    assert pool.submit(interpreter(work.recall), "alive").result()


def test_an_error_that_was_handled_leaves_nothing(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(failures.swallow_and_return))
    assert future.result() == "handled"
    assert future.exception() is None


def test_one_failure_does_not_touch_the_next_task(make_pool: MakePool) -> None:
    pool = make_pool(1)
    for n in range(20):
        assert type(error_of(pool, failures.fail, ValueError(n))) is ValueError
        assert pool.submit(interpreter(work.square), n).result() == n * n


def test_the_exception_stays_the_same_object_and_does_not_grow(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(failures.fail_with_cause))
    first = future.exception()
    assert first is not None
    for _ in range(5):
        with pytest.raises(LookupError) as caught:
            future.result()
        assert caught.value is first
    depth = 0
    cause: BaseException | None = first
    while cause is not None:
        cause, depth = cause.__cause__, depth + 1
    assert depth == 3


def test_untagged_exceptions_are_the_very_objects(pool: InterpreterThreadPoolExecutor) -> None:
    error = failures.Custom(1, "one")
    assert pool.submit(failures.fail, error).exception() is error
    assert error.__cause__ is None


def test_raising_inside_an_except_block_at_home_chains_as_usual(pool: InterpreterThreadPoolExecutor) -> None:
    try:
        raise OSError("outer")
    except OSError:
        with pytest.raises(ValueError) as caught:
            pool.submit(interpreter(failures.fail_below)).result()
    assert "no such row: 3" in printed(caught.value)


@pytest.mark.parametrize(
    ("name", "kwargs", "fields"),
    [
        ("OwnOSError", {"path": "/p"}, {"errno": 5, "strerror": "no good", "filename": "/p"}),
        ("OwnUnicodeError", {}, {"encoding": "utf-8", "object": b"ab\xff", "start": 2, "end": 3, "reason": "bad"}),
        ("OwnSyntaxError", {"line": 4}, {"msg": "odd", "filename": "file.py", "lineno": 4, "offset": 2, "text": "text"}),
        ("OwnImportError", {"module": "m"}, {"msg": "no m", "name": "m", "path": "/there", "args": ("no m",)}),
        ("OwnStopIteration", {"value": 6}, {"value": 6}),
        ("PrivateSlots", {"code": 3}, {"code": 3, "hidden": 6}),
        ("Frozen", {"code": 1, "rows": [2]}, {"code": 1, "rows": [2]}),
        ("FrozenSlots", {"code": 1, "word": "own"}, {"code": 1, "word": "own"}),
    ],
)
def test_state_outside_of_args_is_kept_without_calling_init(
    pool: InterpreterThreadPoolExecutor, name: str, kwargs: dict[str, Any], fields: dict[str, Any]
) -> None:
    kind: Any = getattr(failures, name)
    error = error_of(pool, failures.fail_with_own, name, **kwargs)
    assert type(error) is kind
    assert {field: getattr(error, field) for field in fields} == fields
    assert str(error) == str(kind(**kwargs))
    assert not hasattr(error, "unset")
    assert not hasattr(error, "__notes__")


def test_an_undefined_name_is_kept(pool: InterpreterThreadPoolExecutor) -> None:
    assert error_of(pool, failures.fail_with_undefined_name).name == "no_such_name"


def test_init_with_side_effects_is_not_called_again(pool: InterpreterThreadPoolExecutor) -> None:
    before = failures.Counting.calls
    assert error_of(pool, failures.fail_with_own, "Counting", [7]).args == ([7, 1],)
    assert failures.Counting.calls == before


def test_a_reduction_of_its_own_is_respected_and_what_it_leaves_out_is_kept(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_extra_attribute, "ReducesToCall", 1, [2])
    assert (type(error), error.args, error.code, error.detail) == (failures.ReducesToCall, ("code 1",), 1, [2])
    assert error.extra == ["more"]
    error = error_of(pool, failures.fail_with_extra_attribute, "Reduces", 1, detail=[2])
    assert (type(error), error.args, error.code, error.detail) == (failures.Reduces, ("1: [2]",), 1, [2])
    assert error.extra == ["more"]


def test_a_reduction_that_cannot_cross_costs_only_what_cannot(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_reduction_that_cannot_cross)
    assert (type(error), error.args, error.code) == (failures.ReducesToCall, ("code 4",), 4)
    assert not hasattr(error, "detail")
    assert error.__notes__ == ["attribute 'detail': generator objects cannot cross interpreters; it was left out"]


def test_an_attribute_that_was_left_out_is_not_there(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_handle_in_init)
    assert (type(error), error.args) == (failures.Holding, ("holding",))
    assert not hasattr(error, "handle")


def test_a_message_that_cannot_cross_reads_the_same(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_rows_that_cannot_cross, "what happened")
    assert str(error) == "what happened"
    assert "args[0].lines: generator objects cannot cross interpreters" in error.__notes__[0]


def test_what_an_exception_shares_stays_shared(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_shared_list)
    assert error.args[0] == [1]
    assert error.args[0] is error.code is error.rows is error.again


def test_an_exception_that_refers_to_itself_still_does(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_itself_as_attribute)
    assert (type(error), error.code) == (failures.KeywordOnly, 3)
    assert error.me is error.all[0] is error.by_name["me"] is error


def test_a_cause_among_the_attributes_is_that_cause(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_cause_in_attributes)
    assert (type(error.__cause__), error.__cause__.code) == (failures.KeywordOnly, 4)
    assert error.original is error.args[1] is error.__cause__ is error.__context__


@pytest.mark.parametrize("where", ["args", "attributes"])
def test_what_cannot_be_made_at_home_costs_only_itself(pool: InterpreterThreadPoolExecutor, where: str) -> None:
    error = error_of(pool, failures.fail_with_what_home_cannot_make, where)
    assert (type(error), error.args[0], error.kept) == (ValueError, "kept", {"rows": [1, 2]})
    named = "args[1]" if where == "args" else "attribute 'foreign'"
    assert len(error.__notes__) == 1
    assert error.__notes__[0].startswith(f"{named} could not be rebuilt here: LookupError: not here")


def test_an_interpreter_error_has_the_attributes_of_what_it_stands_for(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_attributes_of_local_class)
    assert (type(error), error.code, error.errno) == (InterpreterError, 7, 7)
    assert (error.filename, error.__notes__) == ("file", ["a note"])
    error = error_of(pool, failures.fail_with_local_group)
    members = [type(member) for member in error.exceptions]
    assert (type(error), members) == (InterpreterError, [ValueError, failures.Custom])


def test_a_hidden_context_is_kept_and_stays_hidden(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_from_none)
    assert error.__suppress_context__
    assert (type(error.__context__), error.__context__.args) == (ValueError, ("no such row: 3",))
    assert "no such row" not in printed(error)
    assert not error_of(pool, failures.fail_while_handling).__suppress_context__


def test_groups_keep_notes_attributes_and_what_their_members_share(pool: InterpreterThreadPoolExecutor) -> None:
    outer = error_of(pool, failures.fail_with_noted_groups)
    inner, first, second = outer.exceptions
    assert (outer.__notes__, inner.__notes__, first.__notes__) == (["of outer"], ["of inner"], ["of first"])
    assert (type(inner), inner.code, type(inner.derive([first]))) == (failures.OwnGroup, 5, failures.OwnGroup)
    assert inner.exceptions[0] is first
    assert first.__cause__ is second.__cause__
    assert first.__cause__.filename == "file"


@pytest.mark.parametrize(
    "fail",
    [
        failures.fail_below,
        failures.fail_with_cause,
        failures.fail_while_handling,
        failures.fail_with_group,
        failures.fail_with_noted_groups,
        failures.fail_with_local_class,
        failures.fail_in_inner_pool,
        failures.fail_in_group_of_inner_pool,
    ],
)
def test_the_remote_traceback_is_printed_once(pool: InterpreterThreadPoolExecutor, fail: Callable[[], Any]) -> None:
    error = error_of(pool, fail)
    text, remote = printed(error), str(innermost_cause(error))
    assert text.count(remote) == 1
    for name in (fail.__name__, "fail_in_the_third_line"):
        assert text.count(f"in {name}\n") == remote.count(f"in {name}\n")
    assert f"in {fail.__name__}\n" in remote
    assert text.count("in fail_in_the_third_line\n") <= 1
    assert "\n\n\n" not in text


def test_a_failure_in_a_pool_of_a_worker_shows_the_lines_of_both(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_in_inner_pool)
    text = printed(error)
    assert (type(error), type(error.__cause__)) == (LookupError, ValueError)
    for name, times in [("fail_in_inner_pool", 1), ("fail_with_cause", 2), ("fail_in_the_third_line", 1)]:
        assert text.count(f"in {name}\n") == times


def test_an_exception_that_cannot_be_looked_at_shows_its_lines(pool: InterpreterThreadPoolExecutor) -> None:
    error = error_of(pool, failures.fail_with_own, "LooksAway", "never seen")
    assert type(error) is failures.LooksAway
    remote = BaseException.__dict__["__cause__"].__get__(error)
    assert "raise globals()[name](*args, **kwargs)" in str(remote)
    assert "Traceback (most recent call last):" in str(remote)
