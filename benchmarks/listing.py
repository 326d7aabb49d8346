"""Which benchmarks there are, and what each one measures: `make bench ARGS=--list`.

It needs nothing but Python 3.9 or newer, because it only reads the texts of the programs: python3 benchmarks/listing.py
"""

from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Returns the names of all benchmarks. `latency` is bench_latency.py."""
    return sorted(path.stem[len("bench_") :] for path in HERE.glob("bench_*.py"))


def script_of(name: str) -> Path:
    """Returns the program of a benchmark."""
    return HERE / f"bench_{name}.py"


def question(name: str) -> str:
    """Returns the first sentence of a benchmark's docstring, on one line."""
    text = script_of(name).read_text(encoding="utf-8").split('"""')[1]
    words = " ".join(text.split("\n\n")[0].split())
    sentence, stop, _ = words.partition(". ")
    return sentence + stop.strip()


def main() -> None:
    width = max(map(len, names()))
    for name in names():
        print(f"{name:<{width}}  {question(name)}")


if __name__ == "__main__":
    main()
