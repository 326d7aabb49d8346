"""What modules of the standard library do in a worker's interpreter that refuse it and are imported there all the same.

Each module here has the functions of one of them that are other than its own: what would act on the whole process is
refused when it is called. `core/extensions/standard_module.h` has the list. Only `__all__` is taken over.
"""

from collections.abc import Callable
from typing import NoReturn


def refused(name: str) -> Callable[..., NoReturn]:
    """Make the function that stands in for one that belongs to the whole process; `name` as its callers know it."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError(f"{name}() acts on the whole process: call it in the main interpreter")

    refuse.__name__ = refuse.__qualname__ = name.rpartition(".")[2]
    return refuse
