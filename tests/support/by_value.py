"""What the functions of the tests of functions by value use. It imports little, so it shows what else is imported."""

import gc
import sys
from types import FunctionType

IMPORTED_BY_CLOUDPICKLE = ("cloudpickle", "pickle", "inspect", "dis")


def imported() -> list[str]:
    """The modules of cloudpickle that are imported in this interpreter."""
    return [name for name in IMPORTED_BY_CLOUDPICKLE if name in sys.modules]


def count_functions() -> int:
    """The number of Python functions that are alive in this interpreter."""
    gc.collect()
    return sum(1 for each in gc.get_objects() if type(each) is FunctionType)


def count_classes() -> int:
    """The number of classes that are alive in this interpreter."""
    gc.collect()
    return sum(1 for each in gc.get_objects() if isinstance(each, type))


def helper() -> str:
    """A function with a name, for functions by value to call."""
    return "helper"


class Named:
    """A class with a name, for functions by value to use."""

    value = 5


LIMIT = 10
