"""`readline` without line editing: outside the main interpreter, CPython's `input` uses no editor.

Settings and a history are kept in memory for this interpreter, so that programs find what they have set. Files with a
history belong to the process that edits lines, so they are refused.
"""

from collections.abc import Callable

from . import refused

__all__ = [
    "add_history",
    "append_history_file",
    "backend",
    "clear_history",
    "get_begidx",
    "get_completer",
    "get_completer_delims",
    "get_completion_type",
    "get_current_history_length",
    "get_endidx",
    "get_history_item",
    "get_history_length",
    "get_line_buffer",
    "get_pre_input_hook",
    "insert_text",
    "parse_and_bind",
    "read_history_file",
    "read_init_file",
    "redisplay",
    "remove_history_item",
    "replace_history_item",
    "set_auto_history",
    "set_completer",
    "set_completer_delims",
    "set_completion_display_matches_hook",
    "set_history_length",
    "set_pre_input_hook",
    "set_startup_hook",
    "write_history_file",
]

type Hook = Callable[..., object] | None

backend = "readline"

append_history_file = refused("readline.append_history_file")
read_history_file = refused("readline.read_history_file")
write_history_file = refused("readline.write_history_file")
insert_text = refused("readline.insert_text")
redisplay = refused("readline.redisplay")

_completer: Hook = None
_pre_input_hook: Hook = None
_delims = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?"
_history_length = -1
_history: list[str] = []


def set_completer(function: Hook = None) -> None:
    """Store the function that completes words."""
    global _completer
    _completer = function


def get_completer() -> Hook:
    """Return the function that was set."""
    return _completer


def set_completer_delims(string: str) -> None:
    """Store the characters between words."""
    global _delims
    _delims = string


def get_completer_delims() -> str:
    """Return the characters between words."""
    return _delims


def set_pre_input_hook(function: Hook = None) -> None:
    """Store the function. It is never called, because there is no prompt."""
    global _pre_input_hook
    _pre_input_hook = function


def get_pre_input_hook() -> Hook:
    """Return the function that was set."""
    return _pre_input_hook


def set_startup_hook(function: Hook = None) -> None:
    """Do nothing: there is no prompt before which it could be called."""


def set_completion_display_matches_hook(function: Hook = None) -> None:
    """Do nothing: nothing is completed."""


def parse_and_bind(string: str) -> None:
    """Do nothing: there are no keys."""


def read_init_file(filename: object = None) -> None:
    """Do nothing: there are no keys."""


def set_auto_history(enabled: bool) -> None:
    """Do nothing: no lines are edited."""


def get_line_buffer() -> str:
    """Return an empty string: no line is edited."""
    return ""


def get_begidx() -> int:
    """Return where the completed word begins."""
    return 0


def get_endidx() -> int:
    """Return where the completed word ends."""
    return 0


def get_completion_type() -> int:
    """Return the kind of completion: none."""
    return 0


def add_history(string: str) -> None:
    """Add a line to the history."""
    _history.append(string)


def clear_history() -> None:
    """Forget the history."""
    _history.clear()


def get_current_history_length() -> int:
    """Return the number of lines in the history."""
    return len(_history)


def get_history_item(index: int) -> str | None:
    """Return a line of the history; the first one is number 1."""
    return _history[index - 1] if 1 <= index <= len(_history) else None


def remove_history_item(pos: int) -> None:
    """Remove a line of the history; the first one is number 0."""
    del _history[_checked(pos)]


def replace_history_item(pos: int, line: str) -> None:
    """Replace a line of the history; the first one is number 0."""
    _history[_checked(pos)] = line


def _checked(pos: int) -> int:
    if pos < 0:
        raise ValueError("History index cannot be negative")
    if pos >= len(_history):
        raise ValueError(f"No history item at position {pos}")
    return pos


def get_history_length() -> int:
    """Return the maximum number of lines in a history file; negative: no limit."""
    return _history_length


def set_history_length(length: int) -> None:
    """Store the maximum number of lines in a history file."""
    global _history_length
    _history_length = length
