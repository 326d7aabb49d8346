"""The fuzz target over the decoder, and the loop around it (module.cpp)."""

from collections.abc import Buffer

def run(inputs: list[bytes], runs: int, seed: int, note: Buffer, /) -> tuple[int, int]: ...
