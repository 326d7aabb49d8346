"""Classes that change: between messages, between writing and reading a message, and while it is read."""

import copyreg
import dataclasses
import gc
import importlib
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aiointerpreters import NotTransferableError, _core
from support.graphs import as_pickle, carry, same_graph
from support.instances import INSTANCES, MIXED, Plain, with_attributes


@pytest.fixture
def module() -> Iterator[Any]:
    """A module for classes that change."""
    made = types.ModuleType("changing_module")
    sys.modules[made.__name__] = made
    yield made
    sys.modules.pop(made.__name__, None)


def declare(module: Any, name: str = "Changing", /, **members: Any) -> Any:
    """Make a class in a module."""
    made = type(name, (), {"__module__": module.__name__, "__qualname__": name, **members})
    setattr(module, name, made)
    return made


def make(cls: Any, **attributes: Any) -> Any:
    return with_attributes(cls, **attributes)


def set_state(self: Any, state: Any) -> None:
    object.__setattr__(self, "seen", state) if hasattr(self, "__dict__") else setattr(self, "a", state)


CHANGES_BEFORE: dict[str, Callable[[Any], object]] = {
    "reduce": lambda cls: setattr(cls, "__reduce__", lambda self: (list, ())),
    "getstate": lambda cls: setattr(cls, "__getstate__", lambda self: {"a": "changed"}),
    "getnewargs": lambda cls: setattr(cls, "__getnewargs__", lambda self: ()),
    "new": lambda cls: setattr(cls, "__new__", lambda cls: object.__new__(cls)),
    "getattribute": lambda cls: setattr(cls, "__getattribute__", lambda self, name: object.__getattribute__(self, name)),
    "copyreg": lambda cls: copyreg.pickle(cls, lambda one: (list, ())),
}


