"""`_curses_panel`: panels belong to the terminal, and so to the process."""

from . import refused

__all__ = ["bottom_panel", "new_panel", "top_panel", "update_panels"]

bottom_panel = refused("curses.panel.bottom_panel")
new_panel = refused("curses.panel.new_panel")
top_panel = refused("curses.panel.top_panel")
update_panels = refused("curses.panel.update_panels")
