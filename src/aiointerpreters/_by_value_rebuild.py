"""Rebuilds functions, classes and other objects that were pickled by value (_by_value.py).

Workers import this module when the first such object arrives. So it imports only what nearly every worker has anyway.

Each function here stands in pickles. Objects that refer to themselves are created empty first, and filled when all that they
refer to exists: that is what the functions named `fill_...` are for.
"""

from __future__ import annotations

import builtins
import os
import sys
from _contextvars import ContextVar
from types import CellType, CodeType, FunctionType, ModuleType
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary, ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_ids: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()
_objects: WeakValueDictionary[bytes, Any] = WeakValueDictionary()
_own: WeakSet[type] = WeakSet()  # those that this interpreter has defined itself
_born_with: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()  # attributes of the others before they are filled
_strong_ids: dict[Any, bytes] = {}
_strong_objects: dict[bytes, Any] = {}


def identify(obj: Any) -> bytes:
    """Return the id of an object that is one and the same in all interpreters which have received it.

    Ids are random, because several interpreters create them. An object without weak references is kept for good. This is so
    for context variables and sentinels, which live as long as their module.
    """
    known: Any = _ids if type(obj).__weakrefoffset__ else _strong_ids
    found: bytes | None = known.get(obj)
    if found is None:
        found = known.setdefault(obj, os.urandom(12))
        if isinstance(obj, type):
            _own.add(obj)
        (_objects if known is _ids else _strong_objects)[found] = obj
    return found


def is_identified(obj: Any) -> bool:
    """Return whether an object without weak references has an id."""
    return obj in _strong_ids


def id_of(obj: Any) -> bytes | None:
    """Return the id of an object with weak references, or None if it has not got one."""
    return _ids.get(obj)


def derives_from_identified(kind: type) -> bool:
    """Return whether a class derives from one that has an id."""
    return any(base in _ids for base in kind.__mro__[1:])


def find(identity: bytes) -> Any:
    """Return the object with this id, or None."""
    found = _objects.get(identity)
    return _strong_objects.get(identity) if found is None else found


def as_known(identity: bytes, made: Any) -> Any:
    """Return the object that this interpreter has for the id. Without one, it is `made` from now on."""
    is_weak = bool(type(made).__weakrefoffset__)
    objects: Any = _objects if is_weak else _strong_objects
    known: Any = _ids if is_weak else _strong_ids
    found = objects.setdefault(identity, made)
    known.setdefault(found, identity)
    return found


def make_cell() -> CellType:
    """Create an empty cell."""
    return CellType()


def fill_cell(cell: CellType, content: tuple[Any]) -> None:
    """Fill a cell."""
    (cell.cell_contents,) = content


def make_function(code: CodeType, names: dict[str, Any], closure: tuple[CellType, ...] | None) -> FunctionType:
    """Create a function without defaults and attributes."""
    names.setdefault("__builtins__", builtins.__dict__)
    return FunctionType(code, names, None, None, closure)


def fill_function(fn: FunctionType, state: tuple[dict[str, Any], list[Any], dict[str, Any], dict[str, Any]]) -> None:
    """Give a function its globals, its special attributes and its own attributes."""
    names, _, special, own = state  # the second item has done its work: its modules have been imported
    if (own_builtins := names.pop("__builtins__", None)) is not None:
        fn.__globals__["__builtins__"].update(own_builtins)
    fn.__globals__.update(names)
    for name, value in special.items():
        setattr(fn, name, value)
    fn.__dict__.update(own)


def import_module(name: str) -> ModuleType:
    """Import a module."""
    __import__(name)
    return sys.modules[name]


def attribute_of(module: str, name: str) -> Any:
    """Import a module, and return an attribute of it."""
    return getattr(import_module(module), name)


def own_attribute(kind: type, name: str) -> Any:
    """Return an attribute of a class as it stands in the class or a base, without binding it."""
    return next(base.__dict__[name] for base in kind.__mro__ if name in base.__dict__)


def import_lazily(statement: str) -> Any:
    """Return what a lazy import binds. `statement` binds the name `bound`, or the first part of a dotted name."""
    names: dict[str, Any] = {}
    exec(statement, names)
    del names["__builtins__"]
    return dict.popitem(names)[1]


def make_module(name: str) -> ModuleType:
    """Create a module that cannot be imported."""
    module = ModuleType(name)
    module.__dict__["__builtins__"] = builtins.__dict__
    return module


def metaclass_of(bases: tuple[type, ...]) -> type:
    """Return the metaclass that a class statement with these bases has if it names none."""
    meta = type
    for base in bases:
        if issubclass(type(base), meta):
            meta = type(base)
    return meta


def make_class(meta: type | None, name: str, bases: tuple[type, ...], names: dict[str, Any], identity: bytes) -> type:
    """Create a class without its attributes, or return the one that has arrived before."""
    meta = metaclass_of(bases) if meta is None else meta
    found: type | None = find(identity)
    if found is None:
        return _newly_known(identity, _new_class(meta, name, bases, names))
    if found not in _own:
        _change(found, meta, name, bases, names)
    return found


