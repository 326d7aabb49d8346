"""What came of the trials, kept beside the environments, so that what is tried again replaces only itself."""

import dataclasses
import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from extensions.environments import FOLDER
from extensions.trial import Outcome

RESULTS = FOLDER / "results.json"


@dataclass
class Result:
    """Of one package: how its trial ended."""

    tried: str
    outcome: Outcome | None = None  # none: there was none
    failure: str = ""  # of the installation or of the process

    @property
    def works(self) -> bool:
        """Whether all was as it should be."""
        return self.outcome is not None and not (self.failure or self.outcome.error or self.outcome.home_error)

    @property
    def text(self) -> str:
        """One line."""
        outcome = self.outcome
        if self.failure or outcome is None:
            return self.failure
        if outcome.home_error:
            return f"fails in the main interpreter: {outcome.home_error}"
        if outcome.error:
            return f"{outcome.error}{f', after {outcome.rounds} rounds' if outcome.rounds else ''}"
        rounds = f", {outcome.rounds} rounds" if outcome.rounds > 1 else ""
        return "; ".join([f"works{rounds}", *dict.fromkeys(outcome.warnings)])


def how_it_ended(code: int) -> str:
    """A process's exit code in words; nothing if that is as it should be."""
    if code >= 0:
        return f"the process exits with {code}" if code else ""
    return f"the process ends by {signal.Signals(-code).name}"


def load_results() -> dict[str, Result]:
    """By the names of packages."""
    if not RESULTS.exists():
        return {}
    loaded = {}
    for name, fields in json.loads(RESULTS.read_text(encoding="utf-8")).items():
        outcome = fields.pop("outcome")
        loaded[name] = Result(**fields, outcome=Outcome(**outcome) if outcome else None)
    return loaded


def save_results(results: dict[str, Result]) -> None:
    """For the next time."""
    text = json.dumps({name: dataclasses.asdict(result) for name, result in results.items()}, indent=1)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def as_table(results: dict[str, Result], names: Iterable[str]) -> list[str]:
    """Lines of Markdown."""
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


def put_between_marks(page: Path, mark: str, lines: list[str]) -> None:
    """Replace what stands between two comments in a page."""
    begin, end = f"<!-- {mark}: written by make extensions -->", f"<!-- /{mark} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text("\n".join([before + begin, "", *lines, "", end + after]), encoding="utf-8")
