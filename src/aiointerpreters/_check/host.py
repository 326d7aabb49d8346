"""Runs in the process of one target: imports it in the main interpreter and then in two interpreters at the same time.

Each step is written to a file when it begins and when it ends. So the command knows how far a process has come that crashed.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from .. import InterpreterThreadPoolExecutor, interpreter
from . import trial

_INTERPRETERS = 2


def main(settings: Mapping[str, Any]) -> None:
    """Try one target in one way."""
    _leave_no_core_file()
    os.set_inheritable(settings["lifeline"], False)
    threading.Thread(target=_end_with_the_command, args=(settings["lifeline"],), daemon=True).start()
    sys.path[:0] = [folder for folder in settings["path"] if folder not in sys.path]
    with open(settings["file"], "a", encoding="utf-8") as file:

        def tell(**step: Any) -> None:
            file.write(json.dumps(step) + "\n")
            file.flush()

        _try(settings, tell)


def _try(settings: Mapping[str, Any], tell: Any) -> None:
    modules, script = settings["modules"], settings["script"]
    tell(step="the main interpreter")
    home = trial.run(modules, script, ())
    parts = [*trial.parts_of(modules, settings["submodules"]), *settings["parts"]]
    parts = [part for part in dict.fromkeys(parts) if part not in sys.modules and part not in settings["without"]]
    good, unchecked = [], [[part, "it ends the process"] for part in settings["without"]]
    if not home["errors"]:
        for part in parts:
            tell(step="the main interpreter", part=part)
            if error := trial.run((), None, [part])["part_errors"].get(part):
                unchecked.append([part, trial.text_of(error)])
            else:
                good.append(part)
    everything = trial.extensions()
    tell(home=home | {"parts": good, "unchecked": unchecked, "reasons": trial.reasons(everything), "files": everything})
    if home["errors"]:
        return
    tell(step="two interpreters")
    with InterpreterThreadPoolExecutor(_INTERPRETERS, extensions=settings["extensions"]) as executor:
        found = [future.result() for future in _in_both(executor, modules, script, good)]
        refused = {part for each in found for part in each["part_errors"]}
        tell(interpreters=found, guarded=trial.guarded(sorted(refused)))
        tell(step="the end of the interpreters")
    tell(step="the end of the process", done=True)


def _in_both(
    executor: InterpreterThreadPoolExecutor, modules: list[str], script: str | None, parts: list[str]
) -> Sequence[Future[dict[str, Any]]]:
    """Start the trial in each interpreter, and let all of them continue at the same time."""
    arrived, arriving = os.pipe()
    leaving, leave = os.pipe()
    run = interpreter(trial.run)
    futures = [executor.submit(run, modules, script, parts, (arriving, leaving)) for _ in range(_INTERPRETERS)]
    for future in futures:
        future.add_done_callback(lambda _: os.write(arriving, b"x"))  # one that fails may not arrive
    missing = _INTERPRETERS
    while missing:
        missing -= len(os.read(arrived, missing))
    os.write(leave, b"x" * _INTERPRETERS)
    return futures


def _leave_no_core_file() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_the_command(lifeline: int) -> None:
    """Wait until the command closes its end or dies. Then end this process and those that the target has started."""
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)
