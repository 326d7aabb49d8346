"""The work of the web examples. Workers import this file, so it imports no web framework.

A function runs where its module can be imported. This module needs nothing but the standard library, so interpreters
of every executor can import it, and it costs them no memory for FastAPI, pydantic or Django.
"""

import difflib
import math
from dataclasses import dataclass


@dataclass
class Match:
    """A candidate, and how similar it is to the text: from 0 to 1."""

    candidate: str
    score: float


def rank(text: str, candidates: list[str]) -> list[Match]:
    """Return the candidates, the most similar to the text first."""
    scores = [difflib.SequenceMatcher(None, text, candidate).ratio() for candidate in candidates]
    matches = [Match(candidate, round(score, 3)) for candidate, score in zip(candidates, scores, strict=True)]
    return sorted(matches, key=lambda match: match.score, reverse=True)


def count_primes(limit: int) -> int:
    """Return how many primes there are below the limit. A large limit takes very long."""
    return sum(n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1)) for n in range(limit))
