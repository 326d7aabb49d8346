"""What the commands need to start further processes of this Python."""

import signal
import sys


def python_options() -> list[str]:
    """Return the options of Python that this process was started with, except those that say what to run."""
    arguments = sys.orig_argv[1:]
    return arguments[: arguments.index("-m")] if "-m" in arguments else []


def name_of_signal(number: int) -> str:
    """Return the name of a signal, such as SIGSEGV. Most real-time signals have no names."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
