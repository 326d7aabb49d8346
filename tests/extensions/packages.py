"""The list of packages that are tried: `extensions.uses` has a function for each. Workers import this by name."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from extensions import uses

type Use = Callable[[], object]


@dataclass(frozen=True)
class Package:
    """A package and what is done with it. Whatever interpreter does it, the outcome is the same, and crosses."""

    requirement: str  # as pip takes it
    use: Use
    group: str  # of packages that go together in one environment; one that imports whatever it finds is alone
    needs: tuple[str, ...]  # what else its use wants, as pip takes it
    rounds: int  # how often it is tried, each time with new interpreters

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that has to be installed."""
        return self.requirement, *self.needs

    @property
    def name(self) -> str:
        """What it is called where it is installed from."""
        return self.requirement.partition("==")[0].partition("[")[0]

    @property
    def tried(self) -> str:
        """What is done with it."""
        return (self.use.__doc__ or "").strip().rstrip(".")


_packages: dict[str, Package] = {}


def package(requirement: str, group: str = "most", needs: tuple[str, ...] = (), rounds: int = 1) -> Callable[[Use], Use]:
    """Put a package on the list, with what is done with it."""

    def add(use: Use) -> Use:
        added = Package(requirement, use, group, needs, rounds)
        _packages[added.name] = added
        return use

    return add


def all_packages() -> dict[str, Package]:
    """By name, in the order in which they stand in the table."""
    for module in pkgutil.iter_modules(uses.__path__):
        importlib.import_module(f"{uses.__name__}.{module.name}")
    return dict(sorted(_packages.items(), key=lambda item: item[0].casefold()))
