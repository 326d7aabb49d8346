"""`python -m aiointerpreters`: runs one of the `_commands`."""

import sys

_STOPPED = 130  # the exit status of a program that Ctrl-C has ended


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        from . import _commands  # imported inside `try`: Ctrl-C may come during the import

        return _commands.main(arguments)
    except KeyboardInterrupt:
        return _STOPPED


if __name__ == "__main__":
    sys.exit(main())
