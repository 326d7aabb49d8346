"""Crawls a small web site on this machine. Fetching waits for the network, parsing computes, and one pool does both.

The same crawl runs three times: pages are parsed on the event loop's own thread, in threads, and in interpreters. The
output compares how many pages a second were crawled, and how late the event loop ran.

pip install "aiointerpreters[examples]"
python examples/crawl.py [--pages 100] [--concurrency 8] [--interpreters 2]
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from command_line import whole_number
from crawl_links import read_links
from heartbeat import Heartbeat

if TYPE_CHECKING:
    import httpx

type Links = list[str]
type ReadLinks = Callable[[str, bytes], Links]

WAYS: dict[str, ReadLinks | None] = {
    "on the loop's own thread": None,
    "in threads": read_links,
    "in interpreters": interpreter(read_links),
}


def fetch(client: "httpx.Client", url: str) -> bytes:
    """Waits for the network. A thread can do that, so this function is not tagged."""
    return client.get(url).raise_for_status().content


@dataclass
class Crawl:
    """One crawl that starts at the first page and follows all links. `links` has the links of each page."""

    pool: InterpreterThreadPoolExecutor
    client: "httpx.Client"
    parse: ReadLinks | None
    at_most: int
    slots: asyncio.Semaphore
    links: dict[str, Links] = field(default_factory=dict)
    size: int = 0

    async def run(self, start: str) -> None:
        async with asyncio.TaskGroup() as self.pages:
            self.discover(start)

    def discover(self, url: str) -> None:
        if url not in self.links and len(self.links) < self.at_most:
            self.links[url] = []
            self.pages.create_task(self.visit(url))

    async def visit(self, url: str) -> None:
        in_pool = partial(asyncio.get_running_loop().run_in_executor, self.pool)
        async with self.slots:
            html = await in_pool(fetch, self.client, url)
            self.links[url] = await in_pool(self.parse, url, html) if self.parse else read_links(url, html)
        self.size += len(html)
        for link in self.links[url]:
            self.discover(link)


@dataclass(frozen=True)
class Report:
    """What a crawl found, how many seconds it took, and how late the loop was meanwhile."""

    links: dict[str, Links]
    size: int
    seconds: float
    heartbeat: Heartbeat

    def row(self, name: str) -> str:
        late = (self.heartbeat.percentile(share) * 1000 for share in (0.5, 0.99, 1))
        cells = "".join(f"{milliseconds:>8.1f} ms" for milliseconds in late)
        return f"  {name:<26}{len(self.links) / self.seconds:>8.1f}    {cells}"


async def crawl(start: str, parse: ReadLinks | None, options: argparse.Namespace) -> Report:
    import httpx  # imported here, because only the main interpreter needs it, and workers run this file too

    workers = options.concurrency + options.interpreters
    heartbeat = Heartbeat()
    with (
        InterpreterThreadPoolExecutor(workers, max_interpreters=options.interpreters) as pool,
        httpx.Client(trust_env=False) as client,
    ):
        crawl = Crawl(pool, client, parse, options.pages, asyncio.Semaphore(options.concurrency))
        began = time.perf_counter()
        async with heartbeat:
            await crawl.run(start)
        return Report(crawl.links, crawl.size, time.perf_counter() - began, heartbeat)


@contextmanager
def web_site(pages: int) -> Iterator[str]:
    """Serves a site from another process and yields the address of its first page."""
    command = [sys.executable, str(Path(__file__).with_name("crawl_site.py")), "--pages", str(pages)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()


def main() -> None:
    cores = os.process_cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pages", type=whole_number, default=100, help="pages of the site, all of them crawled (%(default)s)"
    )
    parser.add_argument("--concurrency", type=whole_number, default=8, help="pages under way at a time (%(default)s)")
    parser.add_argument("--interpreters", type=whole_number, default=cores, help="max_interpreters (%(default)s)")
    options = parser.parse_args()

    with web_site(options.pages) as start:
        print(f"A crawl of {options.pages} pages, CPython {platform.python_version()}, {cores} cores\n")
        print(f"  {'parsed':<26}{'pages/s':>8}    {'the event loop ran late by':>33}")
        print(f"  {'':<26}{'':>8}    {'p50':>11}{'p99':>11}{'max':>11}")
        reports = []
        for name, parse in WAYS.items():
            reports.append(asyncio.run(crawl(start, parse, options)))
            print(reports[-1].row(name), flush=True)

    if any(report.links != reports[0].links for report in reports):
        sys.exit("\nThe crawls found different pages")
    links = sum(len(found) for found in reports[0].links.values())
    print(f"\nAll three read the same {links:,} links in {reports[0].size / 1e6:.1f} MB of HTML.")


if __name__ == "__main__":
    main()
