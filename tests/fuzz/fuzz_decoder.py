"""Feed the decoder with random bytes: `make fuzz ARGS="--runs 1000000 --seed 7"`. Repeat one input: `ARGS=FILE`.

Each run is a new input. It is made by changing well-formed messages and inputs that have reached new code before.
decoder_target.h defines what a fault is. An input that causes one is printed and written to build/fuzz/. The same seed and
build make the same inputs.
"""

import argparse
import gc
import hashlib
import mmap
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# tools/develop builds the extensions of .venv/NAME in build/NAME.
sys.path.insert(0, str(ROOT / "build" / Path(sys.prefix).name / "extension" / "tests" / "fuzz"))
SIZE_OF_NUMBER = 8


def parse_arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200_000, help="how many inputs to make (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default: %(default)s)")
    parser.add_argument("files", nargs="*", type=Path, help="try what is in these files, and no other input")
    return parser.parse_args()


def explore(arguments: argparse.Namespace, note: mmap.mmap) -> None:
    """Try all inputs. A fault ends the process."""
    import _fuzz  # replaces aiointerpreters._core
    import fuzz_values

    inputs = [path.read_bytes() for path in arguments.files] or fuzz_values.inputs()
    runs = 0 if arguments.files else arguments.runs
    gc.collect()
    gc.freeze()  # so that collecting the garbage of one input takes no time
    started = time.monotonic()
    kept, paths = _fuzz.run(inputs, runs, arguments.seed, note)
    elapsed = time.monotonic() - started
    total = len(inputs) + runs
    print(f"{total} inputs in {elapsed:.0f} s, {total / elapsed:.0f} a second; {kept} kept, {paths} ways seen; no fault")


def report_fault(number: int, note: mmap.mmap) -> None:
    """Print and keep the input that was tried last."""
    size = int.from_bytes(note[:SIZE_OF_NUMBER], sys.byteorder)
    content = note[SIZE_OF_NUMBER : SIZE_OF_NUMBER + size]
    path = ROOT / "build" / "fuzz" / f"fault-{hashlib.sha256(content).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    name = path.relative_to(ROOT)
    print(f"FAULT ({signal.strsignal(number)}), input {name} of {size} bytes:\n{content.hex(' ')}", file=sys.stderr)


def main() -> int:
    """Explore in a process that may die, and report the input that killed it."""
    arguments = parse_arguments()
    note = mmap.mmap(-1, 1 << 20)  # shared with the child
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        explore(arguments, note)
        sys.stdout.flush()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        report_fault(-status, note)
    return status if status >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
