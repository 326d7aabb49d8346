"""If a value cannot cross, the future raises an error with the path to that value."""

import functools
import json
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterError, InterpreterThreadPoolExecutor, NotTransferableError, interpreter
from support import shapes, variables, work
from support.protocols import MakePool

LOCK = threading.Lock()


def generator() -> Any:
    """The usual example of an object that cannot be pickled."""
    return (i for i in range(3))


def refusal(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
    """Submit, and return the text of the refusal."""
    future = pool.submit(interpreter(fn), *args, **kwargs)
    with pytest.raises(NotTransferableError) as caught:
        future.result()
    assert future.exception() is caught.value
    return str(caught.value)


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ((generator(),), "argument 0"),
        ((1, generator()), "argument 1"),
        (([generator()],), "argument 0[0]"),
        ((0, {"rows": [0, 1, 2, generator()]}), "argument 1['rows'][3]"),
        (({7: (1, generator())},), "argument 0[7][1]"),
        (({"a": {"b": {"c": generator()}}},), "argument 0['a']['b']['c']"),
        ((0, 0, 0, ([[0, [generator()]]],)), "argument 3[0][0][1][0]"),
        ((shapes.Box([0, 1, generator()]),), "argument 0.items[2]"),
        (([shapes.Box({"k": generator()})],), "argument 0[0].items['k']"),
        ((shapes.Box(shapes.Box(generator())),), "argument 0.items.items"),
        ((shapes.Slotted(1, [generator()]),), "argument 0.right[0]"),
        ((functools.partial(work.echo_call, 1, [generator()]),), "argument 0.args[1][0]"),
        (([functools.partial(work.echo_call, rows=generator())],), "argument 0[0].keywords['rows']"),
        ((ValueError("text", generator()),), "argument 0.args[1]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_refusal_of_an_argument_names_the_path(
    pool: InterpreterThreadPoolExecutor, args: tuple[Any, ...], path: str
) -> None:
    assert refusal(pool, work.echo_call, *args) == f"{path}: generator objects cannot cross interpreters"


@pytest.mark.parametrize(
    ("kwargs", "path"),
    [
        ({"rows": generator()}, "argument 'rows'"),
        ({"first": 1, "rows": [0, generator()]}, "argument 'rows'[1]"),
        ({"rows": {"k": shapes.Box([generator()])}}, "argument 'rows'['k'].items[0]"),
    ],
    ids=["itself", "item", "deep"],
)
def test_the_refusal_of_a_keyword_argument_names_it(
    pool: InterpreterThreadPoolExecutor, kwargs: dict[str, Any], path: str
) -> None:
    assert refusal(pool, work.echo_call, 1, **kwargs) == f"{path}: generator objects cannot cross interpreters"


@pytest.mark.parametrize(
    ("fn", "path"),
    [
        (shapes.make_generator, "result"),
        (shapes.make_rows_with_generator, "result['rows'][1][1]"),
        (shapes.make_box_with_generator, "result.items[2]"),
    ],
    ids=["itself", "item", "attribute"],
)
def test_the_refusal_of_a_result_names_the_path(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], path: str
) -> None:
    assert refusal(pool, fn) == f"{path}: generator objects cannot cross interpreters"


def test_a_value_inside_a_set_or_a_key_is_named_by_its_type(pool: InterpreterThreadPoolExecutor) -> None:
    for holder in ({generator()}, frozenset([generator()]), {generator(): 1}):
        text = refusal(pool, work.echo, holder)
        assert text.startswith("argument 0")
        assert "generator objects cannot cross interpreters" in text


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (threading.Lock, "lock"),
        (threading.Event, "lock"),
        (lambda: sys.__stderr__, "TextIOWrapper"),
        (lambda: work, "module"),
        (lambda: generator().gi_frame, "frame"),
        (threading.current_thread, "lock|Thread"),
        (shapes.Locked, "lock"),
    ],
    ids=["lock", "event", "file", "module", "frame", "thread", "object with a lock"],
)
def test_what_cannot_be_pickled_is_named_by_its_type(
    pool: InterpreterThreadPoolExecutor, make: Callable[[], Any], name: str
) -> None:
    with pytest.raises(NotTransferableError, match=f"^argument 0.*({name})"):
        pool.submit(interpreter(work.nothing), make()).result()


def test_an_argument_that_raises_while_it_is_pickled_is_refused_with_the_reason(
    pool: InterpreterThreadPoolExecutor,
) -> None:
    future = pool.submit(interpreter(work.nothing), 0, [shapes.FailsToPickle()])
    error = future.exception()
    assert isinstance(error, NotTransferableError)
    assert str(error).startswith("argument 1[0]: ")
    assert "this one stays at home" in f"{error} {error.__cause__}"


def test_the_error_is_a_type_error_and_an_interpreter_error(pool: InterpreterThreadPoolExecutor) -> None:
    for kind in (NotTransferableError, InterpreterError, TypeError):
        with pytest.raises(kind):
            pool.submit(interpreter(work.nothing), generator()).result()


