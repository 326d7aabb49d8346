"""The names of modules that interpreters import before their first call."""

from collections.abc import Iterable


def names_of_modules(preload: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple. Whether the modules exist is found out in the interpreters.

    Raises:
        TypeError: It is a str, or contains other objects than str.
        ValueError: A name cannot be that of a module.
    """
    if isinstance(preload, str):
        raise TypeError(f"preload must be an iterable of module names, such as ({preload!r},), not a str")
    names = tuple(preload)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"preload must contain names of modules, not {name!r}")
        if not all(name.split(".")) or "\0" in name:
            raise ValueError(f"preload must contain absolute names of modules, not {name!r}")
    return names
