"""The results of the trials, kept beside the environments. A new trial replaces only the results of its own packages."""

import dataclasses
import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from extensions.environments import FOLDER, FOLDERS, NO_WHEEL
from extensions.trial import Outcome

RESULTS = "results.json"


@dataclass
class Result:
    """The result of the trial of one package."""

    tried: str
    outcome: Outcome | None = None  # None: there was no outcome
    failure: str = ""  # of the installation or of the process
    note: str = ""  # a difference from the other packages

    @property
    def works(self) -> bool:
        """Return whether everything was as expected."""
        return self.outcome is not None and not (self.failure or self.outcome.failed)

    @property
    def ends_cleanly(self) -> bool:
        """Return whether interpreters that have used it leave nothing behind and log nothing."""
        return self.works and self.outcome is not None and not self.outcome.warnings

    @property
    def text(self) -> str:
        """The result in one line."""
        return "; ".join(filter(None, (self._what_came, self.note)))

    @property
    def _what_came(self) -> str:
        outcome = self.outcome
        if self.failure or outcome is None:
            return f"{self.failure}{f', after {self.rounds} rounds' if self.rounds else ''}"
        if outcome.home_error:
            return f"fails in the main interpreter: {outcome.home_error}"
        if outcome.error:
            return f"{outcome.error}{f', after {outcome.rounds} rounds' if outcome.rounds else ''}"
        processes = f" in {outcome.processes} processes" if outcome.processes > 1 else ""
        rounds = f", {outcome.rounds} rounds{processes}" if outcome.rounds > 1 else ""
        return "; ".join([f"works{rounds}", *dict.fromkeys(outcome.warnings)])

    @property
    def rounds(self) -> int:
        """The number of rounds done."""
        return self.outcome.rounds if self.outcome else 0

    def followed_by(self, other: "Result") -> "Result":
        """The combined result of this process, which had no error, and of the next one."""
        mine, others = self.outcome, other.outcome
        if mine is None:
            return other
        if others is None:
            return dataclasses.replace(other, outcome=mine)
        both = dataclasses.replace(
            others,
            rounds=mine.rounds + others.rounds,
            processes=mine.processes + others.processes,
            memory=mine.memory,
            warnings=mine.warnings + others.warnings,
        )
        return dataclasses.replace(other, outcome=both)


def how_it_ended(code: int) -> str:
    """A process's exit code in words, or an empty string if the code is as expected."""
    if code >= 0:
        return f"the process exits with {code}" if code else ""
    return f"the process ends by {signal.Signals(-code).name}"


def load_results(folder: Path = FOLDER) -> dict[str, Result]:
    """The results by the names of packages, of this version of Python or of the one that has this folder."""
    file = folder / RESULTS
    if not file.exists():
        return {}
    loaded = {}
    for name, fields in json.loads(file.read_text(encoding="utf-8")).items():
        outcome = fields.pop("outcome")
        loaded[name] = Result(**fields, outcome=Outcome(**outcome) if outcome else None)
    return loaded


def save_results(results: dict[str, Result]) -> None:
    """Save them for the next run."""
    text = json.dumps({name: dataclasses.asdict(result) for name, result in results.items()}, indent=1)
    (FOLDER / RESULTS).write_text(text + "\n", encoding="utf-8")


def with_other_versions(results: dict[str, Result]) -> dict[str, Result]:
    """If a package has no wheel for this Python, take the result of a trial with another version of Python."""
    completed = dict(results)
    for folder in sorted(FOLDERS.glob("3.*")):
        for name, result in load_results(folder).items():
            if name in results and results[name].failure == NO_WHEEL and result.outcome is not None:
                note = f"with CPython {folder.name}, because there is no wheel for {FOLDER.name}"
                completed[name] = dataclasses.replace(result, note=note)
    return completed


def as_table(results: dict[str, Result], names: Iterable[str]) -> list[str]:
    """The table in lines of Markdown."""
    lines = [
        "| package | version | what was tried | result | memory of a further interpreter |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in names:
        result = results[name]
        outcome = result.outcome
        memory = f"{outcome.memory:.0f} MB" if outcome and outcome.memory is not None else ""
        cells = [name, outcome.version if outcome else "", result.tried, result.text, memory]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _comments(mark: str) -> tuple[str, str]:
    return f"<!-- {mark}: written by make extensions -->", f"<!-- /{mark} -->"


def rows_between_marks(page: Path, mark: str) -> dict[str, str]:
    """The lines of the table between two comments in a page, by their first cells."""
    begin, end = _comments(mark)
    table = page.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]
    return {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("|")}


def put_between_marks(page: Path, mark: str, lines: list[str]) -> None:
    """Replace the text between two comments in a page."""
    begin, end = _comments(mark)
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text("\n".join([before + begin, "", *lines, "", end + after]), encoding="utf-8")
