"""How functions and classes are pickled by value. The other halves of these functions are in _by_value_rebuild.py."""

import abc
import builtins
import gc
import opcode
import sys
from collections.abc import Iterator
from enum import Enum, Flag
from types import CellType, CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from . import _by_value_rebuild as rebuild
from ._by_value_types import LAZY, Reduction

if TYPE_CHECKING:
    from ._by_value import Pickler

# ---- The names that code uses.

_EXTENDED_ARG = opcode.EXTENDED_ARG
_LOAD_GLOBAL = opcode.opmap["LOAD_GLOBAL"]
_BY_NAME = {
    opcode.opmap[name]
    for name in ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL")
    if name in opcode.opmap
}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code, and all code inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


_known_names: WeakKeyDictionary[CodeType, tuple[list[str], set[str]]] = WeakKeyDictionary()


def _names(code: CodeType) -> tuple[list[str], set[str]]:
    """Return the globals that this code and all code inside it may look up, in their order, and all names that it uses."""
    if (known := _known_names.get(code)) is not None:
        return known
    names: dict[str, None] = {}
    used: set[str] = set()
    for part in _codes(code):
        used.update(part.co_names)
        names.update(dict.fromkeys(_global_names(part)))
    _known_names[code] = list(names), used
    return _known_names[code]


def _global_names(code: CodeType) -> Iterator[str]:
    instructions = code.co_code
    extended = 0
    for i in range(0, len(instructions), 2):
        operation, argument = instructions[i], instructions[i + 1] | extended
        extended = argument << 8 if operation == _EXTENDED_ARG else 0
        if operation == _LOAD_GLOBAL:
            yield code.co_names[argument >> 1]
        elif operation in _BY_NAME:
            yield code.co_names[argument]


def _submodules(found: Any, names: set[str]) -> Iterator[Any]:
    """Yield submodules of a package that code with these names may mean: `concurrent.futures`, if it uses `concurrent`."""
    prefix = found.__name__ if isinstance(found, ModuleType) else ""
    if not prefix or not hasattr(found, "__path__"):
        return
    for name in names:
        inner = sys.modules.get(f"{prefix}.{name}")
        if isinstance(inner, ModuleType):
            yield inner
            yield from _submodules(inner, names)


