"""A FastAPI service that computes: it stops work that takes too long, and work that nobody waits for any more.

python examples/fastapi_service.py [--port 8000] [--workers N] [--places N] [--seconds 10]

Then, in another terminal:

curl 'http://127.0.0.1:8000/primes/100000'
curl 'http://127.0.0.1:8000/rank' --json '{"text": "apple", "candidates": ["maple", "apples", "pear"]}'

Or with several processes: uvicorn --app-dir examples --factory fastapi_service:create_app --workers 2
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

import web_work
from aiointerpreters import InterpreterThreadPoolExecutor
from command_line import port, seconds, whole_number

CORES = os.process_cpu_count() or 1


class Compute:
    """Runs the functions of requests in interpreters, under the limits of this service."""

    def __init__(self, executor: InterpreterThreadPoolExecutor, places: int, seconds: float) -> None:
        """Take the executor, the number of calls that may run or wait at a time, and the seconds that each may take."""
        self.executor = executor
        self.places = places
        self.seconds = seconds
        self.taken = 0

    async def run[**P, R](self, request: Request, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return fn's result.

        Raises HTTPException: 503 if all places are taken, 504 if the time is up, 499 if the client has disconnected. The
        function is stopped in the last two cases.
        """
        if self.taken == self.places:
            raise HTTPException(503, "The service is busy.", headers={"Retry-After": "1"})
        self.taken += 1
        call: asyncio.Future[R] = asyncio.ensure_future(self.executor.run(fn, *args, **kwargs))
        gone = asyncio.create_task(wait_for_disconnect(request))
        waiting: set[asyncio.Future[Any]] = {call, gone}
        try:
            async with asyncio.timeout(self.seconds):
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise HTTPException(499, "The client has disconnected.")  # uvicorn drops the answer
            return call.result()
        except TimeoutError:
            raise HTTPException(504, f"This takes more than {self.seconds} seconds.") from None
        finally:
            self.taken -= 1
            gone.cancel()
            call.cancel()  # stops the function, and does nothing if that has ended


async def wait_for_disconnect(request: Request) -> None:
    """Return when the client has closed its connection. FastAPI has read the body of the request by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def get_compute(request: Request) -> Compute:
    compute: Compute = request.app.state.compute
    return compute


Computing = Annotated[Compute, Depends(get_compute)]


class Question(BaseModel):
    """The body of a request. It stays in the main interpreter: workers get its fields."""

    text: str
    candidates: list[str]


def create_app(workers: int = CORES, places: int = 4 * CORES, seconds: float = 10) -> FastAPI:
    """Make the service. See `Compute` for places and seconds."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with InterpreterThreadPoolExecutor(workers, preload=[web_work.__name__]) as executor:  # for the life of the process
            await asyncio.wrap_future(executor.warm_up())  # before the first request
            app.state.compute = Compute(executor, places, seconds)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/primes/{limit}")
    async def primes(limit: int, request: Request, compute: Computing) -> dict[str, int]:
        return {"limit": limit, "primes": await compute.run(request, web_work.count_primes, limit)}

    @app.post("/rank")
    async def rank(question: Question, request: Request, compute: Computing) -> list[web_work.Match]:
        return await compute.run(request, web_work.rank, question.text, question.candidates)

    @app.get("/health")
    async def health(compute: Computing) -> dict[str, str | int]:
        return {"taken": compute.taken, "places": compute.places, "executor": repr(compute.executor)}

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--port",
        type=port,
        default=8000,
        help="0 for any that is free (%(default)s)",
    )
    parser.add_argument("--workers", type=whole_number, default=CORES, help="interpreters (%(default)s)")
    parser.add_argument(
        "--places", type=whole_number, default=4 * CORES, help="calls that run or wait at a time (%(default)s)"
    )
    parser.add_argument("--seconds", type=seconds, default=10, help="the time that a call may take (%(default)s)")
    chosen = parser.parse_args()
    app = create_app(chosen.workers, chosen.places, chosen.seconds)
    uvicorn.run(app, port=chosen.port, timeout_graceful_shutdown=5)


if __name__ == "__main__":
    main()
