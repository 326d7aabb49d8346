"""How objects of some types are pickled by value: one function for each type, in `REDUCTIONS`.

Each function takes the pickler and an object, and returns what `__reduce__` may return. The other halves of these functions
are in _by_value_rebuild.py and _by_value_rebuild_types.py.
"""

import ast
import contextvars
import dataclasses
import functools
import gc
import itertools
import os
import struct
import sys
import threading
import types
import typing
import weakref
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from . import _by_value_rebuild as rebuild
from . import _by_value_rebuild_types as rebuild_types
from . import _context

if TYPE_CHECKING:
    from ._by_value import Pickler

type Reduction = str | tuple[Any, ...]

LAZY: type | None = getattr(types, "LazyImportType", None)
"""The type of a lazy import that is not resolved yet (PEP 810). None before 3.15."""


def _cell(_: "Pickler", cell: CellType) -> Reduction:
    """A cell stays one cell for all functions that share it."""
    try:
        content = cell.cell_contents
    except ValueError:
        return rebuild.make_cell, ()
    return rebuild.make_cell, (), (content,), None, None, rebuild.fill_cell


def _module(pickler: "Pickler", module: ModuleType) -> Reduction:
    if module.__name__ in sys.modules and not pickler.is_module_by_value(module.__name__):
        return rebuild.import_module, (module.__name__,)
    attributes = {name: value for name, value in module.__dict__.items() if name != "__builtins__"}
    return rebuild.make_module, (module.__name__,), attributes


def _lazy_import(_: "Pickler", lazy: Any) -> Reduction:
    """A lazy import stays lazy: the worker imports the module when it uses the name.

    Python tells what it imports only to the garbage collector: builtins, the name of a module and a fromlist; or another
    lazy import, and an attribute of it.
    """
    names: list[str] = []
    is_from = False
    inner: Any = lazy
    while inner is not None:
        held = gc.get_referents(inner)
        names.append(next(item for item in held if isinstance(item, str)))
        is_from = any(isinstance(item, tuple) for item in held)
        inner = next((item for item in held if type(item) is LAZY), None)
    if len(names) == 1:
        return rebuild.import_lazily, (f"lazy import {names[0]}",)
    attribute, module = names[-2:]
    if is_from:
        return rebuild.import_lazily, (f"lazy from {module} import {attribute} as bound",)
    return rebuild.import_lazily, (f"lazy import {module} as bound",)


def _cached_function(pickler: "Pickler", cached: Any) -> Reduction:
    """The worker's cache is empty at first."""
    if (named := pickler.by_name(cached, cached.__module__, cached.__qualname__)) is not None:
        return named
    fn = cached.__wrapped__
    parameters = cached.cache_parameters()
    own = {name: value for name, value in vars(cached).items() if getattr(fn, name, cached) is not value}
    for name in ("__wrapped__", "cache_parameters"):
        own.pop(name, None)
    return rebuild.make_cached, (fn, *parameters.values()), own or None, None, None, rebuild.fill_attributes


DISPATCHER: CodeType = functools.singledispatch(len).__code__  # type: ignore[attr-defined]
"""The code of all functions that functools.singledispatch makes."""


def dispatcher(fn: Any) -> Reduction:
    """Reduce a function of functools.singledispatch: what it has registered crosses, not how it finds it."""
    made = ("register", "dispatch", "registry", "_clear_cache", "__wrapped__")
    own = {name: value for name, value in vars(fn).items() if name not in made}
    state = (list(fn.registry.items()), own)
    return rebuild.make_dispatcher, (fn.__wrapped__, False), state, None, None, rebuild.fill_dispatcher


def _method_dispatcher(_: "Pickler", method: Any) -> Reduction:
    own = {name: value for name, value in vars(method).items() if name not in ("dispatcher", "func", "_method_cache")}
    state = (list(method.dispatcher.registry.items()), own)
    return rebuild.make_dispatcher, (method.func, True), state, None, None, rebuild.fill_dispatcher


def _partial_method(_: "Pickler", method: Any) -> Reduction:
    return rebuild.make_partial_method, (method.func, method.args, method.keywords)


_names_of_variables: dict[contextvars.ContextVar[Any], tuple[str, bool]] = {}


