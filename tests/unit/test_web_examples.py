"""The web examples, run by real servers on this machine, with clients that wait and clients that disconnect."""

import importlib.util
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from support.scripts import TIMEOUT, environment
from support.web_server import BEGINS, ENDS

NEVER_ENDS = 10**15

NEEDED = ("django", "fastapi", "httpx", "uvicorn")
pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in NEEDED), reason="needs the extra `examples`"
)


class Server:
    """A uvicorn in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], output: IO[str]) -> None:
        self.process = process
        self.output = output
        address = self.wait_for(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")
        self.port = int(address[1])
        import httpx  # imported here, because the tests are skipped if it is not installed

        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=TIMEOUT)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read its output up to a line that matches."""
        seen = []
        for line in self.output:
            seen.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern} does not occur in: {''.join(seen)}")

    def get(self, path: str) -> tuple[int, Any]:
        """Send a request and wait for the response. Return its status and its JSON."""
        answer = self.client.get(path)
        return answer.status_code, answer.json()

    def ask(self, path: str) -> socket.socket:
        """Send a request without waiting for the response."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return connection

    def stop(self) -> int:
        """Send SIGTERM, like a process manager. Return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.wait_for("Application shutdown complete")
        return self.process.wait(TIMEOUT)


@contextmanager
def serving(script: str, *args: str) -> Iterator[Server]:
    """A server that ends with the block."""
    source = f"from support.web_server import main; main({script!r})"
    command = [sys.executable, "-u", "-c", source, script, "--port", "0", *args]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        try:
            assert process.stdout is not None
            server = Server(process, process.stdout)
            with server.client:
                yield server
        finally:
            process.kill()


def test_fastapi_computes_in_interpreters_and_takes_models() -> None:
    with serving("fastapi_service.py", "--workers", "1") as server:
        assert server.get("/primes/100") == (200, {"limit": 100, "primes": 25})
        question = {"text": "apple", "candidates": ["pear", "maple", "apples"]}
        answer = server.client.post("/rank", json=question)
        assert [match["candidate"] for match in answer.json()] == ["apples", "maple", "pear"]
        assert server.client.post("/rank", json={"text": "apple"}).status_code == 422
        assert server.stop() == -signal.SIGTERM


def test_fastapi_stops_the_work_of_a_client_that_leaves() -> None:
    with serving("fastapi_service.py", "--workers", "1", "--seconds", str(TIMEOUT)) as server:
        with server.ask(f"/primes/{NEVER_ENDS}"):
            server.wait_for(BEGINS)
        assert server.get("/primes/100") == (200, {"limit": 100, "primes": 25})  # answered by the only worker
        assert server.get("/health")[1]["taken"] == 0


def test_fastapi_stops_what_takes_too_long() -> None:
    with serving("fastapi_service.py", "--workers", "1", "--seconds", "0.3") as server:
        status, said = server.get(f"/primes/{NEVER_ENDS}")
        assert (status, said) == (504, {"detail": "This takes more than 0.3 seconds."})
        assert server.get("/health")[1]["taken"] == 0


def test_fastapi_refuses_what_it_has_no_place_for() -> None:
    with serving("fastapi_service.py", "--workers", "1", "--places", "1", "--seconds", str(TIMEOUT)) as server:
        with server.ask(f"/primes/{NEVER_ENDS}"):
            server.wait_for(BEGINS)
            answer = server.client.get("/primes/100")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        server.wait_for(ENDS)
        assert server.get("/primes/100")[0] == 200


def test_fastapi_stops_its_work_when_it_is_told_to_end() -> None:
    with (
        serving("fastapi_service.py", "--workers", "1", "--seconds", str(TIMEOUT)) as server,
        server.ask(f"/primes/{NEVER_ENDS}"),
    ):
        server.wait_for(BEGINS)
        assert server.stop() == -signal.SIGTERM


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_django_computes_in_interpreters(kind: str) -> None:
    with serving("django_views.py", "--workers", "1", "--seconds", str(TIMEOUT)) as server:
        assert server.get(f"/{kind}/primes/100") == (200, {"limit": 100, "primes": 25})
        assert "1 of 1 interpreters" in server.get("/health")[1]["executor"]


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_django_stops_what_takes_too_long(kind: str) -> None:
    with serving("django_views.py", "--workers", "1", "--seconds", "1") as server:
        assert server.get(f"/{kind}/primes/{NEVER_ENDS}") == (504, {"error": "This takes too long."})
        while server.get(f"/{kind}/primes/100")[0] == 504:  # it waits for the only worker; its own time may run out, too
            pass


def test_django_stops_the_work_of_a_client_that_leaves_an_asynchronous_view() -> None:
    with serving("django_views.py", "--workers", "1", "--seconds", str(TIMEOUT)) as server:
        with server.ask(f"/async/primes/{NEVER_ENDS}"):
            server.wait_for(BEGINS)
        assert server.get("/sync/primes/100") == (200, {"limit": 100, "primes": 25})  # answered by the only worker
