"""`faulthandler`: signal handlers and the watchdog belong to the process. Any interpreter may write tracebacks."""

import importlib

from . import refused

__all__ = ["cancel_dump_traceback_later", "disable", "dump_traceback_later", "enable", "register", "unregister"]

enable = refused("faulthandler.enable")
register = refused("faulthandler.register")
dump_traceback_later = refused("faulthandler.dump_traceback_later")


def disable() -> bool:
    """Raise RuntimeError if the fault handler is enabled: another interpreter has done that. Otherwise do nothing."""
    if importlib.import_module("faulthandler").is_enabled():
        refused("faulthandler.disable")()
    return False


def cancel_dump_traceback_later() -> None:
    """Do nothing: this interpreter has started no watchdog."""


def unregister(signum: int) -> bool:
    """Do nothing: this interpreter has registered no handler."""
    return False
