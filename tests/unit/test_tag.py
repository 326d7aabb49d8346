"""`interpreter(fn)` at home: a callable that behaves like `fn`."""

import builtins
import copy
import functools
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import aiointerpreters
from aiointerpreters import interpreter
from support import shapes, work


def test_calling_a_tagged_function_calls_it_here() -> None:
    seen: list[object] = []
    token = object()
    assert interpreter(seen.append)(token) is None
    assert seen[0] is token


def test_it_passes_on_every_kind_of_argument() -> None:
    assert interpreter(work.echo_call)(1, 2, fn=3, self=4) == ((1, 2), {"fn": 3, "self": 4})


def test_the_function_s_exception_comes_out_unchanged() -> None:
    error = ValueError("mine")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError) as caught:
        interpreter(fail)()
    assert caught.value is error
    assert error.__cause__ is None


@pytest.mark.parametrize("tagged", [work.tagged_square, interpreter(work.square)], ids=["decorated", "wrapped"])
def test_a_tagged_function_is_an_instance_of_interpreter(tagged: Any) -> None:
    assert isinstance(tagged, interpreter)
    assert tagged.fn(4) == 16
    assert not isinstance(tagged.fn, interpreter)


def test_fn_is_the_function_itself() -> None:
    assert interpreter(work.square).fn is work.square


def test_both_import_paths_give_the_same_class() -> None:
    from aiointerpreters import executors

    assert executors.interpreter is aiointerpreters.interpreter
    assert executors.InterpreterThreadPoolExecutor is aiointerpreters.InterpreterThreadPoolExecutor


@pytest.mark.parametrize("name", ["__name__", "__qualname__", "__module__", "__doc__"])
@pytest.mark.parametrize("fn", [work.square, shapes.Point, len, shapes.Counter.untagged, shapes.Counter(1).untagged])
def test_it_keeps_what_describes_the_function(fn: Any, name: str) -> None:
    assert getattr(interpreter(fn), name) == getattr(fn, name)


def test_it_keeps_the_names_of_a_nested_function() -> None:
    def inner() -> None:
        """Inside."""

    tagged = interpreter(inner)
    assert tagged.__name__ == "inner"
    assert tagged.__qualname__.endswith("keeps_the_names_of_a_nested_function.<locals>.inner")
    assert tagged.__doc__ == "Inside."


def test_wrapped_leads_to_the_function() -> None:
    assert interpreter(work.square).__wrapped__ is work.square
    assert inspect.unwrap(interpreter(work.square)) is work.square


@pytest.mark.parametrize(
    "fn", [work.square, work.echo_call, shapes.Point, functools.partial(work.add, 1), shapes.Adder(3), divmod]
)
def test_it_keeps_the_signature(fn: Callable[..., Any]) -> None:
    assert inspect.signature(interpreter(fn)) == inspect.signature(fn)


def test_it_keeps_the_signature_of_methods() -> None:
    assert list(inspect.signature(shapes.Counter.plus).parameters) == ["self", "n"]
    assert list(inspect.signature(shapes.Counter(1).plus).parameters) == ["n"]
    assert list(inspect.signature(shapes.Counter.made).parameters) == ["n"]


def test_the_class_s_own_documentation_is_not_that_of_a_function() -> None:
    assert interpreter.__doc__
    assert interpreter(work.square).__doc__ != interpreter.__doc__


def test_its_attributes_can_be_read_like_the_function_s() -> None:
    def inner() -> None: ...

    inner.limit = 3  # type: ignore[attr-defined]
    assert interpreter(inner).limit == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("missing", ["__name__", "__qualname__"])
def test_a_callable_without_names_has_none_when_tagged(missing: str) -> None:
    assert not hasattr(interpreter(functools.partial(work.add, 1)), missing)
    assert not hasattr(interpreter(shapes.Adder(1)), missing)


def test_repr_names_the_function() -> None:
    text = repr(interpreter(work.square))
    assert "interpreter" in text
    assert "square" in text


@pytest.mark.parametrize("fn", [functools.partial(work.add, 1), shapes.Adder(1), len, shapes.Point, lambda: None])
def test_repr_works_for_every_callable(fn: Callable[..., Any]) -> None:
    assert "interpreter" in repr(interpreter(fn))


@pytest.mark.parametrize("value", [5, None, "square", [], object()])
def test_only_callables_can_be_tagged(value: Any) -> None:
    with pytest.raises(TypeError):
        interpreter(value)


