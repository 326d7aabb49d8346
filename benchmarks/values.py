"""The values that benchmarks send and encode, and the fastest ways to create them in Python code.

`make` returns an equal value of new objects at each call, including every leaf that is not a singleton or a small int.
Numbers come from arrays (`tolist`, iteration) or from one operation, strings from `str.split` or a concatenation,
containers from displays and comprehensions. The keys of small dicts are always the same objects, like the keys in a
program's source. A decoder must create the same objects, so the time of `make` is its floor.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Kind:
    """A kind of value: its name, and the function that creates one."""

    name: str
    make: Callable[[], object]


def _small_dicts() -> object:
    return [
        {"id": number, "name": name, "score": score}
        for number, name, score in zip(_NUMBERS, _NAMES.split(), _FRACTIONS, strict=True)
    ]


def _table() -> object:
    return dict(zip(_NAMES.split(), _FRACTIONS, strict=True))


def _text() -> object:
    return _HALF + _HALF


def _document() -> object:
    people = []
    for number, line, fraction in zip(_NUMBERS, _PEOPLE, _FRACTIONS, strict=False):
        name, city, *tags = line.split()
        person = {"id": number, "name": name, "active": number % 2 == 0, "tags": tags}
        people.append({**person, "address": {"city": city, "zip": number + 10_000}, "scores": [fraction, -fraction, None]})
    return {"version": 1, "next": None, "people": people}


def _arguments() -> object:
    return (_NUMBER + 1, _NAME + _NAME, _FRACTION + 1, True, None)


@dataclass(slots=True)
class Person:
    """An ordinary class."""

    number: int
    name: str
    score: float


def _person() -> object:
    return Person(_NUMBER + 1, _NAME + _NAME, _FRACTION + 1)


def _people() -> object:
    return [Person(*fields) for fields in zip(_NUMBERS, _NAMES.split(), _FRACTIONS, strict=True)]


def _dated_dicts() -> object:
    return [
        {"id": number, "name": name, "at": _START + timedelta(minutes=number)}
        for number, name in zip(_NUMBERS, _NAMES.split(), strict=True)
    ]


def require_equal(came_back: object, sent: object, where: str) -> None:
    """Raises RuntimeError with the place `where`, unless `came_back` is equal to `sent` and has its type."""
    if type(came_back) is not type(sent) or came_back != sent:
        raise RuntimeError(f"{where}: not what was sent came back, but a {type(came_back).__name__}")


_NUMBERS = array("q", range(1_000))
_FRACTIONS = array("d", (number / 7 for number in _NUMBERS))
_NAMES = " ".join(f"name-{number}" for number in _NUMBERS)
_HALF = "".join(f"line {number} of a text\n" for number in range(30_000))[:500_000]
_PEOPLE = [f"name-{number} city-{number} tag-{number} tag-{number + 1}" for number in range(50)]
_START = datetime(2026, 1, 1, tzinfo=UTC)
_NUMBER, _NAME, _FRACTION = 100_000, "https://example.org/", 0.25

INTS = Kind("10 k ints", array("q", range(10_000)).tolist)
FLOATS = Kind("10 k floats", array("d", (number / 7 for number in range(10_000))).tolist)
SMALL_DICTS = Kind("1 k small dicts", _small_dicts)
TABLE = Kind("dict of 1 k str to float", _table)
TEXT = Kind("1 MB of str", _text)
DOCUMENT = Kind("document of 50 people", _document)
ARGUMENTS = Kind("tuple of 5 arguments", _arguments)
PERSON = Kind("one dataclass", _person)
PEOPLE = Kind("1 k dataclasses", _people)
DATED_DICTS = Kind("1 k small dicts with a datetime", _dated_dicts)
