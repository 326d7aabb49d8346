"""Where a tagged function runs that is given to a framework, and whether the user is told. docs/where.md has the table."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from support.scripts import Finished, run_script

pytestmark = [pytest.mark.once, pytest.mark.programs]

HEAD = """
    import asyncio, threading
    from aiointerpreters import InterpreterThreadPoolExecutor, current, interpreter

    @interpreter
    def tagged(number: int = 0) -> str:
        return current().where

    def job(number):
        return pool.submit(tagged, number).result()

    if __name__ == "__main__":
        pool = InterpreterThreadPoolExecutor(2)
"""
SCHEDULER = """
import queue
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler
results = queue.Queue()
scheduler = BackgroundScheduler()
scheduler.add_listener(lambda event: results.put(event.retval), EVENT_JOB_EXECUTED)
scheduler.start()
"""
CLIENT = """
from fastapi import FastAPI
from fastapi.testclient import TestClient
app = FastAPI()
"""
LOST = {
    "asgiref": ("home", "from asgiref.sync import sync_to_async\nprint(asyncio.run(sync_to_async(tagged)(1)))"),
    "asgiref, our executor": (
        "thread",
        "from asgiref.sync import sync_to_async\n"
        "print(asyncio.run(sync_to_async(tagged, thread_sensitive=False, executor=pool)(1)))",
    ),
    "starlette": (
        "home",
        "from starlette.concurrency import run_in_threadpool\nprint(asyncio.run(run_in_threadpool(tagged, 1)))",
    ),
    "fastapi": ("home", f'{CLIENT}app.get("/")(tagged)\nprint(TestClient(app).get("/").json())'),
    "dask": ("home", "import dask\nprint(dask.delayed(tagged)(1).compute(scheduler='threads'))"),
    "dask, our executor": (
        "thread",
        "import dask\nprint(dask.delayed(tagged)(1).compute(scheduler='threads', pool=pool))",
    ),
    "apscheduler": ("home", f"{SCHEDULER}scheduler.add_job(tagged, args=[1])\nprint(results.get())\nscheduler.shutdown()"),
}
RIGHT = {
    "fastapi": f'{CLIENT}@app.get("/")\nasync def index(): return await pool.run(tagged, 1)\n'
    'print(TestClient(app).get("/").json())',
    "dask": "import dask\nprint(dask.delayed(job)(1).compute(scheduler='threads'))",
    "apscheduler": f"{SCHEDULER}scheduler.add_job(job, args=[1])\nprint(results.get())\nscheduler.shutdown()",
}


def run(folder: Path, name: str, body: str) -> Finished:
    """Run a program that uses that framework."""
    needed = [name.partition(",")[0], *(["httpx"] if name == "fastapi" else [])]
    for module in needed:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    lines = "".join(f"        {line}\n" for line in f"{body}\npool.shutdown()".splitlines())
    return run_script(folder, HEAD + lines, env={"AIOINTERPRETERS_WARN_LOST_TAGS": "1"})


@pytest.mark.parametrize("name", LOST)
def test_a_tag_that_a_framework_calls_itself_is_lost_and_told(tmp_path: Path, name: str) -> None:
    place, body = LOST[name]
    finished = run(tmp_path, name, body)
    assert (finished.code, finished.lines) == (0, [place]), finished.stderr
    assert finished.stderr.count("LostTagWarning: __main__.tagged is tagged with `interpreter`") == 1


@pytest.mark.parametrize("name", RIGHT)
def test_the_way_that_the_guide_recommends_leads_to_an_interpreter(tmp_path: Path, name: str) -> None:
    finished = run(tmp_path, name, RIGHT[name])
    assert (finished.code, finished.lines) == (0, ["interpreter"]), finished.stderr
    assert "LostTagWarning" not in finished.stderr


def test_starlette_takes_a_tagged_endpoint_for_an_application(tmp_path: Path) -> None:
    body = """
from starlette.routing import Route
print(Route("/", tagged).app is tagged)
"""
    assert run(tmp_path, "starlette", body).lines == ["True"]


def test_apscheduler_names_a_tag_by_its_class(tmp_path: Path) -> None:
    body = f"{SCHEDULER}print(scheduler.add_job(tagged, args=[1]).func_ref, scheduler.add_job(job, args=[1]).func_ref)\n"
    finished = run(tmp_path, "apscheduler", f"{body}scheduler.shutdown()")
    assert finished.lines == ["__main__:interpreter __main__:job"]
