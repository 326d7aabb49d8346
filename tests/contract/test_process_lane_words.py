"""Calls in other processes raise, log, warn and print as calls in interpreters do, and follow the same state of home."""

import contextlib
import io
import logging
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import interpreter
from aiointerpreters.errors import RemoteTraceback
from support import failures, scripts, state, words
from support.heard import Collector
from support.protocols import MakePool

NAME = "AIOINTERPRETERS_TEST_VARIABLE"


def in_process(fn: Any) -> Any:
    """Tag a function for processes."""
    return interpreter(fn, lane="process")


class TestExceptions:
    """They arrive as from interpreters."""

    @pytest.mark.parametrize("fn", [
        failures.fail_with_custom, failures.fail_with_keyword_only_code, failures.fail_with_two_arguments,
        failures.fail_with_strict_new, failures.fail_with_group, failures.fail_with_cause, failures.fail_while_handling,
        failures.fail_with_notes, failures.fail_from_none, failures.fail_with_unpicklable_attribute,
        failures.open_missing_file, failures.fail_with_itself_as_attribute,
    ])  # fmt: skip
    def test_whatever_their_constructor_needs(self, make_pool: MakePool, fn: Callable[[], Any]) -> None:
        pool = make_pool(1)
        here = pool.submit(interpreter(fn)).exception()
        there = pool.submit(in_process(fn)).exception()
        assert describe(there) == describe(here)

    def test_members_of_groups_are_their_own_class(self, make_pool: MakePool) -> None:
        def fail() -> None:
            raise ExceptionGroup("several", [failures.KeywordOnly(code=7), ValueError("other")])

        error = make_pool(1).submit(in_process(fail)).exception()
        assert isinstance(error, ExceptionGroup)
        member = error.exceptions[0]
        assert isinstance(member, failures.KeywordOnly)
        assert member.code == 7

    def test_large_attributes(self, make_pool: MakePool) -> None:
        def fail() -> None:
            error = ValueError("large")
            error.content = b"x" * 200_000  # type: ignore[attr-defined]
            raise error

        error: Any = make_pool(1).submit(in_process(fail)).exception()
        assert error.content == b"x" * 200_000

    def test_of_a_class_that_was_typed(self) -> None:
        scripts.run_python(
            "-c",
            """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Odd(Exception):
    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code = code

@interpreter(lane="process")
def fail():
    raise Odd(3, "typed")

with InterpreterThreadPoolExecutor(1) as executor:
    error = executor.submit(fail).exception()
    print(type(error) is Odd, error, error.code)
""",
        ).check("True 3: typed 3")


def describe(error: BaseException | None) -> Any:
    """Return what a user sees of an exception, except where its worker ran."""
    if error is None or isinstance(error, RemoteTraceback):
        return type(error)
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    attributes = {name: value if value is not error else "itself" for name, value in vars(error).items()}
    return (
        type(error),
        str(error),
        repr(error.args),
        {name: repr(value) for name, value in attributes.items()},
        describe(error.__cause__),
        describe(error.__context__),
        error.__suppress_context__,
        [describe(member) for member in members],
    )


