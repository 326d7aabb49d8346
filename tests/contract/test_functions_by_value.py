"""A function by value means what it means at the moment of each submit, however often it was sent before."""

import collections.abc
import gc
import json
import sys
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import by_value, work
from support.by_value import LIMIT, Named, helper
from support.protocols import MakePool
from support.scripts import run_python, run_script

FACTOR = 2
PAIR: tuple[object, ...] = (1, "a")
LIST = [1, 2]
TABLE: dict[str, Any] = {"a": 1}


@pytest.fixture
def one(make_pool: MakePool) -> InterpreterThreadPoolExecutor:
    """A pool with one worker, so that a function meets the worker that had it before."""
    return make_pool(1)


def sent(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: object) -> Any:
    """Submit it, and return the result."""
    return pool.submit(interpreter(fn), *args).result()


def with_cell(value: Any) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """A function with a cell, and a function that changes the cell."""

    def change(new: Any) -> None:
        nonlocal value
        value = new

    return lambda: value, change


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("FACTOR", [3, 3.5, "three", None, True, b"3", 4j, ...]),
        ("PAIR", [(1, "a"), (1, "b"), ((1, 2), frozenset({3})), ()]),
        ("LIST", [[1], [1, 2, 3], {1: 2}, {1, 2}]),
        ("FACTOR", [work.square, lambda: 5, Named, json, len, interpreter(work.square)]),
    ],
)
def test_a_global_that_is_bound_anew(
    one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, name: str, values: list[Any]
) -> None:
    functions: dict[str, Callable[[], str]] = {
        "FACTOR": lambda: repr(FACTOR).split(" at ")[0],
        "PAIR": lambda: repr(PAIR),
        "LIST": lambda: repr(LIST),
    }
    fn = functions[name]
    assert sent(one, fn) == fn()
    for value in values:
        monkeypatch.setitem(globals(), name, value)
        assert sent(one, fn) == fn()
        assert sent(one, fn) == fn()


