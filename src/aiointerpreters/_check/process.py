"""The command's side of a host process: starts it with a limit on its time, and reads how far it came."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._child_process import name_of_signal, python_options
from .targets import Target

_MOST_CRASHES = 5  # parts of one package that crash the main interpreter
_MOST_SAID = 20_000  # characters that are kept from the end of a program's stderr


@dataclass
class Trial:
    """What one process found out."""

    home: dict[str, Any] | None = None  # the description of `trial.run` in the main interpreter, and more
    interpreters: list[dict[str, Any]] = field(default_factory=list)
    guarded: list[str] = field(default_factory=list)  # parts that their packages can do without
    end: str | None = None  # how the process ended too early: "SIGSEGV", "exit status 3", "no end after 60 seconds"
    step: str = ""  # what it did then
    part: str | None = None  # the part that it imported then
    stderr: str = ""


class Processes:
    """Runs trials. Processes that are still running end with the `with` block, and with this process in whatever way."""

    def __init__(self, path: Iterable[str], timeout: float, *, submodules: bool) -> None:
        self._path = list(path)
        self._submodules = submodules
        self._timeout = timeout
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False
        self._lifeline, self._ours = os.pipe()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        os.close(self._ours)
        os.close(self._lifeline)

    def stop(self) -> None:
        """End all trials."""
        self._is_closed = True
        for process in list(self._running):
            _kill(process)

    def run(self, target: Target, extensions: str) -> Trial:
        """Try a target, again without a part of it that crashes the main interpreter."""
        without: list[str] = []
        while True:
            trial = self._run(target, extensions, without)
            if trial.end is None or trial.part is None or len(without) >= _MOST_CRASHES:
                return trial
            without.append(trial.part)

    def _run(self, target: Target, extensions: str, without: list[str]) -> Trial:
        with tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True) as folder:
            file, said = Path(folder, "steps"), Path(folder, "stderr")
            settings = {
                "modules": list(target.modules),
                "parts": list(target.parts),
                "script": target.script,
                "path": list(target.path),
                "extensions": extensions,
                "submodules": self._submodules,
                "without": without,
                "file": str(file),
                "lifeline": self._lifeline,
            }
            source = f"from aiointerpreters._check.host import main; main({settings!r})"
            command = [sys.executable, *python_options(), "-X", "faulthandler", "-c", source]
            path = os.pathsep.join([*target.path, *self._path])
            if self._is_over():
                return Trial(end="stopped")
            with said.open("wb") as stderr:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env={**os.environ, "PYTHONPATH": path},
                    pass_fds=(self._lifeline,),
                    start_new_session=True,  # so Ctrl-C reaches only the command, which ends all processes
                )
            self._running.add(process)
            try:
                if self._is_over():  # it may not have seen this process
                    _kill(process)
                end = self._wait(process)
            finally:
                self._running.discard(process)
            return _read(file, end, said.read_text(encoding="utf-8", errors="replace")[-_MOST_SAID:])

    def _is_over(self) -> bool:
        return self._is_closed

    def _wait(self, process: subprocess.Popen[bytes]) -> str | None:
        try:
            code = process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
            return f"no end after {self._timeout:g} seconds"
        _kill(process)  # processes that the target has started
        if code < 0:
            return name_of_signal(-code)
        return f"exit status {code}" if code else None


def _read(file: Path, end: str | None, stderr: str) -> Trial:
    trial = Trial(stderr=stderr)
    is_done = False
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for line in lines:
        try:
            step: dict[str, Any] = json.loads(line)
        except ValueError:  # it was being written
            break
        trial.home = step.get("home", trial.home)
        trial.interpreters = step.get("interpreters", trial.interpreters)
        trial.guarded = step.get("guarded", trial.guarded)
        trial.step, trial.part = step.get("step", trial.step), step.get("part")
        is_done = is_done or step.get("done", False)
    failed_at_home = trial.home is not None and trial.home["errors"]
    if end is None and not is_done and not failed_at_home:
        end = "exit status 0"  # os._exit in a module
    trial.end = end
    return trial


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
