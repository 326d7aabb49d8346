"""More kinds of objects in functions that cross by value, as in by_value_kinds.py: those that reports about others name."""

import sys

KINDS = {
    "a metaclass with __prepare__": """
        class Names(dict):
            def __setitem__(self, name, value):
                super().__setitem__(name, value)
                if not name.startswith("_"):
                    self.setdefault("_order", []).append(name)
        class Meta(type):
            @classmethod
            def __prepare__(mcs, name, bases, **keywords):
                return Names()
            def __new__(mcs, name, bases, names, **keywords):
                made = super().__new__(mcs, name, bases, dict(names))
                made.keywords = keywords
                return made
            def __init__(cls, name, bases, names, **keywords):
                super().__init__(name, bases, names)
            def __len__(cls):
                return len(cls._order)
            def __getattr__(cls, name):
                if name == "magic":
                    return 42
                raise AttributeError(name)
        class One(metaclass=Meta, a=1):
            x = 1
            def y(self):
                return 2
        class Two(One, b=2):
            z = 1
        def here():
            return One._order, len(One), Two.keywords, Two._order, One.magic, Two().y()
    """,
    "descriptors with __set_name__": """
        class Field:
            calls = 0
            def __set_name__(self, owner, name):
                self.name, self.owner = name, owner
                self.calls += 1
            def __get__(self, obj, kind):
                return (self.name, self.owner is kind, self.calls) if obj is None else obj.__dict__.get(self.name)
            def __set__(self, obj, value):
                obj.__dict__[self.name] = value
        class Record:
            a, b = Field(), Field()
        def here():
            record = Record()
            record.a = 5
            return Record.a, Record.b, record.a, record.b
    """,
    "super and __class__ in all kinds of methods": """
        class A:
            def f(self):
                return ["A"]
            @classmethod
            def kind(cls):
                return cls.__name__
            @property
            def value(self):
                return 1
        class B(A):
            def f(self):
                return [*super().f(), "B"]
            @classmethod
            def kind(cls):
                return super().kind() + "!"
            @property
            def value(self):
                return super().value + 1
            def generate(self):
                yield from (each for each in super().f())
            def who(self):
                return (lambda: __class__)()
        class C(B):
            g = lambda self: super(C, self).f()
        def here():
            return B().f(), B.kind(), B().value, list(B().generate()), C().g(), B().who() is B
    """,
    "recursion of closures": """
        def make():
            def even(n):
                return n == 0 or odd(n - 1)
            def odd(n):
                return n != 0 and even(n - 1)
            return even, odd, (lambda n: 1 if n < 2 else n * factorial(n - 1))
        even, odd, factorial = make()
        class Account:
            total = 1
            def adder(self):
                def add(n):
                    self.total += n
                    return self.total
                return add
        add = Account().adder()
        def here():
            return even(10), odd(7), factorial(5), add(2)
    """,
    "weak references in closures": """
        import weakref
        class Referent:
            value = 3
        referent = Referent()
        reference, proxy = weakref.ref(referent), weakref.proxy(referent)
        by_key, some = weakref.WeakValueDictionary(k=referent), weakref.WeakSet([referent])
        def here():
            return reference() is referent, proxy.value, by_key["k"] is referent, referent in some
    """,
    "generators and context managers": """
        import contextlib
        def inner(n):
            received = yield n
            return received
        def outer():
            yield (yield from inner(1))
        @contextlib.contextmanager
        def manager(value):
            yield value + 1
        @contextlib.asynccontextmanager
        async def later(value):
            yield value + 2
        async def numbers():
            for number in range(3):
                yield number
        def here():
            import asyncio
            async def main():
                async with later(1) as value:
                    return value, [number async for number in numbers()]
            with manager(1) as value:
                return value, list(outer()), asyncio.run(main())
    """,
    "functions made by other means": """
        import types
        in_loop = [lambda: i for i in range(3)]
        with_default = [lambda i=i: i for i in range(3)]
        names = {}
        exec("def made(a, /, b=2, *, c=lambda x: x + off): return c(a + b)", {"off": 10}, names)
        made = names["made"]
        copied = types.FunctionType(made.__code__, {"off": 20}, "copied", (5,))
        copied.__kwdefaults__ = made.__kwdefaults__
        made.other, copied.other = copied, made
        def here():
            loops = [fn() for fn in in_loop], [fn() for fn in with_default]
            return loops, made(1), copied(1), copied.__name__, made.other.other is made
    """,
    "a cell that was deleted": """
        def make():
            value = 1
            def use():
                try:
                    return value
                except NameError as error:
                    return str(error)
            del value
            return use
        use = make()
        def here():
            return use()
    """,
    "classes of matching": """
        class Point:
            __match_args__ = ("x", "y")
            def __init__(self, x, y):
                self.x, self.y = x, y
        def matched(value):
            match value:
                case Point(0, y):
                    return y
                case Point(x=a, y=b) if a == b:
                    return a
                case {"k": found, **rest}:
                    return found, rest
                case [first, *others]:
                    return first, others
        def here():
            return matched(Point(0, 5)), matched(Point(2, 2)), matched({"k": 1, "z": 2}), matched([1, 2]), matched(3)
    """,
    "a class that is closed over by nonlocal": """
        def outer():
            number = 0
            class Inner:
                nonlocal number
                number = 5
                def get(self):
                    nonlocal number
                    number += 1
                    return number
            return Inner, lambda: number
        Inner, get = outer()
        def here():
            before = get()
            return before, Inner().get() - before, get() - before
    """,
    "classes that say how they are pickled": """
        class Hidden:
            def __init__(self):
                self.a, self.fn = 1, lambda: 3
            def __getstate__(self):
                return {"a": 5}
            def __setstate__(self, state):
                self.__dict__.update(state)
        class Keyword:
            def __new__(cls, *, k):
                made = super().__new__(cls)
                made.k = k
                return made
            def __getnewargs_ex__(self):
                return (), {"k": self.k}
        hidden, keyword = Hidden(), Keyword(k=5)
        def here():
            return type(hidden) is Hidden, keyword.k, type(keyword).__name__
    """,
    "generic classes": """
        import collections.abc
        import typing
        type Handler[**P] = collections.abc.Callable[P, int]
        class Task[**P, R]:
            def __init__(self, fn):
                self.fn = fn
            def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
                return self.fn(*args, **kwargs)
            def then[U](self, fn: collections.abc.Callable[[R], U]) -> "Task[P, U]":
                return Task(lambda *args: fn(self(*args)))
        class Pair[T](typing.NamedTuple):
            left: T
            right: T | None = None
        class Table[T](typing.TypedDict):
            value: typing.ReadOnly[T]
        task = Task(lambda x: x + 1).then(str)
        def here():
            texts = str(Task[[int], dict[str, list[int]]]), str(Handler[int]), str(Pair[int])
            return task(1), texts, Pair(1), Table(value=1)
    """,
}
if sys.version_info >= (3, 14):
    KINDS["template strings"] = """
        name = "world"
        def greet():
            return t"hello {name!r:>5}"
        constant = greet()
        def here():
            made = greet()
            return made.strings, made.interpolations[0].value, constant.interpolations[0].format_spec
    """