class TestLogging:
    """Records reach home's handlers."""

    def test_before_the_result_and_in_their_order(self, make_pool: MakePool, heard: Collector) -> None:
        pool = make_pool(1)
        pool.submit(in_process(words.say_many), 300, "record").result()
        assert heard.texts == [f"record {number}" for number in range(300)]

    def test_levels_are_those_of_home(self, make_pool: MakePool, heard: Collector) -> None:
        pool = make_pool(1)
        pool.submit(in_process(words.say), logging.DEBUG, "not wanted").result()
        pool.submit(in_process(words.say), logging.INFO, "wanted %d", 1).result()
        logging.getLogger("support.words").setLevel(logging.ERROR)
        pool.submit(in_process(words.say), logging.WARNING, "no longer").result()
        assert heard.texts == ["wanted 1"]

    def test_all_of_a_record(self, make_pool: MakePool, heard: Collector) -> None:
        pool = make_pool(1, thread_name_prefix="images")
        pool.submit(in_process(words.fail)).result()
        pool.submit(in_process(words.say_unsendable)).result()
        failed, unsendable = heard.records
        assert failed.exc_text is not None
        assert "no such word" in failed.exc_text
        assert failed.exc_info is not None
        assert isinstance(failed.exc_info[1], LookupError)
        assert failed.process != os.getpid()
        assert failed.processName == failed.threadName
        assert str(failed.threadName).startswith("images_process-")
        assert unsendable.getMessage() == "it is <Unsendable>"
        assert vars(unsendable)["thing"] == "<Unsendable>"
        assert vars(unsendable)["number"] == 5

    def test_a_record_arrives_although_its_process_crashes(self, make_pool: MakePool, heard: Collector) -> None:
        def fail() -> None:
            words.say(logging.ERROR, "about to crash")
            os._exit(3)

        assert make_pool(1).submit(in_process(fail)).exception() is not None
        assert heard.texts == ["about to crash"]

    def test_a_handler_may_wait_for_calls(self, make_pool: MakePool, heard: Collector) -> None:
        pool = make_pool(1, max_processes=1)
        results: list[int] = []
        is_done = threading.Event()

        class Calling(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                results.append(pool.submit(in_process(len), record.getMessage()).result())
                is_done.set()

        handler = Calling()
        logging.getLogger("support.words").addHandler(handler)
        try:
            pool.submit(in_process(words.say), logging.INFO, "four").result()
            assert is_done.wait(60)
        finally:
            logging.getLogger("support.words").removeHandler(handler)
        assert results == [4]

    def test_own_logging_stays_there(self, make_pool: MakePool, heard: Collector) -> None:
        make_pool(1, logging="own").submit(in_process(words.say), logging.CRITICAL, "stays").result()
        assert heard.texts == []


class TestWarnings:
    """Warnings are home's, with home's filters."""

    def test_they_are_caught_at_home(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        with pytest.warns(words.OwnWarning, match="careful"):
            pool.submit(in_process(words.warn), "careful", words.OwnWarning).result()

    def test_filters_of_home_apply_there(self, make_pool: MakePool) -> None:
        def fail() -> None:
            warnings.warn("careful", UserWarning, stacklevel=1)

        pool = make_pool(1)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            assert isinstance(pool.submit(in_process(fail)).exception(), UserWarning)


class TestOutput:
    """`output="forward"` brings it to home's streams."""

    def test_it_is_there_when_the_result_is(self, make_pool: MakePool) -> None:
        pool = make_pool(1, output="forward")
        with contextlib.redirect_stdout(io.StringIO()) as captured:
            for number in range(3):
                pool.submit(in_process(print), number).result()
        assert captured.getvalue() == "0\n1\n2\n"

    def test_much_of_it(self, make_pool: MakePool) -> None:
        pool = make_pool(1, output="forward")
        with contextlib.redirect_stdout(io.StringIO()) as captured:
            pool.submit(in_process(print), "x" * 1_000_000).result()
        assert captured.getvalue() == "x" * 1_000_000 + "\n"

    def test_of_a_process_that_the_function_has_forked(self, tmp_path: Path) -> None:
        scripts.run_script(
            tmp_path,
            """
            import os
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

            @interpreter(lane="process")
            def work():
                child = os.fork()
                if child == 0:
                    print("from the child", flush=True)
                    os._exit(0)
                os.waitpid(child, 0)

            if __name__ == "__main__":
                with InterpreterThreadPoolExecutor(1, output="forward") as executor:
                    executor.submit(work).result()
            """,
        ).check("from the child")


class TestState:
    """Changes at home arrive before the next call."""

    def test_environment_variables(self, make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
        pool = make_pool(1)
        for value in ("one", "two", "\udcff"):
            monkeypatch.setenv(NAME, value)
            assert pool.submit(in_process(state.variable), NAME).result() == value
        monkeypatch.delenv(NAME)
        assert pool.submit(in_process(state.variable), NAME).result() is None

    def test_what_a_function_sets_there_stays(self, make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
        pool = make_pool(1, max_processes=1)
        pool.submit(in_process(set_variable), NAME, "theirs").result()
        monkeypatch.setenv(NAME + "_OTHER", "mine")
        assert pool.submit(in_process(state.variable), NAME).result() == "theirs"
        assert NAME not in os.environ

    def test_the_working_directory(self, make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pool = make_pool(1)
        assert pool.submit(in_process(os.getcwd)).result() == os.getcwd()
        monkeypatch.chdir(tmp_path)
        assert pool.submit(in_process(os.getcwd)).result() == str(tmp_path)


def set_variable(name: str, value: str) -> None:
    """Set an environment variable."""
    os.environ[name] = value
