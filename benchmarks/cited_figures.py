"""Updates the figures in sentences of README and docs from the recorded results: `make figures`; `--check` only compares.

A sentence stays plain text. `CITED` lists the words before each figure and the recorded median that the figure shows. If the
words are gone, the sentence was rewritten, and its entry must be rewritten too.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import awaiting
import bench_memory
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
TAGGED = "aiointerpreters, tagged"
PLAIN, SCRIPT, SCRIPT_WITH_ASYNCIO = (
    bench_memory.METRICS[program, bench_memory.AMOUNT].name
    for program in (bench_memory.PLAIN, bench_memory.SCRIPT, bench_memory.SCRIPT_WITH_ASYNCIO)
)
DEPLOYMENT = "docs/deployment.md"
START, AWAITED = "first results of 2 interpreters", "p50 of one awaited no-op"


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

    @property
    def words(self) -> str:
        """Matches the words before the figure."""
        return r"\s+".join(re.escape(word) for word in self.before.split()).replace(re.escape("{}"), FIGURE)

    def written(self, text: str) -> str:
        """Returns the page's text with the recorded figure. Raises ValueError if the words do not occur exactly once."""
        figure = recorded.read(self.benchmark).cell(self.metric, self.contestant)
        text, count = re.subn(rf"({self.words}\s*){FIGURE}", lambda found: found[1] + figure, text)
        if count != 1:
            raise ValueError(f"{self.page}: {self.before!r} with a figure stands there {count} times: see cited_figures.py")
        return text


CITED = (
    Cited("README.md", "While two threads of a ThreadPoolExecutor compute:", "asyncio_delay", BUSY, THREADS),
    Cited("README.md", "While two interpreters compute:", "asyncio_delay", BUSY, RUN),
    Cited("README.md", "| one call |", "pools", "one no-op call", TAGGED),
    Cited("README.md", "| one call | {}, awaited", "pools", "one no-op call", RUN),
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
    Cited("docs/guide.md", "Starting two interpreters and getting their first results takes", "startup", START, TAGGED),
    Cited("docs/limits.md", "`await executor.run(...)` costs", "asyncio", AWAITED, RUN),
    Cited("docs/moving/release_0_6.md", "a call of `Runner.run` took", "asyncio", AWAITED, "release 0.6.0, Runner"),
    Cited("docs/moving/release_0_6.md", "Now it takes", "asyncio", AWAITED, "aiointerpreters, Runner"),
    Cited("CHANGELOG.md", "`Runner.run` takes", "asyncio", AWAITED, "aiointerpreters, Runner"),
    Cited("CHANGELOG.md", "(0.6.0:", "asyncio", AWAITED, "release 0.6.0, Runner"),
    Cited(DEPLOYMENT, "An additional interpreter takes", "memory", PLAIN, TAGGED),
    Cited(DEPLOYMENT, "If that is asyncio, an interpreter takes", "memory", SCRIPT_WITH_ASYNCIO, TAGGED),
    Cited(DEPLOYMENT, "With a script like the example in [README](../README.md), it takes", "memory", SCRIPT, TAGGED),
    Cited(DEPLOYMENT, "With NumPy an interpreter takes", "packages", WITH.format("numpy"), PRIVATE),
    Cited(DEPLOYMENT, "and with pandas", "packages", WITH.format("pandas"), PRIVATE),
)


ALLOWED = {
    "about 1 µs": "the order of magnitude of a call's overhead",
    "less than 10 µs": "an advice: so short a call costs more than it saves",
    "100 µs or more": "an order of magnitude",
    "about 5 ms": "the switch interval of an interpreter",
    "2 to 10 MB": "CPython's leak, which depends on the modules",
    "8 MiB": "the usual size of a stack",
    "1 to 100 ms": "an advice",
    "100 to 200 ms": "the time until a coroutine is stopped",
    "(1 MB)": "joblib's default",
}
"""Figures in sentences that no benchmark records, and the reason why each is allowed."""
CHECKED = ("README.md", "CHANGELOG.md", "docs/*.md", "docs/moving/*.md")
GENERATED = {"docs/benchmarks.md", "docs/changelog.md"}


def uncited(page: str, text: str) -> list[str]:
    """Returns the figures in a page's sentences that are neither cited nor allowed, each with the words before it."""
    here = [cited for cited in CITED if cited.page == page]
    spans = [found.span() for cited in here for found in re.finditer(rf"{cited.words}\s*{FIGURE}", text)]
    for start, end in spans:
        text = text[:start] + "_" * (end - start) + text[end:]
    text = re.sub(r"```.*?```|<!-- (figures|packages).*?<!-- /.*?-->", "", text, flags=re.DOTALL)
    text = " ".join(text.split())
    for phrase in ALLOWED:
        text = text.replace(phrase, "")
    return re.findall(r"(?:\S+ ){0,6}(?<![\w.])\d[\d.,]*(?: (?:µs|ms|MB|times (?:faster|as fast|less|more))|x)(?!\w)", text)


def pages() -> dict[str, str]:
    """Returns the pages that have sentences with figures, and their texts."""
    found = sorted(path for pattern in CHECKED for path in ROOT.glob(pattern))
    named = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}
    return {page: text for page, text in named.items() if page not in GENERATED}


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
