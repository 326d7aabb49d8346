"""The callables that can be tagged and sent: by reference if a name leads to them, otherwise by value."""

import decimal
import functools
import json
import math
import operator
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import shapes, work
from support.protocols import MakePool

FACTOR = 3


def without_addresses(value: object) -> str:
    """A name for a test that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def recursive_lambda() -> Callable[[int], int]:
    """A lambda that refers to itself."""
    fact: Callable[[int], int] = lambda n: 1 if n < 2 else n * fact(n - 1)  # noqa: E731
    return fact


def closure_over(value: Any) -> Callable[[], Any]:
    """A nested function with a cell."""

    def inner() -> Any:
        return value

    return inner


def counting_closure() -> Callable[[], int]:
    """A nested function that changes its cell."""
    count = 0

    def inner() -> int:
        nonlocal count
        count += 1
        return count

    return inner


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (work.square, (3,), 9),
        (math.factorial, (10,), 3628800),
        (json.dumps, ({"a": [1, None]},), '{"a": [1, null]}'),
        (len, ([1, 2, 3],), 3),
        (print, (), None),
        (operator.add, (1, 2), 3),
        (operator.itemgetter(1), ([5, 6],), 6),
        (operator.methodcaller("upper"), ("abc",), "ABC"),
        (str.upper, ("abc",), "ABC"),
        ("abc".upper, (), "ABC"),
        ([3, 1, 2].__len__, (), 3),
        (dict.fromkeys, ("ab",), {"a": None, "b": None}),
        (int.from_bytes, (b"\x01\x00",), 256),
        (int, ("12",), 12),
        (shapes.Point, (1, 2), shapes.Point(1, 2)),
        (shapes.Color, (2,), shapes.Color.GREEN),
        (functools.partial(work.add, 1, c=5), (2,), 8),
        (functools.partial(shapes.Point, y=2), (1,), shapes.Point(1, 2)),
        (shapes.Adder(4), (3,), 7),
        (shapes.Counter(4).untagged, (3,), 12),
        (shapes.Counter.untagged, (shapes.Counter(4), 5), 20),
        (work.cached_square, (7,), 49),
        (type, (3,), int),
    ],
    ids=without_addresses,
)
def test_every_callable_with_a_name_can_be_tagged(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], args: tuple[Any, ...], expected: Any
) -> None:
    assert pool.submit(interpreter(fn), *args).result() == expected


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (lambda: 5, (), 5),
        (lambda x: x * FACTOR, (2,), 6),
        (lambda *args, **kwargs: (args, kwargs), (1, 2), ((1, 2), {})),
        (recursive_lambda(), (5,), 120),
        (closure_over([1, {2: 3}]), (), [1, {2: 3}]),
        (closure_over(shapes.Point(1, 2)), (), shapes.Point(1, 2)),
        (lambda n: math.sqrt(n), (9,), 3.0),
        (lambda n: work.square(n), (9,), 81),
        (functools.partial(lambda a, b: a - b, 10), (3,), 7),
    ],
    ids=["lambda", "global", "varargs", "recursive", "closure", "object", "module", "package", "partial of lambda"],
)
def test_functions_without_a_name_cross_by_value(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], args: tuple[Any, ...], expected: Any
) -> None:
    assert pool.submit(interpreter(fn), *args).result() == expected


def test_a_function_decorated_where_it_is_nested_crosses_by_value(pool: InterpreterThreadPoolExecutor) -> None:
    offset = 10

    @interpreter
    def shift(x: int) -> int:
        return x + offset

    assert shift(1) == 11
    assert pool.submit(shift, 2).result() == 12


def test_a_lambda_really_runs_elsewhere(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(lambda: work.HERE)).result() != work.HERE


def test_functions_by_value_keep_their_defaults_names_and_documentation(pool: InterpreterThreadPoolExecutor) -> None:
    def inner(a: int, b: int = 2, *, c: int = 3) -> tuple[str, str | None, int]:
        """Inside."""
        return inner.__name__, inner.__doc__, a + b + c

    assert pool.submit(interpreter(inner), 1).result() == ("inner", "Inside.", 6)


def test_a_function_by_value_names_its_file(pool: InterpreterThreadPoolExecutor) -> None:
    fn = interpreter(lambda: sys._getframe().f_code.co_filename)
    assert pool.submit(fn).result() == __file__


def test_code_with_constants_that_no_compiler_makes_crosses(pool: InterpreterThreadPoolExecutor) -> None:
    def answer() -> object:
        return "to be replaced"

    constants = (decimal.Decimal(42) if constant == "to be replaced" else constant for constant in answer.__code__.co_consts)
    answer.__code__ = answer.__code__.replace(co_consts=tuple(constants))
    assert pool.submit(interpreter(answer)).result() == decimal.Decimal(42)


def test_a_closure_counts_in_its_worker_and_not_here(make_pool: MakePool) -> None:
    counter = counting_closure()
    make_pool(1).submit(interpreter(counter)).result()
    assert counter() == 1


def test_two_closures_of_one_function_are_not_mixed_up(pool: InterpreterThreadPoolExecutor) -> None:
    futures = [pool.submit(interpreter(closure_over(n))) for n in range(50)]
    assert [future.result() for future in futures] == list(range(50))


def test_lambdas_that_come_and_go_are_not_mixed_up(pool: InterpreterThreadPoolExecutor) -> None:
    for n in range(200):
        assert pool.submit(interpreter(lambda n=n: n)).result() == n


def test_a_tag_made_anew_for_every_call_works(pool: InterpreterThreadPoolExecutor) -> None:
    assert [pool.submit(interpreter(work.square), n).result() for n in range(100)] == [n * n for n in range(100)]


def test_state_of_a_bound_object_is_taken_when_it_is_submitted(pool: InterpreterThreadPoolExecutor) -> None:
    counter = shapes.Counter(1)
    method = interpreter(counter.untagged)
    assert pool.submit(method, 10).result() == 10
    counter.start = 2
    assert pool.submit(interpreter(counter.untagged), 10).result() == 20


def test_state_of_a_callable_instance_is_taken_when_it_is_submitted(pool: InterpreterThreadPoolExecutor) -> None:
    adder = shapes.Adder(1)
    assert pool.submit(interpreter(adder), 1).result() == 2
    adder.n = 10
    assert pool.submit(interpreter(adder), 1).result() == 11


@pytest.mark.parametrize(
    ("get", "args", "expected"),
    [
        (lambda kind: kind(10).plus, (5,), 15),
        (lambda kind: kind.plus, (shapes.Counter(10), 6), 16),
        (lambda kind: kind.made, (3,), 6),
        (lambda kind: kind().made, (3,), 6),
        (lambda kind: kind.outside, (3,), 4),
        (lambda kind: kind().outside, (3,), 4),
        (lambda kind: kind.inside, (3,), 5),
        (lambda kind: kind().inside, (3,), 5),
        (lambda kind: kind.Inner().twice, (4,), 8),
    ],
)
def test_tagged_methods_of_every_kind(
    pool: InterpreterThreadPoolExecutor, get: Callable[[Any], Callable[..., Any]], args: tuple[Any, ...], expected: Any
) -> None:
    assert pool.submit(get(shapes.Counter), *args).result() == expected


def test_tagged_methods_may_be_bound_to_builtin_values(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter("a-b".split), "-").result() == ["a", "b"]
    assert pool.submit(interpreter([3, 1].index), 1).result() == 1


def test_a_tagged_class_makes_instances_of_the_class_here(pool: InterpreterThreadPoolExecutor) -> None:
    result = pool.submit(interpreter(shapes.Point), 1, 2).result()
    assert type(result) is shapes.Point


def test_instances_of_a_class_tagged_at_module_level_cross(pool: InterpreterThreadPoolExecutor) -> None:
    tagged: Any = shapes.TaggedPoint
    point: Any = pool.submit(tagged, 1, 2).result()
    assert (point.x, point.y) == (1, 2)
    assert type(point) is tagged.fn


def test_instances_of_a_local_class_cross_by_value(pool: InterpreterThreadPoolExecutor) -> None:
    class Local:
        def __init__(self, value: int) -> None:
            self.value = value

        def twice(self) -> int:
            return 2 * self.value

    assert pool.submit(interpreter(lambda local: local.twice()), Local(4)).result() == 8
    assert type(pool.submit(interpreter(work.echo), Local(4)).result()) is Local
    foreign: Any = pool.submit(interpreter(shapes.make_local_instance)).result()
    assert type(foreign).__name__ == "Local"


def test_lambdas_cross_as_arguments_and_results(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(work.call), lambda n: n + FACTOR, 4).result() == 7
    assert pool.submit(interpreter(closure_over), 5).result()() == 5


def test_the_same_function_keeps_working_in_a_new_interpreter(make_pool: MakePool) -> None:
    for _ in range(3):
        assert make_pool(1).submit(work.tagged_square, 3).result() == 9


def test_a_name_bound_to_another_function_later_means_the_one_submitted(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = work.square
    monkeypatch.setattr(work, "square", lambda x: -x)
    assert pool.submit(interpreter(original), 4).result() == 16
    assert pool.submit(interpreter(work.square), 4).result() == -4