def _context_variable(pickler: "Pickler", variable: contextvars.ContextVar[Any]) -> Reduction:
    """By the name of a module that has it. Otherwise with its default, as one variable for each interpreter.

    Finding the name takes milliseconds, so it is done once. A variable has no weak references, and Python's documentation
    says that it should live as long as its module.
    """
    if (named := _names_of_variables.get(variable)) is None and not rebuild.is_identified(variable):
        try:
            ((name, _, needs_script),) = _context.describe([variable])
            named = _names_of_variables[variable] = (name, needs_script)
        except ValueError:
            pass
    if named is not None:
        pickler.names_main |= named[1]
        return _context.find, (named[0],)
    try:
        default: tuple[Any, ...] = (contextvars.Context().run(variable.get),)
    except LookupError:
        default = ()
    return rebuild.make_variable, (variable.name, default, rebuild.identify(variable))


def _sentinel(pickler: "Pickler", sentinel: Any) -> Reduction:
    if (named := pickler.by_name(sentinel, sentinel.__module__, sentinel.__name__)) is not None:
        return named
    return rebuild.make_sentinel, (sentinel.__name__, repr(sentinel), sentinel.__module__, rebuild.identify(sentinel))


# ---- Types for annotations. Names that exist only while types are checked may stand in them.


def _late(evaluate: Callable[[], Any], function: Any) -> rebuild_types.Late:
    """A value that the worker evaluates if it has a function for it. Before 3.14 there is none, and home evaluates it."""
    late = rebuild_types.Late()
    if isinstance(function, FunctionType):
        late.content = ("call", function)
        return late
    try:
        late.content = ("value", evaluate())
    except Exception as error:  # whoever asks for the value gets it
        late.content = ("raise", error.with_traceback(None))
    return late


def _reduce_late(_: "Pickler", late: rebuild_types.Late) -> Reduction:
    return rebuild_types.Late, (), late.content, None, None, rebuild_types.fill_late


def _new_type(pickler: "Pickler", kind: Any) -> Reduction:
    if (named := pickler.by_name(kind, kind.__module__, kind.__qualname__)) is not None:
        return named
    return rebuild_types.make_new_type, (kind.__qualname__, kind.__supertype__, kind.__module__, rebuild.identify(kind))


def _type_parameter(pickler: "Pickler", parameter: Any) -> Reduction:
    name: str = parameter.__name__
    if (named := pickler.by_name(parameter, parameter.__module__, name)) is not None:
        return named
    identity = rebuild.identify(parameter)
    kind = type(parameter)
    if kind is typing.TypeVarTuple or parameter.__infer_variance__:
        stars = {typing.TypeVar: "", typing.ParamSpec: "**", typing.TypeVarTuple: "*"}[kind]
        parts = pickler.once(parameter, lambda: _late_parts(parameter))
        return rebuild_types.make_scoped_type_parameter, (stars, name, *parts, identity)
    keywords = {"covariant": parameter.__covariant__, "contravariant": parameter.__contravariant__}
    if parameter.__bound__ is not None:
        keywords["bound"] = parameter.__bound__
    if parameter.has_default():
        keywords["default"] = parameter.__default__
    constraints = getattr(parameter, "__constraints__", ())
    return rebuild_types.make_type_parameter, (kind, name, keywords, constraints, parameter.__module__, identity)


def _late_parts(
    parameter: Any,
) -> tuple[rebuild_types.Late | None, rebuild_types.Late | None, int, rebuild_types.Late | None]:
    """The bound, the constraints, their number, and the default. None: there is none."""
    bound = constraints = default = None
    count = 0
    if type(parameter) is typing.TypeVar:
        bound = _late(lambda: parameter.__bound__, getattr(parameter, "evaluate_bound", None))
        constraints = _late(lambda: parameter.__constraints__, getattr(parameter, "evaluate_constraints", None))
        bound = None if bound.content == ("value", None) else bound
        constraints = None if constraints.content == ("value", ()) else constraints
        count = 0 if constraints is None else _count_constraints(parameter)
    if parameter.has_default():
        default = _late(lambda: parameter.__default__, getattr(parameter, "evaluate_default", None))
    return bound, constraints, count, default


def _count_constraints(parameter: Any) -> int:
    try:
        return len(parameter.__constraints__)
    except Exception:  # one of them is a name that does not exist
        import annotationlib

        evaluated: Any = annotationlib.call_evaluate_function(
            parameter.evaluate_constraints, annotationlib.Format.FORWARDREF
        )
        return len(evaluated)


def _arguments_of_parameters(_: "Pickler", obj: Any) -> Reduction:
    return type(obj), (obj.__origin__,)


def _type_alias(pickler: "Pickler", alias: Any) -> Reduction:
    if (named := pickler.by_name(alias, alias.__module__, alias.__name__)) is not None:
        return named
    late = pickler.once(alias, lambda: _late(lambda: alias.__value__, getattr(alias, "evaluate_value", None)))
    return rebuild_types.make_type_alias, (alias.__name__, alias.__type_params__, late, alias.__module__)


