"""The commands of `python -m aiointerpreters`.

`cache` shows or removes copies of extension modules, `info` describes the machine, `check` tries to import modules in
workers, `compare` measures a function in all pools.
"""

import argparse
import sys
import time

from . import _core, _info

_DAY = 24 * 60 * 60


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 1 if copies could not be removed; others have their own."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["compare"]:
        from ._compare import command  # imported here, because it is large and only this command needs it

        return command.main(given[1:])
    if given[:1] == ["check"]:
        from ._check import command as check

        return check.main(given[1:])
    parser = argparse.ArgumentParser(prog="python -m aiointerpreters", description="Tools of aiointerpreters.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cache = commands.add_parser(
        "cache",
        help="show the cache of private copies of extension modules, or remove them",
        description="Show the folders in which private copies of extension modules are kept, or remove the copies.",
    )
    cache.add_argument("--clear", action="store_true", help="remove all copies; running programs are not disturbed")
    cache.set_defaults(run=lambda chosen: _clear() if chosen.clear else _show())
    info = commands.add_parser(
        "info",
        help="print what a bug report needs: versions, limits and settings",
        description="Print versions, processors, limits and settings. Copy the output into a bug report.",
    )
    info.set_defaults(run=lambda chosen: _tell())
    commands.add_parser("check", help="say which modules can be imported in workers, and why others cannot", add_help=False)
    commands.add_parser("compare", help="measure a function of yours in a plain loop and in all pools", add_help=False)
    chosen = parser.parse_args(given)
    status: int = chosen.run(chosen)
    return status


def _tell() -> int:
    for line in _info.lines():
        print(line)
    return 0


def _show() -> int:
    if (reason := _core.why_no_copies()) is not None:
        print(reason)
    for path, refused, absent, read_only, copies, nbytes, oldest_use in _core.describe_copies():
        print(path)
        if refused:
            print(f"  not used: {refused}")
        elif absent:
            print("  does not exist yet; it is created when it is needed")
        else:
            since = f", the least recently used copy was used {_days_ago(oldest_use)}" if oldest_use is not None else ""
            print(f"  {_counted(copies)}, {_megabytes(nbytes)}{since}")
            if read_only:
                print("  read-only: these copies are used, but new copies are kept elsewhere")
    return 0


def _clear() -> int:
    copies, nbytes, errors = _core.clear_copies()
    print(f"removed {_counted(copies)}, {_megabytes(nbytes)}")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _counted(copies: int) -> str:
    return f"{copies} {'copy' if copies == 1 else 'copies'}"


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB"


def _days_ago(timestamp: int) -> str:
    days = max(0, int((time.time() - timestamp) // _DAY))
    return "today" if days == 0 else f"{days} {'day' if days == 1 else 'days'} ago"
