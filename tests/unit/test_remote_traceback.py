"""A worker's traceback is text that home creates when it is read: its content, and its cost if it is never read."""

import copy
import io
import linecache
import logging
import pickle
import random
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, _traceback_text, interpreter
from aiointerpreters.errors import RemoteTraceback
from support import failures, tracebacks
from support.protocols import MakePool


@pytest.fixture(scope="module")
def own_pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """A pool of one worker."""
    with InterpreterThreadPoolExecutor(1) as pool:
        yield pool


def remote_of(error: BaseException | None) -> RemoteTraceback:
    """The innermost cause."""
    while error is not None and not isinstance(error, RemoteTraceback):
        error = BaseException.__dict__["__cause__"].__get__(error)
    assert error is not None
    return error


def remote_error(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> RemoteTraceback:
    """The remote traceback of a tagged call that fails."""
    return remote_of(pool.submit(interpreter(fn), *args, **kwargs).exception())


@pytest.mark.parametrize("name", tracebacks.SHAPES)
def test_home_prints_what_the_worker_would_print(own_pool: InterpreterThreadPoolExecutor, name: str) -> None:
    remote = remote_error(own_pool, tracebacks.meet, name, is_formatted=False)
    again = remote_error(own_pool, tracebacks.meet, name, is_formatted=True)
    expected = "\n" + own_pool.submit(interpreter(tracebacks.last_text)).result().removesuffix("\n")
    own_pool.submit(interpreter(exec), "import sys\nvars(sys).pop('tracebacklimit', None)").result()
    assert str(remote) == expected
    assert str(again) == expected


def test_there_are_no_colours_in_it(own_pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    remote = remote_error(own_pool, failures.fail_with_group)
    assert "\x1b" not in str(remote)


def test_a_limit_at_home_does_not_cut_it(own_pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)
    assert "in fail_in_the_third_line" in str(remote_error(own_pool, failures.fail_below))


MODULES = (
    "sorted({'traceback', 'linecache', 'tokenize', 'aiointerpreters._traceback_text'} & set(__import__('sys').modules))"
)


def test_a_worker_whose_call_fails_imports_nothing_for_it(make_pool: MakePool) -> None:
    pool = make_pool(1)
    before = pool.submit(interpreter(eval), MODULES).result()
    assert type(pool.submit(interpreter(eval), "1 / 0").exception()) is ZeroDivisionError
    assert pool.submit(interpreter(eval), MODULES).result() == before


def test_home_makes_the_text_only_when_it_is_read(
    own_pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    format_trace = _traceback_text.format_trace

    def count(trace: Any) -> str:
        made.append(trace)
        return format_trace(trace)

    monkeypatch.setattr(_traceback_text, "format_trace", count)
    remote = remote_error(own_pool, failures.fail_below)
    assert not made
    assert str(remote) == str(remote)
    assert remote.args == (str(remote),)
    assert len(made) == 1


@pytest.mark.parametrize(
    "read",
    [
        str,
        lambda remote: remote.args[0],
        lambda remote: eval(repr(remote)).args[0],
        lambda remote: str(pickle.loads(pickle.dumps(remote))),
        lambda remote: str(copy.copy(remote)),
        lambda remote: str(copy.deepcopy(remote)),
        lambda remote: remote.__reduce__()[1][0],
        lambda remote: str(remote.with_traceback(None)),
        lambda remote: f"{remote}",
    ],
)
def test_each_way_to_read_it_gives_the_text(
    own_pool: InterpreterThreadPoolExecutor, read: Callable[[RemoteTraceback], str]
) -> None:
    text = read(remote_error(own_pool, failures.fail_below))
    assert text.startswith("\nTraceback (most recent call last):\n")
    assert text.endswith("ValueError: no such row: 3")


def test_it_is_an_exception_like_others(own_pool: InterpreterThreadPoolExecutor) -> None:
    remote: Any = remote_error(own_pool, failures.fail_below)
    remote.args = ("other",)
    assert (str(remote), remote.args) == ("other", ("other",))
    assert str(RemoteTraceback("by hand")) == "by hand"
    assert repr(RemoteTraceback("a", 1)) == "RemoteTraceback('a', 1)"
    remote.extra = 1
    remote.add_note("note")
    assert vars(pickle.loads(pickle.dumps(remote))) == {"extra": 1, "__notes__": ["note"]}
    reference = weakref.ref(remote)
    del remote
    assert reference() is None


def test_logging_shows_it(own_pool: InterpreterThreadPoolExecutor) -> None:
    stream = io.StringIO()
    logger = logging.Logger("own")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("failed", exc_info=own_pool.submit(interpreter(failures.fail_below)).exception())
    assert "in fail_in_the_third_line" in stream.getvalue()


def test_it_crosses_again_as_text(own_pool: InterpreterThreadPoolExecutor) -> None:
    text = str(remote_error(own_pool, failures.fail_below))
    error = own_pool.submit(interpreter(failures.fail), remote_error(own_pool, failures.fail_below)).exception()
    assert type(error) is RemoteTraceback
    assert str(error) == text
    assert text in str(remote_of(error.__cause__))


def test_a_cell_of_a_notebook_shows_its_lines(
    own_pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "def fail(x):\n    return 1 / x\n"
    monkeypatch.setitem(linecache.cache, "<cell 7>", (len(source), None, source.splitlines(keepends=True), "<cell 7>"))
    names: dict[str, Any] = {"__name__": "a_notebook"}
    exec(compile(source, "<cell 7>", "exec"), names)
    remote = remote_error(own_pool, names["fail"], 0)
    assert '  File "<cell 7>", line 2, in fail\n    return 1 / x\n' in str(remote)


def test_the_lines_are_those_of_the_file_when_it_is_read(
    make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(1)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "changing_module.py"
    path.write_text("def fail():\n    return 1 / 0  # before\n")
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    remote = remote_error(pool, namespace["fail"])
    path.write_text("def fail():\n    return 1 / 0  # after it\n")
    assert "# after it" in str(remote)
    path.write_text("def fail():\n    return 1 / 0  # still later\n")
    assert "# after it" in str(remote)


def random_value(choose: random.Random, depth: int = 0) -> object:
    """Any object that a message may have in place of a trace."""
    kind = choose.randrange(8 if depth < 4 else 5)
    if kind < 5:
        return choose.choice([None, True, -1, 0, 1, 7, 1 << 70, 2.5, "", "x", "<string>", "builtins", b"x"])
    items = [random_value(choose, depth + 1) for _ in range(choose.randrange(12))]
    return tuple(items) if kind < 7 else items


def test_a_trace_that_is_none_is_told_and_not_raised() -> None:
    choose = random.Random(7)
    frames = ("file.py", "f", 1, 1, 4, 9, None, 0)
    entry = ("builtins", "ValueError", "text", frames, ("note",), -1, -1, 0, None, None)
    assert _traceback_text.format_trace((entry,)).endswith("ValueError: text\nnote")
    for _ in range(3000):
        forged: Any = list(entry)
        forged[choose.randrange(len(entry))] = random_value(choose)
        trace: Any = choose.choice([(tuple(forged),), (tuple(forged), entry), random_value(choose)])
        assert isinstance(_traceback_text.format_trace(trace), str)


def test_nested_exceptions_are_printed_completely(own_pool: InterpreterThreadPoolExecutor) -> None:
    error = own_pool.submit(interpreter(failures.fail_with_many_causes), 900).exception()
    assert str(remote_of(error)).count("The above exception was the direct cause") == 900
    assert len(traceback.format_exception(error)) > 900