def test_a_global_that_disappears_and_returns(one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    fn = lambda: globals().get("FACTOR", "gone") if FACTOR_IS_USED else FACTOR  # noqa: E731
    monkeypatch.setitem(globals(), "FACTOR_IS_USED", True)
    assert sent(one, fn) == 2
    monkeypatch.delitem(globals(), "FACTOR")
    assert sent(one, fn) == "gone"
    monkeypatch.setitem(globals(), "FACTOR", 7)
    assert sent(one, fn) == 7


FACTOR_IS_USED = True


def test_mutable_globals_that_change_in_place(one: InterpreterThreadPoolExecutor) -> None:
    fn = lambda: (LIST, TABLE)  # noqa: E731
    assert sent(one, fn) == ([1, 2], {"a": 1})
    LIST.append(3)
    TABLE["a"] = [4]
    assert sent(one, fn) == ([1, 2, 3], {"a": [4]})
    TABLE["a"].append(5)
    assert sent(one, fn) == ([1, 2, 3], {"a": [4, 5]})
    del LIST[2:]
    TABLE["a"] = 1
    assert sent(one, fn) == ([1, 2], {"a": 1})


@pytest.mark.parametrize("values", [[1, 2], [[1], [2]], ["a", work.square, Named, lambda: 1, Named()]])
def test_a_cell_that_changes(one: InterpreterThreadPoolExecutor, values: list[Any]) -> None:
    fn, change = with_cell(0)
    describe: Callable[[], str] = lambda: repr(fn()).split(" at ")[0]  # noqa: E731
    assert sent(one, describe) == "0"
    for value in values:
        change(value)
        assert sent(one, describe) == describe()


def test_an_empty_cell_that_is_filled_later(one: InterpreterThreadPoolExecutor) -> None:
    def use() -> str:
        try:
            return later
        except NameError:
            return "empty"

    assert sent(one, use) == "empty"
    later = "full"
    assert sent(one, use) == "full"


def test_defaults_that_change(one: InterpreterThreadPoolExecutor) -> None:
    def fn(a: Any = 1, *, b: Any = 2) -> Any:
        return a, b

    assert sent(one, fn) == (1, 2)
    fn.__defaults__ = (3,)
    assert sent(one, fn) == (3, 2)
    assert fn.__kwdefaults__ is not None
    fn.__kwdefaults__["b"] = 4
    assert sent(one, fn) == (3, 4)
    fn.__kwdefaults__ = None
    assert isinstance(one.submit(interpreter(fn)).exception(), TypeError)
    fn.__defaults__ = ([5],)
    fn.__kwdefaults__ = {"b": helper}
    assert one.submit(interpreter(fn)).result()[0] == [5]
    fn.__defaults__[0].append(6)
    assert one.submit(interpreter(fn)).result()[0] == [5, 6]


def test_code_names_and_attributes_that_change(one: InterpreterThreadPoolExecutor) -> None:
    def fn() -> Any:
        """Old."""
        return fn.__name__, fn.__qualname__, fn.__module__, fn.__doc__, fn.__dict__

    def other() -> Any:
        return "other", fn.__name__

    assert sent(one, fn) == fn()
    fn.__name__, fn.__qualname__, fn.__module__, fn.__doc__ = "new", "new.<locals>.name", "somewhere", "New."
    assert sent(one, fn) == fn()
    fn.__dict__["attribute"] = 1
    assert sent(one, fn) == fn()
    fn.__dict__["attribute"] = [2]
    assert sent(one, fn) == fn()
    fn.__code__ = other.__code__
    assert sent(one, fn) == ("other", "new")


def test_a_function_that_it_calls_changes(one: InterpreterThreadPoolExecutor) -> None:
    inner, change = with_cell(1)

    def middle() -> Any:
        return inner()

    def outer() -> Any:
        return middle()

    assert sent(one, outer) == 1
    change(2)
    assert sent(one, outer) == 2
    change((3,))
    assert sent(one, outer) == (3,)


def test_a_name_that_leads_to_another_object_later(
    one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fn = lambda: (helper(), Named.value, LIMIT)  # noqa: E731
    assert sent(one, fn) == ("helper", 5, 10)
    with monkeypatch.context() as patch:
        patch.setattr(by_value, "helper", lambda: "patched")
        assert sent(one, fn) == ("helper", 5, 10)  # its own global is still the old one, and crosses by value now
    assert sent(one, fn) == ("helper", 5, 10)


def test_a_module_that_is_replaced(one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    fn = lambda: json.__name__  # noqa: E731
    assert sent(one, fn) == "json"
    monkeypatch.setitem(globals(), "json", sys)
    assert sent(one, fn) == "sys"


def test_a_submodule_that_is_imported_later(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "part.py").write_text("value = 5")
    source = """
        import package
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ == "__main__":
            fn = lambda: package.part.value
            with InterpreterThreadPoolExecutor(1) as pool:
                print(type(pool.submit(interpreter(fn)).exception()).__name__)
                import package.part
                print(pool.submit(interpreter(fn)).result())
    """
    run_script(tmp_path, source).check("AttributeError", "5")


def test_a_function_that_gets_a_name_later(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def fn():\n    return __name__, counted\n\ncounted = 0\n")
    source = """
        import module
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ == "__main__":
            fn, module.fn, module.counted = module.fn, None, 1
            with InterpreterThreadPoolExecutor(1) as pool:
                print(*pool.submit(interpreter(fn)).result())
                module.fn = fn
                print(*pool.submit(interpreter(fn)).result())  # by name: the worker's own module
    """
    run_script(tmp_path, source).check("module 1", "module 0")


@pytest.mark.parametrize("by", ["global", "cell", "default", "attribute", "annotation"])
def test_objects_that_no_recipe_knows_cross_with_cloudpickle(one: InterpreterThreadPoolExecutor, by: str) -> None:
    class Local:
        value = 6

    default = Local() if by == "default" else None

    def fn(argument: Any = default) -> Any:
        chosen = Local() if by == "cell" else argument if by == "default" else types.SimpleNamespace(value=6)
        return chosen.value

    if by == "attribute":
        fn.__dict__["local"] = Local()
    if by == "annotation":
        fn.__annotations__ = {"argument": Local}
    assert sent(one, fn) == 6


def test_functions_with_a_common_cell_have_it_in_common_there(one: InterpreterThreadPoolExecutor) -> None:
    count = 0

    def increase() -> None:
        nonlocal count
        count += 1

    def counted() -> int:
        increase()
        increase()
        return count

    assert sent(one, counted) == 2
    assert count == 0


def test_values_that_are_one_object_stay_one_object(one: InterpreterThreadPoolExecutor) -> None:
    first = [1]
    second = (first, {"first": first})

    def fn(argument: list[int] = first) -> bool:
        return argument is first is second[0] is second[1]["first"]

    assert sent(one, fn)


def test_annotations_are_there(one: InterpreterThreadPoolExecutor) -> None:
    def annotated(a: int, b: "Named", *, c: collections.abc.Sequence[int] = ()) -> str:
        return repr(sorted(annotated.__annotations__.items()))

    expected = repr(sorted(annotated.__annotations__.items()))
    assert sent(one, annotated, 1, Named()) == expected
    assert sent(one, annotated, 1, Named()) == expected


def test_every_way_to_use_a_global(one: InterpreterThreadPoolExecutor) -> None:
    def fn() -> Any:
        class Inside:
            limit = LIMIT
            inner = (lambda: FACTOR,)

        global made_by_fn
        made_by_fn = [helper() for _ in range(2)]
        found = Inside.limit, Inside.inner[0](), made_by_fn, (lambda: Named.value)()
        del made_by_fn
        return found

    assert sent(one, fn) == (10, 2, ["helper", "helper"], 5)


made_by_fn: list[str] = []


def test_code_with_many_names_and_constants(one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"name_{i}" for i in range(400)]
    for i, name in enumerate(names):
        monkeypatch.setitem(globals(), name, i)
    made: dict[str, Any] = {}
    exec(f"def fn():\n    return sum([{', '.join(names)}]) + len('{'long ' * 10_000}')", globals(), made)
    assert sent(one, made["fn"]) == sum(range(400)) + 50_000


@pytest.mark.parametrize("kind", ["generator", "coroutine"])
def test_generators_and_coroutine_functions(one: InterpreterThreadPoolExecutor, kind: str) -> None:
    offset = 1

    async def coroutine(n: int) -> int:
        return n + offset

    def generate(n: int) -> list[int]:
        def inner() -> Any:
            yield n + offset

        return list(inner())

    assert (sent(one, coroutine, 3), sent(one, generate, 3)) == (4, [4])
    assert (sent(one, coroutine, 3), sent(one, generate, 3)) == (4, [4])


def test_modules_that_cloudpickle_is_told_to_send_by_value(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("counted = 0\n\ndef fn():\n    return counted\n")
    source = """
        import cloudpickle, module
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ == "__main__":
            module.counted = 1
            fn = lambda: module_fn()
            module_fn = module.fn
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(fn)).result())
                cloudpickle.register_pickle_by_value(module)
                print(pool.submit(interpreter(fn)).result())
                cloudpickle.unregister_pickle_by_value(module)
                print(pool.submit(interpreter(fn)).result())
    """
    run_script(tmp_path, source).check("0", "1", "0")


def test_simple_functions_need_no_cloudpickle_here_or_there(tmp_path: Path) -> None:
    source = """
        import math
        from support import by_value
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        RATE = 3

        def closure(scale):
            def work(n: int, *, extra: float = 0.5) -> float:
                return inner(n) * scale * RATE + math.floor(extra)

            def inner(n: int) -> int:
                return n + 1

            return work

        if __name__ == "__main__":
            before = set(by_value.imported())
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(closure(2)), 4).result())
                print(pool.submit(interpreter(lambda: by_value.imported())).result())
            print(set(by_value.imported()) - before)
    """
    run_script(tmp_path, source).check("30", "[]", "set()")


def test_notebook_functions_need_no_cloudpickle(tmp_path: Path) -> None:
    source = """
from support import by_value
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
RATE = 3

@interpreter
def scaled(n: int) -> int:
    return helper(n) * RATE

@interpreter
def helper(n: int) -> int:
    return n if n < 2 else helper(n - 1) + 1

with InterpreterThreadPoolExecutor(1) as pool:
    print(list(pool.map(scaled, range(4))))
    RATE = 4
    print(list(pool.map(scaled, range(4))))
    print(pool.submit(interpreter(lambda: by_value.imported())).result())
"""
    run_python("-c", source).check("[0, 3, 6, 9]", "[0, 4, 8, 12]", "[]")


def test_functions_that_were_sent_are_let_go(one: InterpreterThreadPoolExecutor) -> None:
    def make() -> tuple[list[weakref.ref[Any]], Callable[[], Any]]:
        def recursive(n: int = 3) -> int:
            return other(n - 1) if n else 0

        def other(n: int) -> int:
            return recursive(n)

        return [weakref.ref(recursive), weakref.ref(other)], recursive

    gone, fn = make()
    assert sent(one, fn) == 0
    del fn
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_a_worker_does_not_grow_with_the_functions_that_it_has_run(one: InterpreterThreadPoolExecutor) -> None:
    before = one.submit(interpreter(by_value.count_functions)).result()
    for n in range(500):
        assert sent(one, lambda n=n: n) == n
    assert one.submit(interpreter(by_value.count_functions)).result() < before + 200


def test_neither_side_grows_with_the_classes_that_were_sent(one: InterpreterThreadPoolExecutor) -> None:
    def use_new_class(number: int) -> None:
        class Local:
            value = number
            seen: list[int] = []  # noqa: RUF012

            def get(self) -> int:
                Local.seen.append(1)
                return self.value

        assert sent(one, lambda: (Local().get(), len(Local.seen))) == (number, 1)

    def count() -> tuple[int, int]:
        return one.submit(interpreter(by_value.count_classes)).result(), by_value.count_classes()

    use_new_class(0)
    before = count()
    for number in range(300):
        use_new_class(number)
    there, here = count()
    assert there < before[0] + 200
    assert here < before[1] + 50


def test_a_module_that_cannot_be_imported_there_is_a_clear_error(
    one: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = types.ModuleType("only_here")
    module.value = 5
    monkeypatch.setitem(sys.modules, "only_here", module)
    error = one.submit(interpreter(lambda: module.value)).exception()
    assert "only_here" in f"{error} {error.__cause__ if error else None}"
    assert sent(one, lambda: 5) == 5