def test_it_wants_exactly_one_function() -> None:
    with pytest.raises(TypeError):
        interpreter()  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        interpreter(work.square, work.square)  # type: ignore[call-overload]


def test_a_tagged_function_can_be_tagged_again() -> None:
    twice: Any = interpreter(interpreter(work.square))
    assert isinstance(twice, interpreter)
    assert twice(5) == 25
    assert twice.__name__ == "square"


def test_equal_tags_have_equal_hashes() -> None:
    first: Any = interpreter(work.square)
    second: Any = interpreter(work.square)
    other: Any = interpreter(work.add)
    assert first == first
    assert (first == second) == (second == first)
    assert first != second or hash(first) == hash(second)
    assert first != other
    assert first != 5
    assert {first: 1}[first] == 1


def test_a_tag_can_be_weakly_referenced_and_collected() -> None:
    import gc
    import weakref

    def inner() -> None: ...

    tagged = interpreter(inner)
    inner.tag = tagged  # type: ignore[attr-defined]
    gone = weakref.ref(tagged)
    del inner, tagged
    gc.collect()
    assert gone() is None


def test_a_decorated_function_pickles_as_its_name() -> None:
    assert pickle.loads(pickle.dumps(work.tagged_square)) is work.tagged_square


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_wrapped_function_pickles(protocol: int) -> None:
    back = pickle.loads(pickle.dumps(interpreter(work.square), protocol))
    assert isinstance(back, interpreter)
    assert back.fn is work.square


@pytest.mark.parametrize("fn", [len, functools.partial(work.add, 1), shapes.Adder(1), shapes.Counter(1).untagged])
def test_other_tagged_callables_pickle(fn: Callable[..., Any]) -> None:
    back = pickle.loads(pickle.dumps(interpreter(fn)))
    assert isinstance(back, interpreter)
    assert back.fn is not None


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("tagged", [work.tagged_square, interpreter(work.square)], ids=["decorated", "wrapped"])
def test_copies_are_tagged_too(make_copy: Callable[[Any], Any], tagged: Any) -> None:
    back = make_copy(tagged)
    assert isinstance(back, interpreter)
    assert back.fn is tagged.fn
    assert back(6) == 36


def test_methods_of_every_kind_are_called_as_if_untagged() -> None:
    kind: Any = shapes.Counter
    counter = kind(10)
    assert counter.plus(5) == 15
    assert kind.plus(counter, 6) == 16
    assert counter.made(3) == kind.made(3) == 6
    assert counter.outside(3) == kind.outside(3) == 4
    assert counter.inside(3) == kind.inside(3) == 5
    assert shapes.Counter.Inner().twice(4) == 8


def test_a_subclass_inherits_tagged_methods() -> None:
    class Derived(shapes.Counter):
        step = 5

    kind: Any = Derived
    assert kind(1).plus(1) == 2
    assert kind.made(3) == 15


def test_a_tagged_method_read_from_the_class_is_the_tag() -> None:
    assert isinstance(shapes.Counter.plus, interpreter)


def test_a_tagged_callable_without_get_is_no_method() -> None:
    class Holder:
        adder: Any = interpreter(shapes.Adder(3))
        builtin: Any = interpreter(len)

    assert Holder().adder(4) == 7
    assert Holder().builtin([1, 2]) == 2


def test_a_tagged_class_makes_its_instances() -> None:
    tagged: Any = shapes.TaggedPoint
    point = tagged(3, 4)
    assert (point.x, point.y) == (3, 4)
    assert type(point) is tagged.fn


def test_a_tagged_partial_can_be_made_partial_again() -> None:
    assert functools.partial(interpreter(functools.partial(work.add, 1)), 2)(3) == 6


def test_it_works_in_sorted_and_map_like_any_callable() -> None:
    assert sorted([3, 1, 2], key=interpreter(builtins.abs)) == [1, 2, 3]
    assert list(map(work.tagged_square, [1, 2])) == [1, 4]


def test_recursion_through_the_tagged_name_stays_here() -> None:
    assert work.tagged_factorial(5) == 120


def test_generic_alias_for_annotations() -> None:
    assert interpreter[[int], int] is not None


def test_the_class_can_be_subclassed_or_says_that_it_cannot() -> None:
    try:
        derived: Any = type("derived", (interpreter,), {})
    except TypeError as error:
        assert "not an acceptable base type" in str(error)
    else:
        assert derived(work.square)(3) == 9
