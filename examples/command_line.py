"""Reads numbers from the command lines of these examples. Used as `type` of argparse, which shows the errors."""

import argparse
import math


def whole_number(text: str, least: int = 1, most: int = 10_000) -> int:
    """Read a number of things."""
    if not (text.isdecimal() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def port(text: str) -> int:
    """Read a port of this machine. 0 is any that is free."""
    return whole_number(text, 0, 65535)


def seconds(text: str) -> float:
    """Read a time."""
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return float(text)
