"""`_curses`: the terminal belongs to the process. All other functions require that one of these was called before."""

from . import refused

__all__ = ["filter", "initscr", "killchar", "putp", "set_escdelay", "set_tabsize", "setupterm", "use_env"]

filter = refused("curses.filter")  # noqa: A001
initscr = refused("curses.initscr")
killchar = refused("curses.killchar")
putp = refused("curses.putp")
set_escdelay = refused("curses.set_escdelay")
set_tabsize = refused("curses.set_tabsize")
setupterm = refused("curses.setupterm")
use_env = refused("curses.use_env")
