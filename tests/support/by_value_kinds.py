"""Kinds of objects in functions that cross by value. See test_by_value_kinds.py.

Each kind is a program that is typed at a prompt. It defines `here`, and what `here` returns has to be the same in a worker.
"""

import sys

KINDS = {
    "cache": """
        from functools import cache
        @cache
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib(5)
        fib.note = "mine"
        def here():
            fib.cache_clear()
            return fib(30), fib.cache_info(), fib.cache_parameters(), fib.__name__, fib.__wrapped__.__name__, fib.note
    """,
    "lru_cache": """
        from functools import lru_cache
        @lru_cache(maxsize=3, typed=True)
        def name_type(value):
            return type(value).__name__
        def here():
            name_type.cache_clear()
            return name_type(1), name_type(1.0), name_type.cache_info(), name_type.cache_parameters()
    """,
    "cached method": """
        from functools import cached_property, lru_cache
        class Cached:
            calls = 0
            @lru_cache(maxsize=None)
            def method(self, x):
                return 2 * x
            @cached_property
            def once(self):
                self.calls += 1
                return self.calls
        def here():
            cached = Cached()
            return cached.method(2), cached.once, cached.once, Cached.method.cache_parameters()
    """,
    "singledispatch": """
        from functools import singledispatch
        from collections.abc import Sequence
        class Local:
            pass
        @singledispatch
        def describe(value):
            return "object"
        @describe.register
        def _(value: int):
            return "int"
        @describe.register(list)
        def _(value):
            return [describe(item) for item in value]
        @describe.register(Local)
        def _(value):
            return "local"
        describe.register(Sequence, lambda value: "sequence")
        def here():
            kinds = sorted(kind.__name__ for kind in describe.registry)
            return describe([1, 2.0, Local()]), describe(()), describe(True), kinds, describe.__name__
    """,
    "singledispatchmethod": """
        from functools import singledispatchmethod
        class Shown:
            @singledispatchmethod
            def show(self, value):
                return "object"
            @show.register
            def _(self, value: int):
                return "int"
            @show.register
            def _(self, value: str):
                return "str"
        def here():
            return Shown().show(1), Shown().show("a"), Shown().show(None)
    """,
    "partialmethod": """
        from functools import partial, partialmethod
        class Door:
            def move(self, opened, by="nobody"):
                return opened, by
            open = partialmethod(move, True)
            close = partialmethod(move, False, by="us")
        half = partial(Door.move, opened=True)
        def here():
            return Door().open(), Door().close(), half(Door())
    """,
    "wraps": """
        import functools
        def twice(fn):
            @functools.wraps(fn)
            def inner(*args):
                return fn(*args) * 2
            return inner
        @twice
        @twice
        def add(a, b):
            "Adds."
            return a + b
        def here():
            return add(1, 2), add.__wrapped__(1, 2), add.__wrapped__.__wrapped__(1, 2), add.__name__, add.__doc__
    """,
    "cells": """
        class Plain:
            pass
        def make():
            nothing = None
            def inner():
                return nothing, Plain.__name__
            def empty():
                return late
            if nothing:
                late = 5
            return inner, empty
        inner, empty = make()
        def here():
            try:
                empty()
            except NameError as error:
                return inner(), str(error)
    """,
    "shared cells": """
        def make():
            count = 0
            def increase():
                nonlocal count
                count += 1
            return increase, lambda: count
        increase, read = make()
        def here():
            before = read()
            increase()
            return read() - before
    """,
    "globals of a nested class": """
        FACTOR = 3
        def here():
            class Nested:
                factor = FACTOR
                def scale(self, x):
                    return x * FACTOR
            return Nested.factor, Nested().scale(2)
    """,
    "submodules": """
        import concurrent.futures
        import xml.dom
        import xml.dom.minidom
        def here():
            return concurrent.futures.ThreadPoolExecutor.__name__, xml.dom.minidom.parseString("<a/>").toxml()
    """,
    "NewType": """
        from typing import NewType, get_type_hints
        class Plain:
            pass
        UserId = NewType("UserId", int)
        Wrapped = NewType("Wrapped", Plain)
        def annotated(user: UserId) -> Wrapped: ...
        def here():
            hints = get_type_hints(annotated)
            same = hints["user"] is UserId, Wrapped.__supertype__ is Plain
            return UserId(5), UserId.__name__, UserId.__supertype__, UserId.__module__, same
    """,
    "type aliases": """
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        class Plain:
            pass
        type Number = int | float
        type Plains = dict[str, Plain]
        type Tree[T] = T | list[Tree[T]]
        type Lost = list[Missing]
        def here():
            try:
                Lost.__value__
            except NameError as error:
                lost = str(error)
            tree = str(Tree.__value__), str(Tree[int]), Tree.__value__.__args__[0] is Tree.__type_params__[0]
            plains = Plains.__value__.__args__[1] is Plain
            return Number.__name__, str(Number.__value__), Number.__module__, plains, tree, lost
    """,
    "type variables": """
        import typing
        class Plain:
            pass
        T = typing.TypeVar("T", bound=Plain)
        S = typing.TypeVar("S", int, str)
        C = typing.TypeVar("C", covariant=True)
        D = typing.TypeVar("D", default=int)
        P = typing.ParamSpec("P")
        Ts = typing.TypeVarTuple("Ts")
        class Box(typing.Generic[T, S]):
            pass
        class Many(typing.Generic[typing.Unpack[Ts]]):
            pass
        def wrap(fn: typing.Callable[P, C], *args: P.args, **kwargs: P.kwargs) -> D: ...
        def here():
            hints = typing.get_type_hints(wrap)
            return (
                T.__bound__ is Plain, S.__constraints__, C.__covariant__, D.__default__, T.has_default(), T.__name__,
                Box.__parameters__ == (T, S), str(Box[Plain, int]), Many.__parameters__ == (Ts,), T.__module__,
                str(hints), hints["args"].__origin__ is P,
            )
    """,
    "type parameters": """
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        class Node[T: Node, *Ts, **P]:
            child: T | None = None
        class Base[T = int]:
            def get(self) -> T: ...
        class Derived(Base[str]):
            pass
        def first[T: (int, str), U: Missing = bool](x: T, y: U) -> T:
            return x
        def here():
            t, ts, p = Node.__type_params__
            one, two = first.__type_params__
            try:
                two.__bound__
            except NameError as error:
                lost = str(error)
            (base,) = Base.__type_params__
            return (
                t.__bound__ is Node, str(ts), str(p), Node.__parameters__ == (t, ts, p), one.__constraints__, lost,
                two.__default__, first(5, 6), base.__default__, str(Derived.__orig_bases__[0].__args__),
            )
    """,
    "annotations": """
        from __future__ import annotations
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        def strings(a: int, b: Missing) -> list[Missing]:
            return a
        def here():
            return strings(4, 5), strings.__annotations__
    """,
    "annotations that were assigned": """
        class Plain:
            x: str
        Plain.__annotations__ = {"x": int}
        class Bare:
            pass
        def function(x: str): ...
        function.__annotations__ = {"x": Plain}
        def here():
            return Plain.__annotations__, Bare.__annotations__, function.__annotations__["x"] is Plain
    """,
    "NamedTuple": """
        import collections
        import typing
        class Point(typing.NamedTuple):
            x: int
            y: int = 5
            def sum(self):
                return self.x + self.y
        Pair = collections.namedtuple("Pair", "left right", defaults=[3])
        Point.ORIGIN = Point(0, 0)
        class Place(typing.NamedTuple):
            name: str
            def is_home(self):
                return self == HOME
        HOME = Place("home")
        def here():
            assert Place("home").is_home() and Point.ORIGIN == (0, 0)
            return Point(1), Point(1).sum(), Point(1)._replace(y=2), Pair(1), Point._fields, Point.__annotations__
    """,
    "TypedDict": """
        import typing
        class Movie(typing.TypedDict, total=False):
            name: typing.Required[str]
            year: int
        class Film(Movie):
            seen: bool
        def here():
            keys = Movie.__required_keys__, Film.__optional_keys__
            return Movie(name="x"), keys, typing.get_type_hints(Film), Movie.__total__
    """,
    "Protocol": """
        import typing
        @typing.runtime_checkable
        class Closes(typing.Protocol):
            name: str
            def close(self) -> None: ...
        class Door:
            name = "door"
            def close(self) -> None: ...
        class Own(Closes):
            pass
        def here():
            return isinstance(Door(), Closes), isinstance(3, Closes), Own.__mro__[1] is Closes, typing.is_protocol(Closes)
    """,
    "ABC": """
        import abc
        class Shape(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
            @property
            @abc.abstractmethod
            def name(self): ...
        class Square(Shape):
            name = "square"
            def area(self):
                return 4
        class Virtual:
            pass
        Shape.register(Virtual)
        def here():
            try:
                Shape()
            except TypeError as error:
                refused = str(error)
            return refused, Square().area(), isinstance(Virtual(), Shape), sorted(Shape.__abstractmethods__)
    """,
    "Enum": """
        import enum
        class Color(enum.Enum):
            RED = 1
            CRIMSON = 1
            BLUE = enum.auto()
            @property
            def nice(self):
                return self.name.title()
            @classmethod
            def _missing_(cls, value):
                return cls.BLUE
        class Planet(enum.Enum):
            MERCURY = (3.3, 2.4)
            def __init__(self, mass, radius):
                self.mass, self.radius = mass, radius
        class Labelled(str, enum.Enum):
            def __new__(cls, value, label):
                member = str.__new__(cls, value.upper())
                member._value_, member.label = value, label
                return member
        class Letters(Labelled):
            A = "a", "first"
        class Access(enum.IntFlag, boundary=enum.KEEP):
            READ, WRITE = 1, 2
            BOTH = 3
        class Named(enum.StrEnum):
            X = enum.auto()
        class Functions(enum.Enum):
            DOUBLE = enum.member(lambda x: 2 * x)
            KIND = enum.member(int)
            @enum.nonmember
            class Inner:
                z = 3
        def here():
            return (
                list(map(repr, Color)), list(Color.__members__), Color.CRIMSON is Color.RED, Color(99).nice,
                Color["BLUE"].value, Planet.MERCURY.mass, Planet((3.3, 2.4)).name, Letters.A.label, Letters("a").value,
                "".join(Letters.A),
                repr(Access.READ | Access.WRITE), repr(Access(8)), Access.BOTH.value, repr(Named.X), Named.X == "x",
                Functions.DOUBLE.value(4), Functions.KIND.value, Functions.Inner.z, len(Functions),
            )
    """,
    "dataclasses": """
        import dataclasses
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        @dataclasses.dataclass
        class Plain:
            x: int
            y: list = dataclasses.field(default_factory=list)
            kind: typing.ClassVar[str] = "plain"
        @dataclasses.dataclass(slots=True, frozen=True, order=True, kw_only=True)
        class Slotted:
            x: int
            y: int = 2
            _: dataclasses.InitVar[int] = 3
            def method(self, other: "Missing") -> "Slotted":
                return dataclasses.replace(self, x=5, _=4)
        def here():
            refused = []
            for change in (lambda: setattr(Slotted(x=1), "x", 2), lambda: setattr(Slotted(x=1), "z", 2)):
                try:
                    change()
                except Exception as error:
                    refused.append(type(error).__name__)
            return (
                Plain(1), Plain(1) == Plain(1), [field.name for field in dataclasses.fields(Plain)], Slotted(x=1), refused,
                Slotted(x=1).method(None), Slotted(x=1) < Slotted(x=2), hasattr(Slotted(x=1), "__dict__"), Slotted.__slots__,
            )
    """,
    "what dataclasses are made of": """
        import dataclasses
        import inspect
        @dataclasses.dataclass
        class Base:
            x: int
            y: list = dataclasses.field(default_factory=list)
            _: dataclasses.KW_ONLY = None
            z: int = 3
        def here():
            @dataclasses.dataclass
            class Derived(Base):
                w: int = 5
            missing = dataclasses.MISSING
            fields = [(field.default is missing, field.default_factory is missing) for field in dataclasses.fields(Base)]
            return fields, repr(Derived(1, z=4)), str(inspect.signature(Base)), Base.__init__.__annotations__
    """,
    "ctypes structures": """
        import ctypes
        class Pair(ctypes.Structure):
            _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]
        class Pairs(ctypes.Union):
            _fields_ = [("pair", Pair), ("raw", ctypes.c_long)]
        def here():
            return Pair(1, 2.5).b, ctypes.sizeof(Pairs), Pairs(Pair(7)).pair.a
    """,
    "slots": """
        class Base:
            __slots__ = "x", "__private", "__weakref__"
            def __init__(self):
                self.x, self.__private = 1, 2
            def both(self):
                return self.x, self.__private
        class Derived(Base):
            __slots__ = {"y": "documented"}
        class Open(Derived):
            __slots__ = ("__dict__",)
        descriptor = Base.x
        def here():
            import weakref
            made = Derived()
            made.y = 3
            Open().any = 1
            return made.both(), made.y, hasattr(made, "__dict__"), descriptor.__get__(made), weakref.ref(made)() is made
    """,
    "metaclass": """
        class Meta(type):
            def __new__(cls, name, bases, names, *, tag):
                made = super().__new__(cls, name, bases, names)
                made.tag = tag
                return made
            def __init__(cls, name, bases, names, *, tag):
                pass
            def __call__(cls, *args):
                return [super().__call__(*args)]
        class Tagged(metaclass=Meta, tag="t"):
            pass
        class Plugin:
            known = []
            def __init_subclass__(cls, *, name, **kwargs):
                super().__init_subclass__(**kwargs)
                cls.label = name, cls.attribute
                Plugin.known.append(cls)
        class Mine(Plugin, name="mine"):
            attribute = 5
            def run(self):
                return super().__str__()[:9], __class__.__name__
        def here():
            return Tagged.tag, type(Tagged()), Mine.label, Plugin.known == [Mine], Mine().run(), type(Tagged).__name__
    """,
    "what happened at home": """
        happened = []
        class Meta(type):
            def __new__(cls, name, bases, names):
                happened.append(name)
                return super().__new__(cls, name, bases, names)
        class Base(metaclass=Meta):
            registered = []
            def __init_subclass__(cls):
                cls.registered.append(cls)
        class One(Base):
            pass
        class Two(One):
            pass
        def here():
            return happened, Base.registered == [One, Two], type(Two) is Meta
    """,
    "subclasses of property": """
        class lazy(property):
            def __init__(self, fn):
                super().__init__(fn)
                self.calls = 5
            def __get__(self, instance, owner=None):
                return self if instance is None else (self.fget(instance), self.calls)
        class loud(classmethod):
            pass
        class Uses:
            @lazy
            def value(self):
                return 3
            @loud
            def name(cls):
                return cls.__name__
            @lazy
            def other(self):
                return super().__str__()[:2]
        def here():
            return Uses().value, Uses.name(), Uses.value.calls, Uses().other
    """,
    "objects of the standard library": """
        import itertools
        import struct
        import threading
        numbers, steps = itertools.count(5), itertools.count(1.5, 2)
        HEADER = struct.Struct("<Ih")
        local = threading.local()
        local.here = 1
        make_dict = dict.__dict__["fromkeys"]
        def set_local():
            local.value = 3
        def here():
            had = vars(local).pop("value", None)
            set_local()
            made = make_dict.__get__(None, dict)("ab")
            return next(numbers) > 4, repr(steps), HEADER.pack(1, 2), had, local.value, made
    """,
    "weak references": """
        import weakref
        class Node:
            pass
        node = Node()
        alive = weakref.ref(node)
        dead = weakref.ref(Node())
        def here():
            return alive() is node, dead()
    """,
    "attributes of functions": """
        def helper(a, b=2, /, *, c=3):
            "Documented."
        helper.mark = [1]
        helper.__name__ = "other"
        def here():
            names = helper.__name__, helper.__qualname__, helper.__module__
            return helper.mark, names, helper.__defaults__, helper.__kwdefaults__, helper.__doc__
    """,
    "context managers": """
        import contextlib
        @contextlib.contextmanager
        def manager():
            yield 5
        def here():
            with manager() as value:
                return value
    """,
    "weak dictionaries": """
        import weakref
        class Key:
            pass
        key = Key()
        notes = weakref.WeakKeyDictionary({key: 1})
        by_name = weakref.WeakValueDictionary(key=key)
        def here():
            return notes[key], by_name["key"] is key
    """,
    "environment": """
        from os import environ
        def here():
            environ["AIOINTERPRETERS_TEST"] = "5"
            import os
            return os.environ is environ, os.environ["AIOINTERPRETERS_TEST"]
    """,
    "context variables": """
        from contextvars import ContextVar
        from support.variables import request
        with_default = ContextVar("with_default", default=[4])
        without = ContextVar("without")
        def change():
            with_default.set(6)
        def here():
            try:
                without.get()
            except LookupError:
                missing = True
            first = with_default.get()
            change()
            second = with_default.get()
            import support.variables
            with_default.set(first)
            return first, second, missing, request is support.variables.request, with_default.name
    """,
    "recursive closures": """
        def make():
            def even(n):
                return n == 0 or odd(n - 1)
            def odd(n):
                return n != 0 and even(n - 1)
            return even
        even = make()
        def here():
            return even(10), even(7)
    """,
    "module that is made here": """
        import types
        made = types.ModuleType("made_here")
        exec("def double(x): return 2 * factor * x", made.__dict__)
        made.factor = 3
        def here():
            return made.double(2), made.__name__
    """,
}