@pytest.mark.parametrize(
    "make",
    [
        lambda: interpreter(shapes.Locked().method),
        lambda: interpreter(shapes.Locked()),
        lambda: interpreter(functools.partial(work.nothing, generator())),
        lambda: functools.partial(interpreter(work.nothing), generator()),
        lambda: interpreter(lambda lock=LOCK: lock),
        lambda: interpreter((lambda lock: lambda: lock)(threading.Lock())),
    ],
    ids=["method", "instance", "tagged partial", "partial of tagged", "default", "closure"],
)
def test_a_function_that_cannot_cross_is_refused_in_the_future(
    pool: InterpreterThreadPoolExecutor, make: Callable[[], Callable[..., Any]]
) -> None:
    future = pool.submit(make())
    assert isinstance(future.exception(), NotTransferableError)


def test_a_refused_call_never_runs(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.remember), "ran", generator()).exception()
    assert pool.submit(interpreter(work.recall), "ran").result() is None


def test_refused_futures_are_done_like_any_other(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(work.nothing), generator())
    seen: list[Any] = []
    assert isinstance(future.exception(), NotTransferableError)
    future.add_done_callback(seen.append)
    assert seen == [future]
    assert future.done()
    assert not future.cancel()
    assert not future.cancelled()


def test_map_refuses_in_order(pool: InterpreterThreadPoolExecutor) -> None:
    results = pool.map(interpreter(work.echo), [1, 2, generator(), 4])
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(NotTransferableError, match="generator objects cannot cross interpreters"):
        next(results)


def test_an_argument_that_cannot_be_made_again_fails_with_its_own_error(pool: InterpreterThreadPoolExecutor) -> None:
    error = pool.submit(interpreter(work.nothing), shapes.FailsToUnpickle()).exception()
    assert error is not None
    assert "this one cannot be made again" in f"{error} {error.__cause__}"


def test_a_result_that_cannot_be_made_again_fails_with_its_own_error(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(shapes.make_fails_to_unpickle))
    error = future.exception()
    assert error is not None
    assert "this one cannot be made again" in f"{error} {error.__cause__}"
    assert future.exception() is error
    assert future.done()
    with pytest.raises(type(error)):
        future.result()


def test_a_pool_and_its_futures_cannot_cross(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(work.square), 3)
    assert refusal(pool, work.echo, 0, future).startswith("argument 1: ")
    assert refusal(pool, work.echo, [pool]).startswith("argument 0[0]: ")
    assert future.result() == 9


def test_untagged_calls_refuse_nothing(pool: InterpreterThreadPoolExecutor) -> None:
    value = generator()
    assert pool.submit(work.echo, value).result() is value


def make_local(where: str) -> Any:
    """An object of a local class. It cannot cross because of an attribute of its class."""
    lock = threading.Lock()

    class Base:
        held = lock if where == "base" else None

    class Local(Base):
        rows: Any = [1, {"lock": lock}] if where == "class" else None

        def method(self) -> Any:
            return lock if where == "method" else None

    if where != "method":
        del Local.method
    return Local()


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("class", "argument 1.__class__.rows[1]['lock']"),
        ("base", "argument 1.__class__.__bases__[0].held"),
        ("method", "argument 1.__class__.method variable 'lock'"),
    ],
)
def test_what_stands_in_a_local_class_is_named(pool: InterpreterThreadPoolExecutor, where: str, path: str) -> None:
    assert refusal(pool, work.echo_call, 0, make_local(where)).startswith(f"{path}: _thread.lock objects cannot cross")


def test_a_variable_of_a_function_is_named(pool: InterpreterThreadPoolExecutor) -> None:
    rows = [1, generator()]
    assert refusal(pool, lambda: rows) == "function variable 'rows'[1]: generator objects cannot cross interpreters"
    text = refusal(pool, work.echo, [lambda rows=rows: rows])
    assert text == "argument 0[0].__defaults__[0][1]: generator objects cannot cross interpreters"


def wrapping_class(wrap: Callable[..., Any]) -> Any:
    """An object of a local class with two methods that something wraps. One of them cannot cross."""
    lock = threading.Lock()

    class Local:
        fine = wrap(lambda self: json.dumps(self))
        method = wrap(lambda self: lock)

    return Local()


@pytest.mark.parametrize(
    ("wrap", "step"),
    [
        (property, ".fget"),
        (classmethod, ".__wrapped__"),
        (staticmethod, ".__wrapped__"),
        (functools.cache, ".__wrapped__"),
        (functools.cached_property, ".func"),
        (functools.partialmethod, ".func"),
    ],
)
def test_what_stands_in_a_wrapped_method_is_named(
    pool: InterpreterThreadPoolExecutor, wrap: Callable[..., Any], step: str
) -> None:
    path = f"argument 0.__class__.method{step} variable 'lock'"
    assert refusal(pool, work.echo, wrapping_class(wrap)) == f"{path}: _thread.lock objects cannot cross interpreters"


