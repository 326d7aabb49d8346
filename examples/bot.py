"""A chat bot: heavy commands run in interpreters, and the heartbeats that its gateway expects stay on time.

It talks to a small gateway on this machine, as a Discord bot talks to Discord's. Each user may have one heavy command at a
time. A command that takes too long is stopped. When the bot ends, it stops running commands, and tells
the users who wait for them.

python examples/bot.py [--seconds 2] [--grace 0.5]
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import signal

from aiointerpreters import Runner
from bot_gateway import Gateway


def factor(number: int) -> list[int]:
    """Return the prime factors. This is a heavy command, so it runs in a worker. Raises ValueError for numbers below 2."""
    if number < 2:
        raise ValueError("I factor numbers from 2 on.")
    factors = []
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return [*factors, number] if number > 1 else factors


class Bot:
    """Answers messages until it is closed, or until the gateway closes the connection."""

    def __init__(
        self,
        runner: Runner,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        seconds: float = 2,
        grace: float = 0.5,
    ) -> None:
        """Take a runner that has been started, and the two ends of a connection.

        seconds: the time that a command may take. grace: the time that commands get to end when the bot is closed.
        """
        self.runner = runner
        self.reader = reader
        self.writer = writer
        self.seconds = seconds
        self.grace = grace
        self.commands: dict[str, asyncio.Task[None]] = {}  # by user, so each has one at most
        self.reading: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Read no further messages. `run` ends after that."""
        if self.reading is not None:
            self.reading.cancel()

    async def run(self, every: float) -> None:
        """Answer messages. every: the seconds from one heartbeat to the next."""
        beating = asyncio.create_task(self._beat(every))
        try:
            self.reading = asyncio.create_task(self._read())
            with contextlib.suppress(asyncio.CancelledError):
                await self.reading
        finally:
            await self._finish_commands()
            beating.cancel()
            self.writer.close()

    async def _beat(self, every: float) -> None:
        """Tell the gateway again and again that the bot is alive. A real gateway drops a bot whose heart beats late."""
        while True:
            self._send(op="heartbeat")
            await asyncio.sleep(every)

    async def _read(self) -> None:
        async for line in self.reader:
            message = json.loads(line)
            self._take(message["user"], message["text"])

    def _take(self, user: str, text: str) -> None:
        match text.split():
            case ["!ping"]:
                self._reply(user, "pong")
            case ["!factor", number] if number.isdecimal():
                if user in self.commands:
                    self._reply(user, "One at a time, please.")
                else:
                    self.commands[user] = asyncio.create_task(self._factor(user, int(number)))
            case _:
                self._reply(user, "I know !ping and !factor NUMBER.")

    async def _factor(self, user: str, number: int) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                self._reply(user, " x ".join(map(str, await self.runner.run(factor, number))))
        except TimeoutError:
            self._reply(user, f"I have stopped that after {self.seconds:g} s.")
        except ValueError as error:
            self._reply(user, str(error))
        except asyncio.CancelledError:
            self._reply(user, "I have to go. Please ask me again later.")
            raise
        finally:
            del self.commands[user]

    async def _finish_commands(self) -> None:
        """Let running commands end, for the time of grace; then stop them."""
        if commands := set(self.commands.values()):
            _, late = await asyncio.wait(commands, timeout=self.grace)
            for command in late:
                command.cancel()  # stops the function in its worker, too
            await asyncio.gather(*commands, return_exceptions=True)

    def _reply(self, user: str, text: str) -> None:
        self._send(op="reply", user=user, text=text)

    def _send(self, **message: str) -> None:
        self.writer.write(f"{json.dumps(message)}\n".encode())


def seconds(text: str) -> float:
    """Read a time of the command line. argparse shows the error."""
    if not 0 <= float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return float(text)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=seconds, default=2, help="the time that a command may take (%(default)s)")
    parser.add_argument("--grace", type=seconds, default=0.5, help="the time to end when the bot is closed (%(default)s)")
    chosen = parser.parse_args()

    gateway = Gateway()
    async with gateway, Runner(workers=os.process_cpu_count() or 1) as runner:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        bot = Bot(runner, reader, writer, seconds=chosen.seconds, grace=chosen.grace)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, bot.close)
        running = asyncio.create_task(bot.run(gateway.every))
        playing = asyncio.create_task(gateway.play())
        playing.add_done_callback(lambda _: bot.close())
        await running
        playing.cancel()
    print(gateway.summary())


if __name__ == "__main__":
    asyncio.run(main())