def _newly_known(identity: bytes, made: type) -> type:
    found: type = as_known(identity, made)
    _born_with.setdefault(found, frozenset(vars(found)))
    return found


def _change(made: type, meta: type, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> None:
    """Give a class what home may have changed since it was created, apart from its attributes."""
    if made.__bases__ != bases:
        made.__bases__ = bases
    if type(made) is not meta:
        made.__class__ = meta
    for special, value in (("__name__", name), *((special, names.get(special)) for special in _CHANGEABLE)):
        if value is not None and type.__getattribute__(made, special) != value:
            type.__setattr__(made, special, value)


_CHANGEABLE = ("__qualname__", "__module__")


def _new_class(meta: type, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> type:
    """Create a class. What metaclasses and bases by value have done at home arrives with them and is not done again."""
    silent = {base for root in (*bases, meta) for base in root.__mro__ if base in _ids}
    try:
        return _new_class_without(silent, meta, name, bases, names)
    except Exception:
        # The metaclass or __init_subclass__ needs more than a name: keywords, or attributes of the class.
        silent = {base for root in (*bases, meta) for base in root.__mro__ if base.__module__ != "abc"} - {object, type}
        return _new_class_without(silent, meta, name, bases, names)


def _new_class_without(silent: set[type], meta: type, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> type:
    """Create a class without calling `__new__`, `__init__` and `__init_subclass__` of these classes."""
    hook = "__init_subclass__"
    hooks = [(base, base.__dict__[hook]) for base in silent if isinstance(base.__dict__.get(hook), classmethod)]
    hooks = [(base, own) for base, own in hooks if base.__module__ != "typing"]  # these cannot be replaced
    namespace: Any = {} if meta in silent else meta.__prepare__(name, bases)
    namespace.update(names)
    try:
        for base, _ in hooks:
            setattr(base, hook, classmethod(lambda cls, **_: None))
        if meta not in silent:
            return meta(name, bases, namespace)  # type: ignore[no-any-return]
        make = next(base.__new__ for base in meta.__mro__ if "__new__" in base.__dict__ and base not in silent)
        return make(meta, name, bases, namespace)
    finally:
        for base, own in hooks:
            setattr(base, hook, own)


def make_enum(
    bases: tuple[Any, ...],
    name: str,
    names: dict[str, Any],
    members: dict[str, tuple[Any, ...]],
    boundary: Any,
    identity: bytes,
) -> type:
    """Create an enum with its members, or return the one that has arrived before.

    members: of each, its value; and the arguments of `__new__` of the type that is mixed in, if the enum creates its members
    in its own way.
    """
    found: type | None = find(identity)
    meta = type(bases[-1])
    if found is not None:
        if found not in _own:
            _change(found, meta, name, bases, names)
            _set_values(found, {key: content[0] for key, content in members.items()})
        return found
    namespace: Any = meta.__prepare__(name, bases)
    for key, value in names.items():
        namespace[key] = value
    is_own = any(len(content) > 1 for content in members.values())
    if is_own:
        namespace["__new__"] = _new_member
        namespace["__init__"] = lambda *_: None
    for key, content in members.items():
        namespace[key] = content if is_own else _member(content[0])
    made = meta(name, bases, namespace) if boundary is None else meta(name, bases, namespace, boundary=boundary)
    if is_own:
        del made.__init__
    return _newly_known(identity, made)


def _set_values(kind: Any, values: dict[str, Any]) -> None:
    """Give the members of an enum these values, if a call or home may have changed them. They stay the same objects."""
    of_value = kind._value2member_map_
    for name, member in kind._member_map_.items():
        old = member._value_
        new = values.get(name, old)
        if new is old or (type(new) is type(old) and type(new) in _PLAIN and new == old):
            continue
        member._value_ = new
        try:
            if of_value.get(old) is member:
                del of_value[old]
            of_value.setdefault(new, member)
        except TypeError:  # it has no hash
            pass
        hashable = getattr(kind, "_hashable_values_", [])
        for held in (hashable, kind._unhashable_values_, *kind._unhashable_values_map_.values()):
            held[:] = [new if value is old else value for value in held]


_PLAIN = (int, str, bytes, bool)


def _member(value: Any) -> Any:
    """A value that makes a member in the body of an enum. Functions and classes do so only if the body says so."""
    if not hasattr(type(value), "__get__") and not isinstance(value, type):
        return value
    from enum import member

    return member(value)


def _new_member(kind: Any, value: Any, args: tuple[Any, ...]) -> Any:
    mixed_in = kind._member_type_
    try:
        member = mixed_in.__new__(kind, *args)
    except TypeError:
        member = object.__new__(kind)
    member._value_ = value
    return member


OF_MEMBERS = ("_value_", "_name_", "__objclass__", "_sort_order_", "_inverted_")
"""The attributes that Python gives to members of enums."""

_OF_ANNOTATIONS = ("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__")


def fill_class(made: Any, state: tuple[dict[str, Any], Any, list[type], dict[str, dict[str, Any]]]) -> None:
    """Give a class its attributes, its annotations, its registered subclasses, and the attributes of its members."""
    if made in _own:
        return  # it has been somewhere else and is back
    attributes, annotate, registered, members = state
    keeps = _born_with[made]
    for name, value in list(vars(made).items()):
        if name not in attributes and name not in keeps and name not in _OF_ANNOTATIONS and type(value).__name__ != "CField":
            delattr(made, name)
    for name, value in attributes.items():
        if name != "_fields_" or name not in vars(made):  # ctypes does not let it be set again
            setattr(made, name, value)
    if annotate is not None:
        made.__annotate__ = annotate
    _register(made, registered)
    for name, member in getattr(made, "_member_map_", {}).items():
        held, own = vars(member), members.get(name, {})
        for stale in [key for key in held if key not in own and key not in OF_MEMBERS]:
            del held[stale]
        held.update(own)


def _register(made: Any, registered: list[type]) -> None:
    """Let an abstract class have these subclasses registered, and no others."""
    if "_abc_impl" not in vars(made):
        for subclass in registered:
            made.register(subclass)
        return
    from abc import _get_dump, _reset_caches, _reset_registry  # type: ignore[attr-defined]

    registry, *_ = _get_dump(made)
    known = {subclass for reference in registry if (subclass := reference()) is not None}
    if not known.issubset(registered):
        _reset_registry(made)
        known = set()
        for kind in {*made.__mro__, *_ids}:  # what they have found out may come from it
            if "_abc_impl" in getattr(kind, "__dict__", ()):
                _reset_caches(kind)
    for subclass in registered:
        if subclass not in known:
            made.register(subclass)


_caches: ContextVar[tuple[list[Any], Iterator[Any]]] = ContextVar("_caches")


def use_caches(caches: list[Any]) -> Any:
    """Load a function with the cached functions of a list, in its order. New ones are added to it.

    Returns what `stop_using_caches` needs.
    """
    return _caches.set((caches, iter(caches[:])))


def stop_using_caches(token: Any) -> None:
    """Go back to what was before `use_caches`."""
    _caches.reset(token)


def make_cached(fn: Any, maxsize: int | None, typed: bool) -> Any:
    """Create a function with an empty cache, or return the one with the cache that it has here."""
    from functools import lru_cache

    caches, known = _caches.get(([], iter(())))
    if (found := next(known, None)) is not None:
        return found
    caches.append(lru_cache(maxsize, typed)(fn))
    return caches[-1]


def make_partial_method(fn: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Create a functools.partialmethod."""
    from functools import partialmethod

    return partialmethod(fn, *args, **keywords)


def fill_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    """Set attributes."""
    for name, value in attributes.items():
        setattr(obj, name, value)


def make_dispatcher(fn: Any, is_method: bool) -> Any:
    """Create a generic function, or a generic method."""
    from functools import singledispatch, singledispatchmethod

    if not is_method:
        return _visible(singledispatch(fn), fn)
    made = singledispatchmethod(fn)
    made.dispatcher = _visible(made.dispatcher, fn)
    return made


def _visible(dispatcher: Any, fn: Any) -> Any:
    """A generic function that is no function of functools, so that the worker sees what a call changes in its registry.

    It does not see the cache, which each call of the function changes.
    """
    from functools import update_wrapper

    code, everything = dispatcher.__code__, dispatcher.__globals__
    names = {name: everything[name] for name in code.co_names if name in everything}
    made: Any = make_function(code, names, dispatcher.__closure__)
    made.__dict__.update(vars(dispatcher))
    clear = dispatcher._clear_cache
    made._clear_cache = lambda: clear()
    return update_wrapper(made, fn)


def fill_dispatcher(dispatcher: Any, state: tuple[list[tuple[type, Any]], dict[str, Any]]) -> None:
    """Register the implementations of a generic function, and set its own attributes."""
    registered, attributes = state
    for kind, fn in registered:
        dispatcher.register(kind, fn)
    fill_attributes(dispatcher, attributes)


def make_descriptor(kind: type, base: Any, args: tuple[Any, ...]) -> Any:
    """Create an object of a subclass of property, classmethod or staticmethod, without calling what it has of its own."""
    made = base.__new__(kind, *args)
    base.__init__(made, *args)
    return made


def make_weak_reference(*referent: Any) -> Any:
    """Create a weak reference; without a referent, a dead one."""
    return ref(*referent) if referent else ref(WeakSet())


def make_local(kind: type, identity: bytes) -> Any:
    """Create a threading.local, or return the one that has arrived before."""
    return as_known(identity, kind())


def make_variable(name: str, default: tuple[Any, ...], identity: bytes) -> Any:
    """Create a context variable, or return the one that has arrived before."""
    found = find(identity)
    if found is not None:
        return found
    from contextvars import ContextVar

    return as_known(identity, ContextVar(name, default=default[0]) if default else ContextVar(name))


def make_sentinel(name: str, shown: str, module: str, identity: bytes) -> Any:
    """Create a sentinel, or return the one that has arrived before."""
    found = find(identity)
    if found is not None:
        return found
    made = builtins.sentinel(name, repr=shown)  # type: ignore[attr-defined]
    made.__module__ = module
    return as_known(identity, made)
