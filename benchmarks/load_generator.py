"""Sends HTTP requests to a service and measures the answers: `load_generator.py PORT SETTINGS`; prints JSON.

With a fixed rate, requests are due at fixed times, whether earlier ones are answered or not. The time of an answer counts
from when its request was due. So a service that stops for a second makes all requests of that second late, as its users
experience it. Without a rate, a number of clients send the next request as soon as they have an answer. This measures the
highest throughput of the service.
"""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field

TIMEOUT = 5.0
"""Seconds after which a request counts as an error."""


@dataclass
class Answers:
    """The measurements of one kind of request: milliseconds of the good answers, and the number of failed requests."""

    taken: list[float] = field(default_factory=list)
    errors: int = 0

    def summary(self, seconds: float) -> dict[str, float]:
        """Returns percentiles in ms (the time limit if there is no good answer), good answers per second, and errors."""
        if len(self.taken) > 1:
            percentiles = statistics.quantiles(self.taken, n=100, method="inclusive")
        else:
            percentiles = [TIMEOUT * 1000] * 99
        return {"p50": percentiles[49], "p99": percentiles[98], "rate": len(self.taken) / seconds, "errors": self.errors}


class Connections:
    """Keep-alive connections to one port. A request takes a free one, or a new one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str) -> bytes:
        """Returns the content. Raises OSError, EOFError or RuntimeError. A connection is used again only after success."""
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split()[0])
            content = await reader.readexactly(length)
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(f"{path}: {head.splitlines()[0]!r}")
        except BaseException:
            writer.close()
            raise
        self._free.append((reader, writer))
        return content

    async def timed(self, path: str, due: float, answers: Answers) -> None:
        """Sends one request, and adds to `answers` the time since it was due."""
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + TIMEOUT):
                await self.get(path)
        except (OSError, EOFError, RuntimeError):
            answers.errors += 1
        else:
            answers.taken.append((time.perf_counter() - due) * 1000)

    def close(self) -> None:
        """Closes the free connections. These are all, if no request is under way."""
        while self._free:
            self._free.pop()[1].close()


async def at_rate(connections: Connections, paths: list[str], rate: float, seconds: float) -> Answers:
    """Sends requests for the paths in turn at fixed times, and waits for the last answer."""
    answers, start = Answers(), time.perf_counter()
    async with asyncio.TaskGroup() as requests:
        for number in range(round(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            requests.create_task(connections.timed(paths[number % len(paths)], due, answers))
    return answers


async def by_clients(connections: Connections, paths: list[str], clients: int, seconds: float) -> Answers:
    """Lets clients send requests until the time is over."""
    answers, end = Answers(), time.perf_counter() + seconds

    async def client(number: int) -> None:
        while (now := time.perf_counter()) < end:
            await connections.timed(paths[number % len(paths)], now, answers)
            number += 1

    async with asyncio.TaskGroup() as running:
        for number in range(clients):
            running.create_task(client(number))
    return answers


async def phase(port: int, settings: dict[str, float]) -> dict[str, dict[str, float]]:
    """Returns the results of one kind of load: computing requests, pings, and the service's report about its loop."""
    paths = ["/short"] * 9 + ["/long"]
    seconds, connections, pinging = settings["seconds"], Connections(port), Connections(port)
    await connections.get("/statistics")  # discards the earlier statistics
    start = time.perf_counter()
    async with asyncio.TaskGroup() as loads:
        pings = loads.create_task(at_rate(pinging, ["/ping"], settings["pings"], seconds))
        if "rate" in settings:
            computing = loads.create_task(at_rate(connections, paths, settings["rate"], seconds))
        else:
            computing = loads.create_task(by_clients(connections, paths, int(settings["clients"]), seconds))
    elapsed = time.perf_counter() - start
    loop: dict[str, float] = json.loads(await connections.get("/statistics"))
    connections.close()
    pinging.close()
    return {"computing": computing.result().summary(elapsed), "ping": pings.result().summary(elapsed), "loop": loop}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(phase(int(sys.argv[1]), json.loads(sys.argv[2])))))
