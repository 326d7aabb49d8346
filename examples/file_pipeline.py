"""Reads many files on every core, with progress and a time limit for each file. Ctrl-C ends it at once.

For each file it shows how well the file compresses, and the longest passage that occurs twice. The search for this
passage is slow if a file repeats itself a lot. If it takes too long, the file is reported and skipped.

python examples/file_pipeline.py [FOLDER] [--pattern '*.py'] [--workers N] [--seconds 10]
"""

import argparse
import asyncio
import hashlib
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiointerpreters import Runner
from command_line import seconds, whole_number

CORES = os.process_cpu_count() or 1


@dataclass
class Report:
    """What is known of one file. It crosses from the worker as it is."""

    path: Path
    digest: str
    size: int
    compressed: int
    repeated: int  # lines of the longest passage that occurs twice
    first_line: int  # where it occurs for the second time


def examine(path: Path) -> Report:
    """Read a file and examine it. Runs in a worker, so the content of the file never crosses. Raises OSError."""
    content = path.read_bytes()
    lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
    repeated, first_line = longest_repeat(lines)
    digest = hashlib.sha256(content).hexdigest()
    return Report(path, digest, len(content), len(zlib.compress(content)), repeated, first_line)


def longest_repeat(lines: list[str]) -> tuple[int, int]:
    """Return the length of the longest passage that occurs twice, and where it begins again, or (0, 0) if there is none."""
    places: dict[str, list[int]] = {}
    lengths: dict[int, int] = {}  # by its last line: how many lines before it are the same as those before the current line
    longest, end = 0, 0
    for number, line in enumerate(lines):
        current = {}
        for place in places.setdefault(line, []):
            current[place] = length = lengths.get(place - 1, 0) + 1
            if longest < length <= number - place:  # the two do not overlap
                longest, end = length, number
        places[line].append(number)
        lengths = current
    return longest, end - longest + 2 if longest else 0


class Pipeline:
    """Examines files, as many at a time as there are workers, and counts."""

    def __init__(self, runner: Runner, workers: int, seconds: float) -> None:
        """Take a runner that has been started, its number of workers, and the seconds that a file may take."""
        self.runner = runner
        self.workers = workers
        self.seconds = seconds
        self.reports: list[Report] = []
        self.skipped: list[str] = []

    async def run(self, paths: Iterator[Path]) -> None:
        """Examine all files. The iterator is read step by step during the work, so there may be millions of files."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._consume(paths))

    async def _consume(self, paths: Iterator[Path]) -> None:
        """Examine one file after the other. All consumers share the iterator."""
        for path in paths:
            try:
                async with asyncio.timeout(self.seconds):
                    self.reports.append(await self.runner.run(examine, path))
            except TimeoutError:  # the function is stopped, and its worker is free again
                self.skipped.append(f"{path}: takes more than {self.seconds:g} s")
            except OSError as error:
                self.skipped.append(f"{path}: {error.strerror}")
            self._show_progress(path)

    def _show_progress(self, path: Path) -> None:
        said = f"{len(self.reports)} files done, {len(self.skipped)} skipped: {path.name}"
        if sys.stdout.isatty():
            print(f"\r\x1b[K{said[: os.get_terminal_size().columns - 1]}", end="", flush=True)
        else:
            print(said, flush=True)


def show(reports: list[Report], skipped: list[str]) -> None:
    print(f"\n{'bytes':>10}{'zlib':>6}{'repeated':>10}  most repeated first")
    for report in sorted(reports, key=lambda report: (-report.repeated, report.path))[:10]:
        ratio = report.compressed / max(report.size, 1)
        place = f":{report.first_line}" if report.repeated else ""
        print(f"{report.size:>10,}{ratio:>6.0%}{report.repeated:>4} lines  {report.path.name}{place}")
    print(f"\n{len(reports)} files, {len({report.digest for report in reports})} of them different.")
    for line in skipped:
        print(f"Skipped: {line}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.__file__).parent / "email"
    parser.add_argument("folder", type=Path, nargs="?", default=default, help="with the files (Python's package email)")
    parser.add_argument("--pattern", default="*.py", help="which of them (%(default)s)")
    parser.add_argument("--workers", type=whole_number, default=CORES, help="interpreters (%(default)s)")
    parser.add_argument("--seconds", type=seconds, default=10, help="the time that one file may take (%(default)s)")
    chosen = parser.parse_args()
    if not chosen.folder.is_dir():
        parser.error(f"there is no folder {chosen.folder}")
    try:
        paths = [path for path in sorted(chosen.folder.rglob(chosen.pattern)) if path.is_file()]
    except (ValueError, NotImplementedError) as error:
        parser.error(f"argument --pattern: {error}")
    if not paths:
        parser.error(f"no file in {chosen.folder} matches {chosen.pattern!r}")

    async with Runner(workers=chosen.workers) as runner:
        pipeline = Pipeline(runner, chosen.workers, chosen.seconds)
        try:
            await pipeline.run(iter(paths))
        finally:  # also after Ctrl-C
            show(pipeline.reports, pipeline.skipped)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("Stopped.")
        sys.exit(130)
