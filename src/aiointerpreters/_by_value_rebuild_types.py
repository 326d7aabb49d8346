"""Rebuilds type parameters, type aliases and forward references that were pickled by value: the rest of _by_value_rebuild.

Interpreters import this module when the first of them arrives.
"""

from __future__ import annotations

from types import CodeType, FunctionType

from ._by_value_rebuild import as_known, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Late:
    """A value that is only known, or only evaluated, later: the bound of a type variable, the value of a type alias."""

    __slots__ = ("__weakref__", "content")
    content: tuple[str, Any]

    def __call__(self) -> Any:
        how, content = self.content
        if how == "raise":
            raise content
        return content() if how == "call" else content


def fill_late(late: Late, content: tuple[str, Any]) -> None:
    """Give it its value."""
    late.content = content


def make_new_type(name: str, supertype: Any, module: str, identity: bytes) -> Any:
    """Create a NewType, or return the one that has arrived before."""
    from typing import NewType

    make: Any = NewType
    made = make(name, supertype)
    made.__module__ = module
    return as_known(identity, made)


def make_type_parameter(
    kind: type, name: str, keywords: dict[str, Any], constraints: tuple[Any, ...], module: str, identity: bytes
) -> Any:
    """Create a TypeVar, ParamSpec or TypeVarTuple that was made by a call, or return the one that has arrived before."""
    found = find(identity)
    if found is not None:
        return found
    made = kind(name, *constraints, **keywords)
    made.__module__ = module
    return as_known(identity, made)


def make_scoped_type_parameter(
    stars: str, name: str, bound: Late | None, constraints: Late | None, count: int, default: Late | None, identity: bytes
) -> Any:
    """Create one that was declared in brackets (PEP 695): its bound, constraints and default are evaluated when needed."""
    found = find(identity)
    if found is not None:
        return found
    limit = ": bound()" if bound is not None else ""
    if constraints is not None:
        limit = f": ({' '.join(f'constraints()[{i}],' for i in range(count))})"
    last = "" if default is None else " = default()"
    names: dict[str, Any] = {"bound": bound, "constraints": constraints, "default": default}
    exec(f"def declare[{stars}{name}{limit}{last}](): pass", names)
    return as_known(identity, names["declare"].__type_params__[0])


def make_type_alias(name: str, parameters: tuple[Any, ...], late: Late, module: str) -> Any:
    """Create the alias of a `type` statement. Its value is evaluated when it is needed."""

    def declare() -> Any:
        type Alias = late()  # type: ignore[valid-type]
        return Alias

    code = declare.__code__
    given: dict[Any, Any] = {"Alias": name}
    constants = [
        item.replace(co_name=name, co_qualname=name) if isinstance(item, CodeType) else given.get(item, item)
        for item in code.co_consts
    ]
    instructions = _with_parameters(code, len(constants)) if parameters else code.co_code
    code = code.replace(co_consts=(*constants, parameters), co_code=instructions)
    return FunctionType(code, {"__name__": module}, None, None, declare.__closure__)()


def _with_parameters(code: CodeType, index: int) -> bytes:
    """Let a `type` statement without type parameters take them from a constant of its code, not None."""
    from opcode import opmap

    load, common = opmap["LOAD_CONST"], opmap.get("LOAD_COMMON_CONSTANT")
    instructions = bytearray(code.co_code)
    for i in range(0, len(instructions), 2):
        operation, argument = instructions[i], instructions[i + 1]
        if operation == common or (operation == load and code.co_consts[argument] is None):
            instructions[i : i + 2] = bytes((load, index))
    return bytes(instructions)


def make_forward_reference(text: str, keywords: dict[str, Any]) -> Any:
    """Create a ForwardRef."""
    from typing import ForwardRef

    return ForwardRef(text, **keywords)
