"""`faulthandler`: handlers of signals and the watchdog are the process's. To write tracebacks is everybody's."""

import importlib

from . import refused

__all__ = ["cancel_dump_traceback_later", "disable", "dump_traceback_later", "enable", "register", "unregister"]

enable = refused("faulthandler.enable")
register = refused("faulthandler.register")
dump_traceback_later = refused("faulthandler.dump_traceback_later")


def disable() -> bool:
    """Refuse to disable what has been enabled elsewhere; do nothing if it is not enabled."""
    if importlib.import_module("faulthandler").is_enabled():
        refused("faulthandler.disable")()
    return False


def cancel_dump_traceback_later() -> None:
    """Do nothing: this interpreter has none to cancel."""


def unregister(signum: int) -> bool:
    """Do nothing: this interpreter has registered none."""
    return False
