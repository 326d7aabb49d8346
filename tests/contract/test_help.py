"""What help() and others say of tagged functions and of an executor's methods."""

import inspect
import pydoc
import re
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, SharedBuffer, anyio, executors, interpreter, runner
from aiointerpreters.types import RunFuture


@interpreter
def described(number: int, *, by: int = 2) -> int:
    """Multiply a number."""
    return number * by


class Described:
    """Has a tagged method."""

    @interpreter
    def method(self, number: int) -> int:
        """Return the number."""
        return number


@pytest.mark.parametrize(
    ("tagged", "text"),
    [
        (described, "Multiply a number."),
        (interpreter(sorted), sorted.__doc__),
        (Described.method, "Return the number."),
        (Described().method, "Return the number."),
        (interpreter(lambda: None), None),
    ],
)
def test_doc_is_the_callable_s_wherever_it_is_looked_up(tagged: Any, text: str | None) -> None:
    assert tagged.__doc__ == text
    assert object.__getattribute__(tagged, "__doc__") == text
    assert inspect.getdoc(tagged) == (text and inspect.cleandoc(text))


def test_help_shows_signature_and_text() -> None:
    said = pydoc.plain(pydoc.render_doc(described))
    assert "described(number: int, *, by: int = 2) -> int" in said
    assert "Multiply a number." in said
    said = pydoc.plain(pydoc.render_doc(Described))
    assert "method(self, number: int) -> int" in said
    assert "Return the number." in said
    said = pydoc.plain(pydoc.render_doc(interpreter))
    assert "Tag a callable" in said


def test_the_tag_has_a_text_of_its_own() -> None:
    assert interpreter.__doc__ is not None
    assert interpreter.__doc__.startswith("Tag a callable")
    assert str(inspect.signature(interpreter)) == "(fn=None, *, fallback=None, lane=None)"


@pytest.mark.parametrize("name", ["submit", "run"])
def test_bound_methods_of_an_executor_describe_themselves(name: str) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        bound, unbound = getattr(pool, name), getattr(InterpreterThreadPoolExecutor, name)
        assert bound.__doc__ == unbound.__doc__
        assert bound.__doc__.strip()
        assert str(inspect.signature(bound)) == "(fn, /, *args, **kwargs)"
        assert str(inspect.signature(unbound)) == "(self, fn, /, *args, **kwargs)"
        assert bound.__doc__.splitlines()[0] in pydoc.plain(pydoc.render_doc(bound))


@pytest.mark.parametrize(
    "described",
    [
        InterpreterThreadPoolExecutor.__init__,
        InterpreterThreadPoolExecutor.submit,
        InterpreterThreadPoolExecutor.run,
        InterpreterThreadPoolExecutor.map,
        InterpreterThreadPoolExecutor.shutdown,
        InterpreterThreadPoolExecutor.set_as_event_loop_default,
        Runner.__init__,
        Runner.run,
        Runner.map,
        Runner.run_module_function,
        runner.get_module_info,
        anyio.run_sync,
        anyio.current_default_interpreter_limiter,
        executors.Future.interrupt,
        executors.Future.result,
        executors.Future.exception,
        executors.Future.cancel,
        executors.Future.add_done_callback,
        executors.Future.set_running_or_notify_cancel,
        executors.Future.set_result,
        executors.Future.set_exception,
        RunFuture.cancel,
        RunFuture.add_done_callback,
        interpreter,
        interpreter.with_context,
        SharedBuffer,
    ],
)
def test_a_text_describes_each_parameter_and_has_the_sections_in_order(described: Callable[..., Any]) -> None:
    text = inspect.getdoc(described) or ""
    assert re.match(r"[A-Z].*\.\n", f"{text}\n"), "the first line is a sentence"
    sections = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert sections == [name for name in ("Args", "Returns", "Raises") if name in sections]
    arguments = re.search(r"^Args:\n((?:    .*\n|\n)+)", f"{text}\n", re.MULTILINE)
    names = re.findall(r"^    (\w+): [A-Z]", arguments[1], re.MULTILINE) if arguments else []
    assert names == [name for name in inspect.signature(described).parameters if name != "self"]
