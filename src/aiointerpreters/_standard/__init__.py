"""Replacements for functions of standard library modules that refuse subinterpreters.

Workers can import these modules nevertheless. Each module here has the replaced functions of one of them. A function that
would act on the whole process raises an error when it is called. `core/extensions/standard_module.h` has the list of
modules. Only the names in `__all__` are used.
"""

from collections.abc import Callable
from typing import NoReturn


def refused(name: str) -> Callable[..., NoReturn]:
    """Return a function that raises RuntimeError, in place of the function `name`, which acts on the whole process."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError(f"{name}() acts on the whole process: call it in the main interpreter")

    refuse.__name__ = refuse.__qualname__ = name.rpartition(".")[2]
    return refuse
