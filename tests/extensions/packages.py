"""The list of packages that are tried. `extensions.uses` has a function for each. Workers import this module by name."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from extensions import uses

type Use = Callable[[], object]


@dataclass(frozen=True)
class Package:
    """A package and its use. In every interpreter the use has the same outcome, and this outcome can cross."""

    requirement: str  # in the syntax of pip
    use: Use
    group: str  # of packages that share one environment; a package that imports everything it finds has its own
    needs: tuple[str, ...]  # other packages that the use needs, in the syntax of pip
    rounds: int  # how often it is tried, each time with new interpreters

    @property
    def requirements(self) -> tuple[str, ...]:
        """All packages that must be installed."""
        return self.requirement, *self.needs

    @property
    def name(self) -> str:
        """Its name at the package index."""
        return self.requirement.partition("==")[0].partition("[")[0]

    @property
    def tried(self) -> str:
        """The description of its use."""
        return (self.use.__doc__ or "").strip().rstrip(".")


_packages: dict[str, Package] = {}


def package(requirement: str, group: str = "most", needs: tuple[str, ...] = (), rounds: int = 1) -> Callable[[Use], Use]:
    """Add a package to the list, with its use."""

    def add(use: Use) -> Use:
        added = Package(requirement, use, group, needs, rounds)
        _packages[added.name] = added
        return use

    return add


def all_packages() -> dict[str, Package]:
    """All packages by name, in the order of the table."""
    for module in pkgutil.iter_modules(uses.__path__):
        importlib.import_module(f"{uses.__name__}.{module.name}")
    return dict(sorted(_packages.items(), key=lambda item: item[0].casefold()))
