"""What workers say, in a worker: log records without handlers of their own here go to the interpreter that waits for calls.

The engine asks `find_spec` for the modules in `_INSTALL`, before their first import here. So a worker that does not import
them pays nothing.
"""

import sys

from . import _after_import, _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Protocol

    class Way(Protocol):
        """The way to home."""

        is_native: bool

        def post(
            self,
            kind: int,
            content: tuple[Any, ...],
            extra: dict[str, Any] | None = None,
            exception: BaseException | None = None,
            /,
        ) -> None:
            """Send a word home."""

        def settings(self, follow: Callable[[dict[str, Any]], None], /) -> dict[str, Any]:
            """Return home's levels and filters, and have `follow` called when they change."""


RECORD, WARNING, OUTPUT = range(3)
_ALIAS = "__mp_main__"  # the name of home's script here (_script.py)


class _Native:
    """The way of a worker. A process of an executor has another one (_process_words.py)."""

    is_native = True
    post = staticmethod(_core.post_word)
    settings = staticmethod(_core.home_settings)


_way: "Way" = _Native()


def use(way: "Way") -> None:
    """Use another way from now on."""
    global _way
    _way = way


def find_spec(name: str, path: "Any" = None, target: "ModuleType | None" = None) -> "ModuleSpec | None":
    """Find the module as the other finders do. When it is complete, its part is installed."""
    finders = [finder for finder in sys.meta_path if not getattr(finder, "watches_words", False)]
    return _after_import.find_spec(finders, name, path, target, lambda module: install(module.__name__, module))


def install(name: str, module: "Any") -> None:
    """Install the part of this module for a module that has just been executed, or was imported before."""
    _INSTALL[name](module)


def _install_logging(module: "Any") -> None:
    plain = frozenset(vars(module.makeLogRecord({}))) | {"message", "asctime"}
    fields = _core.record_fields()
    null_handler = module.NullHandler
    format_exception = module.Formatter().formatException
    call_own_handlers = module.Logger.callHandlers

    def has_handlers(logger: "logging.Logger | None") -> bool:
        while logger is not None:
            for handler in logger.handlers:
                if type(handler) is not null_handler:
                    return True
            if not logger.propagate:
                return False
            logger = logger.parent
        return False

    def call_handlers(self: "logging.Logger", record: "logging.LogRecord") -> None:
        """Pass a record to the handlers of this interpreter. If there are none, send it home."""
        if has_handlers(self):
            call_own_handlers(self, record)
        else:
            attributes = vars(record)
            extra = (
                {key: value for key, value in attributes.items() if key not in plain}
                if len(attributes) > len(plain) - 2
                else None
            )
            info = record.exc_info
            text = record.exc_text
            if info and not text:
                text = format_exception(info)
            message, args = _message_of(record)
            said = {**attributes, "msg": message, "args": args, "exc_text": text}
            _way.post(RECORD, tuple(map(said.get, fields)), extra, info[1] if info else None)

    call_handlers.__name__ = call_handlers.__qualname__ = "callHandlers"
    module.Logger.callHandlers = call_handlers
    if _way.is_native and module._srcfile == module.Logger._log.__code__.co_filename:
        module.Logger._log = _core.log_call(module)
    _follow_levels(module)


_PLAIN = frozenset({str, int, float, bool, type(None), bytes, complex})


def _message_of(record: "logging.LogRecord") -> "tuple[str, tuple[object, ...]]":
    """Return message and arguments. If the arguments are not plain, the message is formatted here."""
    args: Any = record.args
    if not args:
        return str(record.msg), ()
    if type(record.msg) is str and type(args) is tuple and all(type(value) in _PLAIN for value in args):
        return record.msg, args
    if (
        type(record.msg) is str
        and type(args) is dict
        and all(type(key) is str and type(value) in _PLAIN for key, value in args.items())
    ):
        return record.msg, (args,)
    try:
        return record.getMessage(), ()
    except Exception:  # home's handlers report it
        return str(record.msg), tuple(map(repr, args.values() if isinstance(args, dict) else args))


