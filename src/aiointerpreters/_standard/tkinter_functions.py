"""`_tkinter`: the events of a display come to the main thread of the process."""

from . import refused

__all__ = ["create"]

create = refused("tkinter.Tk")
