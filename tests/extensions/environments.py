"""Environments for the packages that are tried: one for each group, below build/extensions/, made by this Python.

They also see the packages of this Python, this project included. Packages installed in the environment take precedence.
"""

import os
import re
import site
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ROOT / "build" / "extensions"  # of all versions of Python
FOLDER = FOLDERS / "{}.{}".format(*sys.version_info[:2])
NO_WHEEL = "no wheel"
COMPILED = {"mysqlclient"}  # they have no wheels at all, and are compiled here if the machine has what they need


class Environment:
    """The environment of one group."""

    def __init__(self, group: str) -> None:
        self.folder = FOLDER / group
        self.python = self.folder / "bin" / "python"

    def prepare(self, requirements: Iterable[str]) -> dict[str, str]:
        """Install the missing requirements. Return the reason for each requirement that cannot be installed."""
        if not self.python.exists():
            self._make()
        absent = [each for each in requirements if not self._has(each)]
        compiled = [each for each in absent if each.partition("==")[0] in COMPILED]
        failures = {each: NO_WHEEL + ", and it does not compile here" for each in compiled if self._install([each])}
        missing = [each for each in absent if each not in compiled]
        while missing and (said := self._install(missing)):
            unknown = set(re.findall(r"No matching distribution found for (\S+)", said))
            named = [each for each in missing if each in unknown]
            for each in named or missing:
                failures[each] = NO_WHEEL if named else said.splitlines()[-1]
                missing.remove(each)
        return failures

    def _make(self) -> None:
        venv.create(self.folder, with_pip=True, symlinks=os.name != "nt")
        (packages,) = self.folder.glob("lib/python*/site-packages")
        behind = "\n".join(f"import site; site.addsitedir({folder!r})" for folder in site.getsitepackages())
        (packages / "project.pth").write_text(behind + "\n", encoding="utf-8")

    def _has(self, requirement: str) -> bool:
        name, _, version = requirement.partition("==")
        name = re.sub(r"[-_.]+", "[-_.]", re.escape(name.partition("[")[0]).replace(r"\-", "-"))
        known = re.compile(rf"{name}-{re.escape(version)}\.dist-info", re.IGNORECASE)
        return any(known.fullmatch(path.name) for path in self.folder.glob("lib/python*/site-packages/*.dist-info"))

    def _install(self, requirements: Iterable[str]) -> str:
        """Return the error message of the installer, or nothing if it worked."""
        sources = [f"--no-binary={name}" for name in COMPILED]
        options = ["install", "-qq", "--only-binary=:all:", *sources]
        command = [str(self.python), "-W", "ignore", "-m", "pip", *options, *requirements]
        return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False).stderr.strip()
