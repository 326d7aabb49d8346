"""`extensions="private"` runs packages as people use them, on each version of Python. `make extensions` tries many more.

Each of these packages refuses to be imported in interpreters otherwise: NumPy (C with state of every kind), pydantic (Rust
with nested modules), lxml (Cython and libraries in C), regex (a module with single-phase init).
"""

from pathlib import Path

import pytest

from aiointerpreters import _core
from extensions.trial import Outcome
from support.scripts import SANITIZED, environment, run_python

pytestmark = [
    pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies())),
    pytest.mark.skipif(SANITIZED, reason="the packages are not built for it"),
]


@pytest.mark.parametrize("name", ["numpy", "pydantic", "lxml", "regex"])
def test_two_interpreters_use_it_at_once_and_home_does_too(tmp_path: Path, name: str) -> None:
    finished = run_python("-m", "extensions.trial", name, env=environment(AIOINTERPRETERS_CACHE=str(tmp_path)))
    assert (finished.code, finished.stderr) == (0, "")
    outcome = Outcome.from_line(finished.stdout)
    assert (outcome.error, outcome.home_error, outcome.warnings) == ("", "", [])
