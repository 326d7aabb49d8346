"""`_tkinter`: a display's events come to the process's main thread."""

from . import refused

__all__ = ["create"]

create = refused("tkinter.Tk")