class _LazyModule:
    """Stands for a lazy import of a submodule."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild.import_lazily, (f"lazy import {self.name}",)


def _lazy_submodules(names: dict[str, Any], used: set[str]) -> list[_LazyModule]:
    """Return the submodules that home has declared by lazy imports and not imported yet."""
    if LAZY is None:
        return []
    packages = {name for name, value in names.items() if isinstance(value, ModuleType) or type(value) is LAZY}
    declared = [name.split(".") for name in list(sys.lazy_modules)]  # type: ignore[attr-defined]
    return [
        _LazyModule(".".join(parts))
        for parts in declared
        if len(parts) > 1 and parts[0] in packages and used.issuperset(parts[1:])
    ]


# ---- Functions.


def reduce_function(pickler: "Pickler", fn: FunctionType) -> Reduction:
    """Reduce a function: its code, and those globals that the code uses."""
    code = fn.__code__
    everything = fn.__globals__
    base = pickler.globals_ref.setdefault(
        id(everything),
        {name: everything[name] for name in ("__package__", "__name__", "__path__", "__file__") if name in everything},
    )
    closure = fn.__closure__ and pickler.once(fn, lambda: _closure(fn))
    looked_up, used = _names(code)
    names = {name: everything[name] for name in looked_up if name in everything}
    if (own := _own_builtins(fn, looked_up)) is not None:
        base.setdefault("__builtins__", {})
        names["__builtins__"] = own
    held = [*names.values(), *map(_content, fn.__closure__ or ())]
    modules = [inner for value in held for inner in _submodules(value, used)]
    state = (names, [*modules, *_lazy_submodules(names, used)], _special(pickler, fn, base), dict(fn.__dict__))
    return rebuild.make_function, (code, base, closure), state, None, None, rebuild.fill_function


_IMPLICIT = ("__build_class__", "__import__")


def _builtins_of(fn: Any) -> dict[str, Any]:
    return fn.__builtins__  # type: ignore[no-any-return]


def _own_builtins(fn: FunctionType, looked_up: list[str]) -> dict[str, Any] | None:
    """The builtins that a function may use, if its globals have a `__builtins__` of their own. Otherwise None."""
    found = _builtins_of(fn)
    if found is builtins.__dict__:
        return None
    return {name: found[name] for name in (*_IMPLICIT, *looked_up) if name in found}


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _closure(fn: FunctionType) -> tuple[CellType, ...]:
    """The cells of a function. Of the names of a class, an annotation sees only those that it uses."""
    code = fn.__code__
    cells = dict(zip(code.co_freevars, fn.__closure__ or (), strict=True))
    names = _content(cells["__classdict__"]) if "__classdict__" in cells else None
    if names is not None:
        used = {name for part in _codes(code) for name in (*part.co_names, *part.co_freevars, *part.co_cellvars)}
        cells["__classdict__"] = CellType({name: names[name] for name in used if name in names})
    return tuple(cells.values())


def _special(pickler: "Pickler", fn: FunctionType, base: dict[str, Any]) -> dict[str, Any]:
    """The special attributes that a function does not have by its code alone."""
    plain = FunctionType(fn.__code__, base, None, None, fn.__closure__)
    special: dict[str, Any] = {}
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__", "__type_params__"):
        value = getattr(fn, name)
        if value != getattr(plain, name):
            special[name] = value
    if pickler.keeps_annotations:
        annotate = getattr(fn, "__annotate__", None)
        if annotate is not None and not _are_changed(annotate, _computed_annotations(fn)):
            special["__annotate__"] = annotate
        elif fn.__annotations__:
            special["__annotations__"] = fn.__annotations__
    return special


def _computed_annotations(fn: FunctionType) -> dict[str, Any] | None:
    """The annotations of a function if they have been computed, which only the garbage collector tells."""
    others = {id(each) for each in (fn.__globals__, _builtins_of(fn), fn.__kwdefaults__, fn.__dict__)}
    return next((each for each in gc.get_referents(fn) if type(each) is dict and id(each) not in others), None)


def _are_changed(annotate: Any, computed: dict[str, Any] | None) -> bool:
    """Whether somebody has changed annotations in place after they were computed."""
    if computed is None:
        return False
    try:
        return list(annotate(1).items()) != list(computed.items())
    except Exception:  # a name in them does not exist any more
        return True


# ---- Classes.

_OF_CREATION = ("__module__", "__qualname__", "__firstlineno__", "__static_attributes__", "__orig_bases__")
_NOT_IN_STATE = {
    *_OF_CREATION,
    "__dict__",
    "__annotate_func__",
    "__annotations_cache__",
    "_abc_impl",
    "_abc_registry",
    "_abc_cache",
    "_abc_negative_cache",
    "_abc_negative_cache_version",
}
_OF_ENUM = {
    *("_generate_next_value_", "_member_names_", "_member_map_", "_member_type_", "_value2member_map_"),
    *("_hashable_values_", "_unhashable_values_", "_unhashable_values_map_", "_use_args_", "_new_member_"),
    *("__new_member__", "_flag_mask_", "_singles_mask_", "_all_bits_", "_boundary_", "_inverted_", "_value_repr_"),
}


def reduce_class(pickler: "Pickler", kind: type) -> Reduction:
    """Reduce a class: its metaclass, its bases and its attributes."""
    own = kind.__dict__
    creation = {name: own[name] for name in _OF_CREATION if name in own}
    creation["__qualname__"] = kind.__qualname__
    bases = kind.__bases__
    made = [name for name, value in own.items() if _is_made(kind, name, value)]
    if "__dict__" in own and "__dict__" not in made:
        creation["__dict__"] = own["__dict__"]  # a property; it cannot be set later
    if issubclass(kind, tuple) and isinstance(own.get("__new__"), staticmethod):
        creation["__new__"] = own["__new__"]  # other objects that are being read may be instances, as Point.ORIGIN
    if "__slots__" in own:
        creation["__slots__"] = tuple(made)
    attributes = {name: value for name, value in own.items() if name not in _NOT_IN_STATE and name not in made}
    identity = rebuild.identify(kind)
    of_members: dict[str, dict[str, Any]] = {}
    if issubclass(kind, Enum):
        members, of_members = _members(kind)
        attributes = {name: value for name, value in attributes.items() if name not in _OF_ENUM and name not in members}
        boundary = getattr(kind, "_boundary_", None) if members and issubclass(kind, Flag) else None
        make: tuple[Any, ...] = rebuild.make_enum, (bases, kind.__name__, creation, members, boundary, identity)
    else:
        meta = None if type(kind) is rebuild.metaclass_of(bases) else type(kind)
        make = rebuild.make_class, (meta, kind.__name__, bases, creation, identity)
    annotate = getattr(kind, "__annotate__", None) if "__annotate_func__" in own else None
    computed = own.get("__annotations_cache__")
    if computed and (annotate is None or _are_changed(annotate, computed)):  # they have been assigned, or changed
        annotate = None
        attributes["__annotations__"] = computed
    if not pickler.keeps_annotations:
        annotate = None
        attributes.pop("__annotations__", None)
    return *make, (attributes, annotate, _registered(kind), of_members), None, None, rebuild.fill_class


def _is_made(kind: type, name: str, value: object) -> bool:
    """Whether Python makes this attribute together with the class: for a slot, `__dict__`, `__weakref__`, `_fields_`."""
    if type(value).__name__ == "CField":  # of ctypes
        return True
    if not isinstance(value, MemberDescriptorType | GetSetDescriptorType):
        return False
    return value.__objclass__ is kind or name in ("__dict__", "__weakref__")


def _registered(kind: type) -> list[type]:
    """The classes that an abstract class has registered as its subclasses."""
    if not isinstance(kind, abc.ABCMeta):
        return []
    registry, *_ = abc._get_dump(kind)  # type: ignore[attr-defined]
    return [subclass for reference in registry if (subclass := reference()) is not None]


def _members(kind: type[Enum]) -> tuple[dict[str, tuple[Any, ...]], dict[str, dict[str, Any]]]:
    """Return what rebuild.make_enum needs to know about the members of an enum, and the attributes that they have.

    A `__new__` or `__init__` written in Python is not called again: it may want other arguments than the value.
    """
    new_member: Any = vars(kind)["_new_member_"]
    initialize: Any = kind.__init__
    is_own = isinstance(new_member, FunctionType) or initialize is not Enum.__init__
    members: dict[str, tuple[Any, ...]] = {}
    attributes = {}
    for name, member in kind.__members__.items():
        args: tuple[Any, ...] = getattr(member, "__getnewargs__", tuple)() if is_own else ()
        members[name] = (member.value, args) if is_own else (member.value,)
        if own := {key: value for key, value in vars(member).items() if key not in rebuild.OF_MEMBERS}:
            attributes[name] = own
    return members, attributes