def _follow_levels(module: "Any") -> None:
    applied: dict[str, int] = {"": 0, "root": module.WARNING}

    def follow(settings: "dict[str, Any]") -> None:
        """Apply what has changed at home. Levels that code here has set stay, unless home changes them too."""
        levels: dict[str, int] = settings["levels"]
        changed = [name for name in {*applied, *levels} if levels.get(name, 0) != applied.get(name, 0)]
        applied.clear()
        applied.update(levels)
        for name in changed:
            level = levels.get(name, 0)
            if not name:
                module.disable(level)
                continue
            module.getLogger(name).setLevel(level)
            head, dot, rest = name.partition(".")
            if head == "__main__":
                module.getLogger(_ALIAS + dot + rest).setLevel(level)

    _follow(follow)


# ---- Warnings


def _install_warnings(module: "Any") -> None:
    show_here = module._showwarnmsg_impl
    get_context = getattr(module, "_get_context", None)  # since 3.14

    def show(message: "Any") -> None:
        """Send a warning home that would be written to stderr."""
        is_recorded = get_context is not None and getattr(get_context(), "log", None) is not None
        if message.file is not None or is_recorded:
            show_here(message)
            return
        classes = message.category.__mro__
        names = [(each.__module__, each.__qualname__) for each in classes if issubclass(each, Warning)]
        place = next((name for name, each in list(sys.modules.items()) if _file_of(each) == message.filename), None)
        _way.post(WARNING, (str(message.message), names, message.filename, message.lineno, place))

    module._showwarnmsg_impl = show
    _follow_filters(module)


def _file_of(module: object) -> object:
    return getattr(module, "__file__", None)


def _follow_filters(module: "Any") -> None:
    applied: list[Any] = list(module.filters)

    def follow(settings: "dict[str, Any]") -> None:
        """Replace home's filters here. Those that code here has added stay before them."""
        added = [item for item in module.filters if item not in applied]
        applied[:] = [made for item in settings["filters"] for made in _filters(*item)]
        items = added + applied
        module.resetwarnings()
        module.filters[:] = items[:-1]
        for item in items[-1:]:
            module._add_filter(*item, append=True)  # so that the engine of warnings notices the change

    _follow(follow)


def _filters(action: str, message: "Any", module: str, name: str, place: "Any", line: int) -> "list[tuple[Any, ...]]":
    """Return what a filter of home is here: nothing, the filter, or another one too, for the module of home's script."""
    category: Any = sys.modules.get(module)
    for part in name.split("."):
        category = getattr(category, part, None)
    if category is None:  # no code here has imported it, so it cannot be warned of
        return []
    expression = _expression(place)
    made = [(action, _expression(message), category, expression, line)]
    if expression is not None and (expression == "__main__" if type(expression) is str else expression.match("__main__")):
        made.append((action, _expression(message), category, _ALIAS, line))
    return made


def _expression(pattern: "Any") -> "Any":
    if type(pattern) is not tuple:
        return pattern
    import re

    return re.compile(*pattern)


# ---- What both follow

_followers: "list[Callable[[dict[str, Any]], None]]" = []


def _follow(follower: "Callable[[dict[str, Any]], None]") -> None:
    _followers.append(follower)
    settings = _way.settings(follow_all)
    if settings:
        follower(settings)


def follow_all(settings: "dict[str, Any]") -> None:
    for follower in _followers:
        follower(settings)


# ---- Output


def forward_output() -> None:
    """Send home what is written to sys.stdout and sys.stderr from now on."""
    sys.stdout, sys.stderr = _stream("stdout", sys.stdout), _stream("stderr", sys.stderr)


def _stream(name: str, original: "Any") -> "Any":
    import io  # built in

    class Stream(io.TextIOBase):
        """A text stream to the stream of the same name at home. Complete lines go there at once."""

        errors = getattr(original, "errors", "strict")
        encoding = getattr(original, "encoding", "utf-8")
        line_buffering = True
        _pending = ""

        def write(self, text: str) -> int:
            if not isinstance(text, str):
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
            self._pending, all_of_it = "", self._pending + text
            end = all_of_it.rfind("\n") + 1
            if end or len(all_of_it) > _LONG:
                end = end or len(all_of_it)
                _way.post(OUTPUT, (name, all_of_it[:end]))
            self._pending = all_of_it[end:] + self._pending
            return len(text)

        def flush(self) -> None:
            text, self._pending = self._pending, ""
            if text:
                _way.post(OUTPUT, (name, text))

        def writable(self) -> bool:
            return True

        def fileno(self) -> int:
            number: int = original.fileno()
            return number

    return Stream()


_LONG = 8192

_INSTALL: "dict[str, Callable[[Any], None]]" = {"logging": _install_logging, "warnings": _install_warnings}
