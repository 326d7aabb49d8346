"""The other side of bot.py: a chat's gateway on this machine, with users who follow a script."""

import asyncio
import json
from types import TracebackType
from typing import Self

TAKES_LONG = 1_000_000_007 * 1_000_000_009


class Gateway:
    """Sends what users say, prints what the bot replies, and notes how late its heartbeats are."""

    every = 0.02  # the seconds from one heartbeat to the next

    async def __aenter__(self) -> Self:
        self._replies: dict[str, asyncio.Queue[str]] = {name: asyncio.Queue() for name in ("ana", "ben", "cem")}
        self._connected = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._beats: list[float] = []
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connected.is_set():
            await self._disconnected.wait()
        self._server.close()

    async def play(self) -> None:
        """Let the users talk to the bot. Returns while cem still waits for an answer."""
        await self._connected.wait()
        self._say("ana", f"!factor {TAKES_LONG}")
        self._say("ana", "!factor 15")
        await self._hear("ana")
        self._say("ben", "!ping")
        await self._hear("ben")
        self._say("ben", "!factor 600851475143")
        await self._hear("ben")
        await self._hear("ana")
        self._say("cem", f"!factor {TAKES_LONG}")
        self._say("ben", "!help")
        await self._hear("ben")

    def summary(self) -> str:
        """Say how punctual the bot was."""
        gaps = [later - sooner for sooner, later in zip(self._beats, self._beats[1:], strict=False)]
        late = max(gaps, default=0) - self.every
        return f"{len(self._beats)} heartbeats, one every {self.every * 1000:.0f} ms, at most {late * 1000:.1f} ms late."

    def _say(self, user: str, text: str) -> None:
        print(f"{user}: {text}", flush=True)
        self._writer.write(f"{json.dumps({'user': user, 'text': text})}\n".encode())

    async def _hear(self, user: str) -> None:
        await self._replies[user].get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connected.set()
        try:
            async for line in reader:
                self._take(json.loads(line))
        except ConnectionResetError:  # the bot left without reading everything
            pass
        finally:
            writer.close()
            self._disconnected.set()

    def _take(self, message: dict[str, str]) -> None:
        if message["op"] == "heartbeat":
            self._beats.append(asyncio.get_running_loop().time())
        else:
            print(f"     bot to {message['user']}: {message['text']}", flush=True)
            self._replies[message["user"]].put_nowait(message["text"])
