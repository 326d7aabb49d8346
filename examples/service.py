"""A service that computes while its event loop stays responsive.

It listens on a port of this machine and counts primes for its clients. The counting runs in interpreters. The clients
run there too, as coroutine functions, many at once in the event loop of each worker. A request that takes too long is
stopped, and its worker takes the next one.

python examples/service.py [--clients 16] [--requests 8] [--patience 1]
"""

import argparse
import asyncio
import math
import os
import platform
import sys
import time

from aiointerpreters import InterpreterThreadPoolExecutor
from command_line import seconds, whole_number
from heartbeat import Heartbeat

CORES = os.process_cpu_count() or 1
LIMIT = 10_000
FAR_TOO_MUCH = 10**15
TOO_MUCH = "that takes too long"


def count_primes(limit: int) -> int:
    """Counts the primes below `limit`, one after the other: CPU-bound."""
    return sum(is_prime(number) for number in range(limit))


def is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


async def ask(port: int, limits: list[int]) -> list[str]:
    """Sends questions to the service, one after the other. Many calls of it run in the event loop of one worker."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for limit in limits:
        writer.write(f"{limit}\n".encode())
        answers.append((await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()
    return answers


class Service:
    """Reads lines with a limit. Answers each with the number of primes below it, or says that this takes too long."""

    def __init__(self, pool: InterpreterThreadPoolExecutor, patience: float) -> None:
        """Takes the pool that computes, and the seconds that a request may take."""
        self.pool = pool
        self.patience = patience

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(f"{await self.answer(int(line))}\n".encode())
        writer.close()

    async def answer(self, limit: int) -> str:
        try:
            async with asyncio.timeout(self.patience):
                return str(await self.pool.run(count_primes, limit))
        except TimeoutError:  # the timeout has cancelled `run`, which stops the function
            return TOO_MUCH


async def demonstrate(clients: int, requests: int, patience: float) -> None:
    with InterpreterThreadPoolExecutor(CORES) as pool:
        async with await asyncio.start_server(Service(pool, patience).serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with Heartbeat() as heartbeat:
                await asyncio.sleep(0.5)
            show("idle", heartbeat)

            async with Heartbeat() as heartbeat:
                answers = await asyncio.gather(*(pool.run(ask, port, [LIMIT] * requests) for _ in range(clients)))
            show("while every worker computes", heartbeat)

            async with Heartbeat() as heartbeat:
                refusals = await asyncio.gather(*(pool.run(ask, port, [FAR_TOO_MUCH]) for _ in range(CORES)))
            show("while requests are stopped", heartbeat)

            start = time.perf_counter()
            afterwards = await pool.run(ask, port, [100])
            seconds = time.perf_counter() - start

    right = str(count_primes(LIMIT))
    stopped = sum(client.count(TOO_MUCH) for client in [*answers, afterwards])
    if stopped:
        sys.exit(f"\nRequests that took longer than {patience} s: {stopped}. This machine is busy. Try --patience 10.")
    if answers != [[right] * requests] * clients or refusals != [[TOO_MUCH]] * CORES or afterwards != ["25"]:
        sys.exit(f"\nThe answers are wrong: {answers}, {refusals}, {afterwards}")
    print(f"\nAll {clients * requests} requests were answered alike: {right} primes below {LIMIT:,}.")
    print(
        f"{CORES} requests that would have taken years were stopped after {patience} s, "
        f"and the next one was answered in {seconds * 1000:.1f} ms."
    )


def show(what: str, heartbeat: Heartbeat) -> None:
    late = (heartbeat.percentile(share) * 1000 for share in (0.5, 0.99, 1))
    print(f"  {what:<28}{''.join(f'{milliseconds:>8.1f} ms' for milliseconds in late)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=whole_number, default=16, help="clients at a time (%(default)s)")
    parser.add_argument("--requests", type=whole_number, default=8, help="requests of each client (%(default)s)")
    parser.add_argument("--patience", type=seconds, default=1.0, help="seconds that a request may take (%(default)s)")
    options = parser.parse_args()

    print(f"A service with {CORES} interpreters, CPython {platform.python_version()}\n")
    print(f"  {'the event loop ran late by':<28}{'p50':>11}{'p99':>11}{'max':>11}")
    asyncio.run(demonstrate(options.clients, options.requests, options.patience))


if __name__ == "__main__":
    main()
