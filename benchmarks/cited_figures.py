"""Updates the figures in sentences of README and docs from the recorded results: `make figures`; `--check` only compares.

A sentence stays plain text. `CITED` lists the words before each figure and the recorded median that the figure shows. If the
words are gone, the sentence was rewritten, and its entry must be rewritten too.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import awaiting
import recorded

ROOT = Path(__file__).parent.parent
FIGURE = r"[\d.,]+ (?:µs|ms|s|MB)\b"
RUN, THREADS, PRIVATE, PROCESS = (
    "aiointerpreters, run",
    "ThreadPoolExecutor",
    "aiointerpreters, private",
    "a forkserver's process",
)
IDLE, BUSY = awaiting.delay("p99", awaiting.LOADS[0]), awaiting.delay("p99", awaiting.LOADS[-1])
HELD, RETURNED = "loop held up by {}", "loop held up by {} there and back"
WITH = "memory of a further interpreter with {}"


@dataclass(frozen=True)
class Cited:
    """A figure in a sentence: the page, the words before it, and the recorded median.

    `{}` among the words matches another figure.
    """

    page: str
    before: str
    benchmark: str
    metric: str
    contestant: str

    def written(self, text: str) -> str:
        """Returns the page's text with the recorded figure. Raises ValueError if the words do not occur exactly once."""
        words = r"\s+".join(re.escape(word) for word in self.before.split()).replace(re.escape("{}"), FIGURE)
        figure = recorded.read(self.benchmark).cell(self.metric, self.contestant)
        text, count = re.subn(rf"({words}\s*){FIGURE}", lambda found: found[1] + figure, text)
        if count != 1:
            raise ValueError(f"{self.page}: {self.before!r} with a figure stands there {count} times: see cited_figures.py")
        return text


CITED = (
    Cited("README.md", "While two threads of a ThreadPoolExecutor compute:", "asyncio_delay", BUSY, THREADS),
    Cited("README.md", "While two interpreters compute:", "asyncio_delay", BUSY, RUN),
    Cited("docs/asyncio.md", "a timer of an idle loop is late by", "asyncio_delay", IDLE, RUN),
    Cited("docs/asyncio.md", "While both workers compute, it is late by", "asyncio_delay", BUSY, RUN),
    Cited("docs/asyncio.md", "`ThreadPoolExecutor` it is late by", "asyncio_delay", BUSY, THREADS),
    Cited("docs/asyncio.md", "| a list of 1 M ints |", "asyncio_values", HELD.format("1 M ints"), RUN),
    Cited("docs/asyncio.md", "| 300 k small dicts |", "asyncio_values", HELD.format("300 k small dicts"), RUN),
    Cited(
        "docs/asyncio.md", "| the JSON text of these dicts |", "asyncio_values", HELD.format("the JSON of these dicts"), RUN
    ),
    Cited("docs/asyncio.md", "| a list of 1 M ints | {} |", "asyncio_values", RETURNED.format("1 M ints"), RUN),
    Cited("docs/asyncio.md", "| 300 k small dicts | {} |", "asyncio_values", RETURNED.format("300 k small dicts"), RUN),
    Cited("docs/extensions.md", "| NumPy |", "packages", WITH.format("numpy"), PRIVATE),
    Cited("docs/extensions.md", "| NumPy | {} |", "packages", WITH.format("numpy"), PROCESS),
    Cited("docs/extensions.md", "| pandas |", "packages", WITH.format("pandas"), PRIVATE),
    Cited("docs/extensions.md", "| pandas | {} |", "packages", WITH.format("pandas"), PROCESS),
)


def written(page: str, text: str) -> str:
    """Returns a page's text with the recorded value of every figure that it cites. Raises ValueError, see `Cited`."""
    for cited in CITED:
        if cited.page == page:
            text = cited.written(text)
    return text


def main() -> None:
    wrong = []
    for page in dict.fromkeys(cited.page for cited in CITED):
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        try:
            new = written(page, text)
        except ValueError as error:
            sys.exit(str(error))
        if new != text:
            wrong.append(page)
        if "--check" not in sys.argv[1:]:
            path.write_text(new, encoding="utf-8")
    if wrong and "--check" in sys.argv[1:]:
        sys.exit(f"{', '.join(wrong)}: figures that were not recorded: make figures")


if __name__ == "__main__":
    main()