def _forward_reference(_: "Pickler", reference: Any) -> Reduction:
    """A name that was not found at home. Its text crosses, and whose annotation it is."""
    keywords = {
        "module": reference.__forward_module__,
        "is_argument": reference.__forward_is_argument__,
        "is_class": reference.__forward_is_class__,
    }
    owner = getattr(reference, "__owner__", None)
    state = None if owner is None else {"__owner__": owner}
    return (
        rebuild_types.make_forward_reference,
        (reference.__forward_arg__, keywords),
        state,
        None,
        None,
        rebuild.fill_attributes,
    )


# ---- Objects that pickle does not know.


def _descriptor(_: "Pickler", descriptor: Any) -> Reduction:
    return rebuild.own_attribute, (descriptor.__objclass__, descriptor.__name__)


def _struct(_: "Pickler", structure: struct.Struct) -> Reduction:
    return struct.Struct, (structure.format,)


def _count(_: "Pickler", count: "itertools.count[Any]") -> Reduction:
    """Python 3.14 shows the next number only in the text."""
    return itertools.count, ast.literal_eval(repr(count).removeprefix("count").replace(")", ",)"))


def _local(_: "Pickler", local: threading.local) -> Reduction:
    """What a thread has put into it stays with the thread. So a worker's is empty, but one for all functions."""
    return rebuild.make_local, (type(local), rebuild.identify(local))


def descriptor_of_subclass(obj: Any) -> Reduction | None:
    """Reduce an object of a subclass of property, classmethod or staticmethod that does not say how it is pickled."""
    kind: Any = type(obj)
    if kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__:
        return None
    base = next(base for base in (property, classmethod, staticmethod) if isinstance(obj, base))
    args = (obj.fget, obj.fset, obj.fdel) if base is property else (obj.__func__,)
    return rebuild.make_descriptor, (kind, base, args), getattr(obj, "__dict__", None) or None


def _weak_reference(_: "Pickler", reference: Any) -> Reduction:
    """A worker's reference is dead unless something else that crosses refers to the object."""
    referent = reference()
    return rebuild.make_weak_reference, () if referent is None else (referent,)


def _kind_of_field(_: "Pickler", kind: Any) -> Reduction:
    return rebuild.attribute_of, ("dataclasses", kind.name)


def _of_dataclasses(_: "Pickler", obj: Any) -> Reduction:
    """One of the objects that dataclasses compare by identity."""
    return rebuild.attribute_of, ("dataclasses", _DATACLASSES[type(obj)])


_DATACLASSES: dict[type, str] = {
    type(getattr(dataclasses, name)): name for name in ("MISSING", "KW_ONLY", "_HAS_DEFAULT_FACTORY")
}


def _environ(_: "Pickler", environ: Any) -> Reduction:
    if environ is os.environ:
        return rebuild.attribute_of, ("os", "environ")
    return environ.__reduce_ex__(5)  # type: ignore[no-any-return]


def _weak_dict(_: "Pickler", weak: Any) -> Reduction:
    return type(weak), (dict(weak),)


REDUCTIONS: dict[type, Callable[["Pickler", Any], Reduction]] = {
    CellType: _cell,
    ModuleType: _module,
    type(functools.cache(len)): _cached_function,
    functools.singledispatchmethod: _method_dispatcher,
    functools.partialmethod: _partial_method,
    contextvars.ContextVar: _context_variable,
    rebuild_types.Late: _reduce_late,
    typing.NewType: _new_type,
    typing.TypeVar: _type_parameter,
    typing.ParamSpec: _type_parameter,
    typing.TypeVarTuple: _type_parameter,
    typing.ParamSpecArgs: _arguments_of_parameters,
    typing.ParamSpecKwargs: _arguments_of_parameters,
    typing.TypeAliasType: _type_alias,
    typing.ForwardRef: _forward_reference,
    types.GetSetDescriptorType: _descriptor,
    types.MemberDescriptorType: _descriptor,
    types.ClassMethodDescriptorType: _descriptor,
    struct.Struct: _struct,
    itertools.count: _count,
    threading.local: _local,
    type(dataclasses._FIELD): _kind_of_field,  # type: ignore[attr-defined]
    **dict.fromkeys(_DATACLASSES, _of_dataclasses),
    type(os.environ): _environ,
    weakref.ref: _weak_reference,
    weakref.WeakKeyDictionary: _weak_dict,
    weakref.WeakValueDictionary: _weak_dict,
}
if LAZY is not None:
    import builtins

    REDUCTIONS[LAZY] = _lazy_import
    REDUCTIONS[builtins.sentinel] = _sentinel  # type: ignore[attr-defined]
