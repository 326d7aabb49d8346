"""A small web service for bench_service.py: `service_app.py POOL WORKERS` serves on a free port and prints its number.

It ends when its standard input is closed, so it never outlives the program that has started it. Its pages:

    /ping         answers immediately
    /short        computes in the pool for about 10 ms in pure Python, then answers
    /long         the same for about 50 ms
    /statistics   the delay of the event loop since the last such request, and the memory of the processes

It is an ASGI application under uvicorn: one process, with uvicorn's defaults except for its log.
"""

import asyncio
import contextlib
import importlib
import json
import socket
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import awaiting
import peers
import workloads

type Way = Callable[[Callable[[int], int], int], Awaitable[int]]
NUMBERS = {"/short": 150_000, "/long": 750_000}


@contextlib.asynccontextmanager
async def way_of(name: str, workers: int) -> AsyncIterator[Way]:
    """Opens a pool and yields a function with which coroutines call functions in it. Raises KeyError for an unknown pool."""
    loop = asyncio.get_running_loop()
    if name == peers.NO_POOL:

        async def inline(function: Callable[[int], int], number: int) -> int:
            return function(number)

        yield inline
    elif name == "anyio.to_interpreter":
        run_sync = importlib.import_module("anyio.to_interpreter").run_sync
        room = asyncio.Semaphore(workers)  # otherwise each waiting request would create an interpreter

        async def in_interpreter(function: Callable[[int], int], number: int) -> int:
            async with room:
                answer: int = await run_sync(function, number)
                return answer

        yield in_interpreter
    elif name == peers.OURS_AWAITED:
        with importlib.import_module("aiointerpreters").InterpreterThreadPoolExecutor(workers) as pool:
            yield pool.run
    else:
        module, kind = EXECUTORS[name]
        with getattr(importlib.import_module(module), kind)(workers) as executor:
            yield lambda function, number: loop.run_in_executor(executor, function, number)


EXECUTORS = {
    "ThreadPoolExecutor": ("concurrent.futures", "ThreadPoolExecutor"),
    "ProcessPoolExecutor": ("concurrent.futures", "ProcessPoolExecutor"),
    "InterpreterPoolExecutor": ("concurrent.futures", "InterpreterPoolExecutor"),
    "loky": ("loky", "ProcessPoolExecutor"),
}
POOLS = (
    peers.OURS_AWAITED,
    "InterpreterPoolExecutor",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "loky",
    "anyio.to_interpreter",
    peers.NO_POOL,
)


def statistics_of(late: list[float]) -> dict[str, float]:
    """Returns the lateness of the loop's beats in ms, and discards them."""
    percentiles = statistics.quantiles(late, n=100, method="inclusive") if len(late) > 1 else [0.0] * 99
    summary = {"p50": percentiles[49], "p99": percentiles[98], "maximum": max(late, default=0.0)}
    late.clear()
    return summary | {"memory": peers.memory_of_the_tree()}


async def answer(path: str, way: Way, late: list[float]) -> tuple[int, object]:
    """Returns status and content for a request."""
    if path in NUMBERS:
        return 200, await way(workloads.sum_of_squares, NUMBERS[path])
    if path == "/statistics":
        return 200, statistics_of(late)
    return (200, "pong") if path == "/ping" else (404, "no such page")


async def serve(name: str, workers: int) -> None:
    """Serves until standard input is closed."""
    uvicorn = importlib.import_module("uvicorn")
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(way_of(name, workers))
        await asyncio.gather(*(way(workloads.sum_of_squares, NUMBERS["/long"]) for _ in range(2 * workers)))
        late = await stack.enter_async_context(awaiting.heartbeat())

        async def application(scope: Mapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
            status, content = await answer(scope["path"], way, late)
            body = json.dumps(content).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        # The protocol is named, because asyncio sends immediately (TCP_NODELAY) only if the socket declares that it is TCP.
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        configuration = uvicorn.Config(application, lifespan="off", log_level="error", access_log=False)
        server = uvicorn.Server(configuration)

        def stop() -> None:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            server.should_exit = True

        asyncio.get_running_loop().add_reader(sys.stdin, stop)
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