if sys.version_info >= (3, 14):
    KINDS["late annotations"] = """
        import annotationlib
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        class Plain:
            pass
        def outer():
            class Inner:
                Alias = int
                field: Missing
                other: list[Plain]
                def method(self, a: Alias, b: Missing, c: "Inner") -> Plain: ...
            def nested(a: Missing, b: Plain, c: Inner) -> None: ...
            return Inner, nested
        Inner, nested = outer()
        def fine(a: Plain, b: Inner) -> None: ...
        def here():
            forward, text = annotationlib.Format.FORWARDREF, annotationlib.Format.STRING
            try:
                nested.__annotations__
            except NameError as error:
                lost = str(error)
            hints = annotationlib.get_annotations(nested, format=forward)
            of_method = annotationlib.get_annotations(Inner.method, format=forward)
            return (
                lost, annotationlib.get_annotations(nested, format=text), annotationlib.get_annotations(Inner, format=text),
                annotationlib.get_annotations(Inner.method, format=text), hints["b"] is Plain, hints["c"] is Inner,
                of_method["a"] is int, of_method["return"] is Plain, of_method["b"].__forward_arg__,
                typing.get_type_hints(fine) == {"a": Plain, "b": Inner, "return": type(None)},
            )
    """
    KINDS["dataclass with names for type checkers"] = """
        import dataclasses
        import typing
        if typing.TYPE_CHECKING:
            from nowhere import Missing
        def outer():
            @dataclasses.dataclass(slots=True)
            class Holder:
                x: int
                missing: Missing = None
                more: list[Missing] = None
                def method(self, a: Missing) -> Missing:
                    return self.x
            return Holder
        Holder = outer()
        def here():
            return Holder(5), Holder(5).method(1), [str(field.type) for field in dataclasses.fields(Holder)]
    """
if sys.version_info >= (3, 15):
    KINDS["lazy imports"] = """
        lazy import colorsys
        lazy import xml.dom.minidom
        lazy import xml.sax.saxutils
        lazy import email.mime.text as text
        lazy from html import escape
        lazy from email.mime import audio
        lazy from nowhere import nothing
        def here():
            try:
                nothing
            except ImportError as error:
                failed = type(error).__name__
            return (
                colorsys.rgb_to_hsv(0, 0, 0), xml.dom.minidom.__name__, xml.sax.saxutils.__name__, text.__name__,
                escape("<"), audio.__name__, failed,
            )
    """
    KINDS["lazy modules"] = """
        __lazy_modules__ = ["fractions"]
        import fractions
        def here():
            return str(fractions.Fraction(1, 2))
    """
    KINDS["sentinel"] = """
        MISSING = sentinel("MISSING")
        def default(value=MISSING):
            return value is MISSING
        def here():
            return default(), default(1), repr(MISSING), MISSING.__name__, MISSING.__module__
    """