class TestChanges:
    """A class is inspected again for each message."""

    @pytest.mark.parametrize("change", CHANGES_BEFORE.values(), ids=CHANGES_BEFORE)
    def test_a_class_that_changes_between_messages(self, module: Any, change: Callable[[Any], object]) -> None:
        cls = declare(module)
        assert _core.encode(make(cls, a=1)).form == INSTANCES
        change(cls)
        try:
            message = _core.encode(make(cls, a=1))
            assert message.form == MIXED
            assert same_graph(as_pickle(make(cls, a=1)), _core.decode(message))
        finally:
            copyreg.dispatch_table.pop(cls, None)

    def test_a_base_that_changes(self, module: Any) -> None:
        base = declare(module, "Base")
        cls = type("Derived", (base,), {"__module__": module.__name__})
        module.Derived = cls
        assert _core.encode(make(cls, a=1)).form == INSTANCES
        base.__reduce__ = lambda self: (list, ())
        assert carry(make(cls, a=1)) == []

    def test_a_class_whose_name_leads_elsewhere(self, module: Any) -> None:
        cls = declare(module)
        one = make(cls, a=1)
        assert type(carry(one)) is cls
        declare(module)
        assert _core.encode(one).form == MIXED  # by value, because no name leads to it any more
        assert carry(one).a == 1
        cls.__qualname__ = "Other"
        module.Other = cls
        assert type(carry(one)) is cls
        cls.__module__ = "no_such_module"
        assert _core.encode(one).form == MIXED

    def test_a_class_that_has_been_replaced_meanwhile(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        later = declare(module)
        assert type(_core.decode(message)[0]) is later
        assert type(_core.decode(message)[0]) is later

    def test_a_class_that_is_gone(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        assert _core.decode(message)[0].a == 1
        del module.Changing
        with pytest.raises(AttributeError, match="Changing"):
            _core.decode(message)
        del sys.modules[module.__name__]
        with pytest.raises(ModuleNotFoundError, match=module.__name__):
            _core.decode(message)

    def test_a_name_that_is_no_class(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        module.Changing = 3
        with pytest.raises(TypeError, match="is not a class"):
            _core.decode(message)

    @pytest.mark.parametrize("slots", [False, True])
    @pytest.mark.parametrize("attributes", [{"a": 1, "b": [2]}, {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}])
    @pytest.mark.parametrize(
        "change",
        [
            lambda cls: setattr(cls, "__setstate__", set_state),
            lambda cls: setattr(cls, "__setattr__", lambda self, name, value: object.__setattr__(self, name, [value])),
            lambda cls: setattr(cls, "__new__", lambda cls: object.__new__(cls)),
            lambda cls: setattr(cls, "a", property(lambda self: "property")),
            lambda cls: setattr(cls, "z", 3),
            lambda cls: setattr(cls, "__hash__", lambda self: 3),
        ],
        ids=["setstate", "setattr", "new", "property", "attribute", "hash"],
    )
    def test_a_class_that_is_another_where_the_message_is_read(
        self, module: Any, change: Callable[[Any], object], attributes: dict[str, Any], slots: bool
    ) -> None:
        members: dict[str, Any] = {"__slots__": tuple(attributes)} if slots else {}
        cls = declare(module, **members)
        one = make(cls, **attributes)
        value = [one, (one, {"k": one})]
        message, content = _core.encode(value), pickle.dumps(value, 5)
        assert message.form == INSTANCES
        change(cls)
        try:
            expected = pickle.loads(content)
        except AttributeError as error:
            with pytest.raises(AttributeError) as caught:
                _core.decode(message)
            assert caught.value.args == error.args
            return
        assert same_graph(expected, _core.decode(message))

    @pytest.mark.parametrize("slots", [("b", "a"), ("a",), ("a", "b", "c"), ("__dict__",), ()])
    def test_other_slots_where_the_message_is_read(self, module: Any, slots: tuple[str, ...]) -> None:
        one = make(declare(module, __slots__=("a", "b")), a=[1], b=2)
        message, content = _core.encode([one]), pickle.dumps([one], 5)
        declare(module, __slots__=slots)
        try:
            expected = pickle.loads(content)
        except AttributeError:
            with pytest.raises(AttributeError):
                _core.decode(message)
            return
        assert same_graph(expected, _core.decode(message))

    def test_another_frozen_dataclass_where_the_message_is_read(self, module: Any) -> None:
        def make_class(*names: str, frozen: bool = True) -> Any:
            made = dataclasses.make_dataclass("Changing", names, slots=True, frozen=frozen)
            made.__module__ = module.__name__
            module.Changing = made
            return made

        one = make_class("b", "a")(1, [2])
        message, content = _core.encode([one]), pickle.dumps([one], 5)
        assert message.form == INSTANCES
        for names, frozen in [(("a", "b"), True), (("b", "a", "c"), True), (("a", "c"), True)]:
            make_class(*names, frozen=frozen)
            assert same_graph(pickle.loads(content), _core.decode(message))

    def test_what_python_code_sees_while_a_message_is_read(self, module: Any) -> None:
        seen: list[int] = []

        def look(self: Any, state: Any) -> None:
            vars(self).update(state)
            for found in gc.get_objects():
                if type(found) in (list, tuple):
                    seen.append(sum(item is self for item in found))
            gc.collect()

        cls = declare(module)
        inner = make(cls, a=1, b=[])
        value = ([inner], (inner, make(cls, a=(inner,))), {"k": (1, inner)})
        message = _core.encode(value)
        cls.__setstate__ = look
        copy = _core.decode(message)
        assert copy[0][0] is copy[1][0] is copy[2]["k"][1]
        assert seen
        for part in (copy, copy[1], copy[2]["k"]):
            assert gc.is_tracked(part)

    @pytest.mark.parametrize("fails", [1, 2, 3])
    def test_a_state_that_cannot_be_set(self, module: Any, fails: int) -> None:
        cls = declare(module)
        value = [make(cls, a=n, b=[n]) for n in range(3)]
        message = _core.encode([value, {"k": (value[1],)}])
        left = [fails]

        def refuse(self: Any, state: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise ValueError("not like this")

        cls.__setstate__ = refuse
        gc.collect()
        alive = [weakref.ref(one) for one in gc.get_objects() if type(one) is cls]
        with pytest.raises(ValueError, match="not like this"):
            _core.decode(message)
        gc.collect()
        assert sum(type(one) is cls for one in gc.get_objects()) == len(alive)

    @pytest.mark.parametrize("made", [None, 3, "text", (), (1,), [], {}], ids=repr)
    @pytest.mark.parametrize("slots", [False, True])
    def test_a_class_that_makes_something_else(self, module: Any, made: Any, slots: bool) -> None:
        members: dict[str, Any] = {"__slots__": ("a", "b")} if slots else {}
        cls = declare(module, **members)
        value = [make(cls, a=[1], b=2)]
        message, content = _core.encode(value), pickle.dumps(value, 5)
        cls.__new__ = lambda cls: made
        with pytest.raises((AttributeError, TypeError)) as expected:
            pickle.loads(content)
        with pytest.raises(type(expected.value)) as caught:
            _core.decode(message)
        assert str(caught.value) == str(expected.value)
        gc.collect()

    @pytest.mark.parametrize("slots", [False, True])
    def test_a_class_that_changes_while_a_message_is_read(self, module: Any, slots: bool) -> None:
        members: dict[str, Any] = {"__slots__": tuple("abcdefgh")} if slots else {}
        later = declare(module, "Later", **members)
        first = declare(module)
        message = _core.encode([make(first, x=1), make(later, **{name: [name] for name in "abcdefgh"})])
        other = make(Plain, z=1)

        def change(self: Any, state: Any) -> None:
            later.__new__ = lambda cls: other

        first.__setstate__ = change
        copy = _core.decode(message)[1]
        assert type(copy) is later
        assert [getattr(copy, name) for name in "abcdefgh"] == [[name] for name in "abcdefgh"]
        assert vars(other) == {"z": 1}

    def test_an_import_that_changes_another_class(self, module: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "patching_module.py").write_text(
            "import changing_module\n"
            "class Patcher: pass\n"
            "changing_module.Changing.__setstate__ = lambda self, state: vars(self).update(state, patched=True)\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        cls = declare(module)
        patching: Any = importlib.import_module("patching_module")
        del cls.__setstate__
        message = _core.encode(make(cls, a=patching.Patcher()))
        assert message.form == INSTANCES
        del sys.modules["patching_module"]
        assert _core.decode(message).patched
        del sys.modules["patching_module"]

    def test_the_values_that_a_class_is_to_get_are_hidden(self, module: Any) -> None:
        names = [f"a{n}" for n in range(50)]
        cls = declare(module, __slots__=tuple(names))
        message = _core.encode(make(cls, **{name: [name, "mark"] for name in names}))
        seen: list[int] = []

        def set_one(self: Any, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)
            for found in gc.get_objects():
                if type(found) is list and len(found) == 50 and type(found[0]) is list and found[0][-1:] == ["mark"]:
                    seen.append(1)

        cls.__setattr__ = set_one
        copy = _core.decode(message)
        assert [getattr(copy, name) for name in names] == [[name, "mark"] for name in names]
        assert not seen

    @pytest.mark.parametrize("how", ["__setattr__", "__setstate__"])
    def test_slots_come_in_the_order_that_pickle_has(self, module: Any, how: str) -> None:
        base = declare(module, "Base", __slots__=("z", "_Base__y"))
        cls = type("Changing", (base,), {"__module__": module.__name__, "__slots__": ["b", "a", "__c", "d"]})
        module.Changing = cls
        seen: list[Any] = []

        def set_one(self: Any, name: str, value: Any) -> None:
            seen.append(name)

        def set_all(self: Any, state: Any) -> None:
            seen.append((state[0], list(state[1].items())))

        one = make(cls, z=1, _Base__y=2, b=3, a=4, _Changing__c=5, d=6)
        message, content = _core.encode(one), pickle.dumps(one, 5)
        assert message.form == INSTANCES
        setattr(cls, how, set_one if how == "__setattr__" else set_all)
        pickle.loads(content)
        expected = seen.copy()
        seen.clear()
        _core.decode(message)
        assert seen == expected

    @pytest.mark.parametrize("names", [["a"], ["b", "a"], ("a", "b"), ["a", "b", "c"]])
    def test_names_of_slots_that_the_class_gives(self, module: Any, names: Any) -> None:
        one = make(declare(module, __slots__=("a", "b"), __slotnames__=names), a=1, b=2)
        try:
            expected = as_pickle(one)
        except TypeError:
            with pytest.raises(NotTransferableError):
                carry(one)
            return
        assert same_graph(expected, carry(one))

    def test_a_descriptor_whose_type_changes(self, module: Any) -> None:
        class Descriptor:
            def __get__(self, one: object, of: Any = None) -> str:
                return "descriptor"

        cls = declare(module, a=Descriptor())
        one = make(cls, b=2)
        vars(one)["a"] = 1
        message = _core.encode([one])
        assert vars(_core.decode(message)[0]) == {"b": 2, "a": 1}
        Descriptor.__set__ = lambda self, one, value: None  # type: ignore[attr-defined]
        assert vars(_core.decode(message)[0]) == {"b": 2, "a": 1}

    def test_very_many_attributes_are_left_to_pickle(self, module: Any) -> None:
        one = make(declare(module), **{f"a{n}": n for n in range(2000)})
        assert _core.encode(one).form == MIXED
        assert vars(carry(one)) == vars(one)

    def test_ever_other_attributes_are_left_to_pickle(self, module: Any) -> None:
        cls = declare(module)
        forms = [_core.encode(make(cls, **{f"a{n}": n})).form for n in range(20)]
        assert forms[0] == INSTANCES
        assert forms[-1] == MIXED
        assert all(vars(carry(make(cls, **{f"a{n}": n}))) == {f"a{n}": n} for n in range(20))

    def test_more_classes_than_are_remembered(self, module: Any) -> None:
        values = [make(declare(module, f"C{n}"), a=n) for n in range(1500)]
        assert all(carry(value).a == n for n, value in enumerate(values))
        assert [one.a for one in carry(values)] == list(range(1500))

    def test_a_class_that_is_not_used_any_more_dies(self, module: Any) -> None:
        cls = declare(module)
        carry(make(cls, a=1))
        dead = weakref.ref(cls)
        del cls, module.Changing
        gc.collect()
        assert dead() is None