def test_a_global_of_code_inside_a_function_is_named(pool: InterpreterThreadPoolExecutor) -> None:
    def outer() -> Any:
        return lambda: (json.dumps(1), LOCK)

    assert refusal(pool, outer) == "function variable 'LOCK': _thread.lock objects cannot cross interpreters"


def test_what_stands_in_a_local_metaclass_is_named(pool: InterpreterThreadPoolExecutor) -> None:
    class Meta(type):
        held = LOCK

    class Local(metaclass=Meta):
        pass

    text = refusal(pool, work.echo, Local())
    assert text == "argument 0.__class__.__class__.held: _thread.lock objects cannot cross interpreters"


def test_an_argument_whose_module_a_worker_lacks_is_named(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = types.ModuleType("only_at_home")
    exec("class Row: pass", vars(module))
    monkeypatch.setitem(sys.modules, "only_at_home", module)
    for args, kwargs, path in [
        ((0, {"rows": [1, 2, 3, module.Row()]}), {}, "argument 1['rows'][3]"),
        ((shapes.Box([module.Row()]),), {}, "argument 0.items[0]"),
        ((1,), {"row": module.Row()}, "argument 'row'"),
        ((module.Row,), {}, "argument 0"),
    ]:
        error = pool.submit(interpreter(work.echo_call), *args, **kwargs).exception()
        assert type(error) is ModuleNotFoundError
        assert error.name == "only_at_home"
        reason = "No module named 'only_at_home'"
        assert str(error) == f"{path} needs 'Row' of module 'only_at_home', which is not available in the worker: {reason}"
        assert isinstance(error.__cause__, ModuleNotFoundError)
        assert str(error.__cause__) == reason


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that workers do not have."""
    module: Any = types.ModuleType("only_at_home")
    exec("class Row: pass", vars(module))
    monkeypatch.setitem(sys.modules, "only_at_home", module)
    return module


MISSING = "needs 'Row' of module 'only_at_home', which is not available in the worker: No module named 'only_at_home'"


def test_an_argument_of_an_initializer_whose_module_a_worker_lacks_is_named(make_pool: MakePool, at_home: Any) -> None:
    pool = make_pool(1, initializer=interpreter(work.nothing), initargs=(1, [at_home.Row()]))
    error = pool.submit(interpreter(work.nothing)).exception()
    assert error is not None
    assert type(error.__cause__) is ModuleNotFoundError
    assert str(error.__cause__) == f"argument 1[0] {MISSING}"


def test_a_context_variable_whose_module_a_worker_lacks_is_named(make_pool: MakePool, at_home: Any) -> None:
    pool = make_pool(1, context_vars=[variables.request])
    token = variables.request.set({"rows": at_home.Row()})
    error = pool.submit(interpreter(work.nothing)).exception()
    variables.request.reset(token)
    assert type(error) is ModuleNotFoundError
    assert str(error) == f"context variables['support.variables:request']['rows'] {MISSING}"


def test_a_result_whose_module_home_lacks_is_named(pool: InterpreterThreadPoolExecutor) -> None:
    error = pool.submit(interpreter(shapes.make_of_a_module), "only_in_the_worker").exception()
    assert isinstance(error, InterpreterError)
    assert (
        "result['rows'][1] needs 'Row' of module 'only_in_the_worker', which is not available in the main interpreter"
        in str(error)
    )
    assert isinstance(error.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "type_", "reason"),
    [
        ("raise ImportError('no subinterpreters', name='it')", ImportError, "no subinterpreters"),
        ("raise LookupError('nothing there')", LookupError, "nothing there"),
        ("", AttributeError, ""),
    ],
)
def test_an_argument_whose_module_fails_in_a_worker_is_named(
    pool: InterpreterThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
    type_: type[Exception],
    reason: str,
) -> None:
    name = f"fails_by_{type_.__name__}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = types.ModuleType(name)
    exec("class Row: pass", vars(module))
    monkeypatch.setitem(sys.modules, name, module)
    error = pool.submit(interpreter(work.echo_call), 1, row=[module.Row()]).exception()
    assert type(error) is type_
    assert str(error).startswith(
        f"argument 'row'[0] needs 'Row' of module '{name}', which is not available in the worker: {reason}"
    )
    assert type(error.__cause__) is type_


def test_an_exception_that_only_its_class_can_make_gets_a_note(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "fails_oddly.py").write_text("raise OSError(2, 'not there', 'a file')")
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = types.ModuleType("fails_oddly")
    exec("class Row: pass", vars(module))
    monkeypatch.setitem(sys.modules, "fails_oddly", module)
    error = pool.submit(interpreter(work.echo), module.Row()).exception()
    assert isinstance(error, FileNotFoundError)
    assert error.filename == "a file"
    assert error.__notes__ == ["argument 0 needs 'Row' of module 'fails_oddly', which is not available in the worker"]
