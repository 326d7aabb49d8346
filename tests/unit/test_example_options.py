"""Every example refuses options that make no sense: in one line, at once, with exit status 2."""

import importlib.util
import re
from pathlib import Path

import pytest

from support.scripts import run_python

EXAMPLES = Path(__file__).parents[2] / "examples"
OPTION = re.compile(r'add_argument\(\s*"--(\w+)"')
NEEDS = {
    "crawl.py": {"bs4", "httpx"},
    "django_views.py": {"django", "uvicorn"},
    "fastapi_service.py": {"fastapi", "uvicorn"},
    "filters.py": {"numpy"},
}
COUNT = {text: f"must be a whole number from 1 to 10000, not '{text}'" for text in ("0", "-1", "1.5", "many", "10001")}
NO_NUMBERS = {"later": "invalid seconds value: 'later'"}
SECONDS = {text: f"must be a number of seconds above 0, not '{text}'" for text in ("0", "-1", "nan", "inf")} | NO_NUMBERS
SECONDS_OR_NONE = {text: f"must be a number of seconds, not '{text}'" for text in ("-1", "nan", "inf")} | NO_NUMBERS
PORT = {text: f"must be a whole number from 0 to 65535, not '{text}'" for text in ("-1", "65536", "http")}
REFUSED = {
    "bot.py": {"seconds": SECONDS_OR_NONE, "grace": SECONDS_OR_NONE},
    "crawl.py": dict.fromkeys(("pages", "concurrency", "interpreters"), COUNT),
    "crawl_site.py": {"pages": COUNT},
    "django_views.py": {"port": PORT, "workers": COUNT, "seconds": SECONDS},
    "fastapi_service.py": {"port": PORT, "workers": COUNT, "places": COUNT, "seconds": SECONDS},
    "file_pipeline.py": {
        "pattern": {
            "/*": "Non-relative patterns are unsupported",
            "*.none": f"no file in {EXAMPLES} matches '*.none'",
        },
        "workers": COUNT,
        "seconds": SECONDS,
    },
    "filters.py": {
        "size": COUNT,
        "band": COUNT,
        "save": {
            "/missing/picture.png": "cannot write to '/missing/picture.png': No such file or directory",
            "/": "cannot write to '/': Is a directory",
        },
    },
    "mandelbrot.py": {"width": COUNT, "height": COUNT},
    "service.py": {"clients": COUNT, "requests": COUNT, "patience": SECONDS},
}
# Runs an example with each of several command lines, in one process, because most of the time goes to imports.
TRIES = f"""
import ast, runpy, sys
name, *lines = sys.argv[1:]
sys.path.insert(0, {str(EXAMPLES)!r})
main = runpy.run_path(f"{EXAMPLES}/{{name}}")["main"]
for line in map(ast.literal_eval, lines):
    sys.argv = [name, *line]
    print("tried", *line, file=sys.stderr)
    try:
        ending = main()
        if ending is not None:
            __import__("asyncio").run(ending)
        print("accepted", file=sys.stderr)
    except SystemExit as end:
        print("status", end.code, file=sys.stderr)
"""


def endings(example: str, *command_lines: list[str]) -> list[tuple[str, str]]:
    """The last line on stderr and the exit status of each run."""
    finished = run_python("-c", TRIES, example, *map(repr, command_lines))
    runs = finished.stderr.split("tried ")[1:]
    assert len(runs) == len(command_lines), finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""
    return [(run.splitlines()[-2], run.splitlines()[-1]) for run in runs]


def needs(example: str) -> pytest.MarkDecorator:
    """Skip where the packages of the example are not installed."""
    missing = [name for name in NEEDS.get(example, ()) if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def test_no_option_of_an_example_is_forgotten_here() -> None:
    named = {path.name: set(OPTION.findall(path.read_text(encoding="utf-8"))) for path in EXAMPLES.glob("*.py")}
    assert {name: options for name, options in named.items() if options} == {name: set(REFUSED[name]) for name in REFUSED}


@pytest.mark.parametrize("example", [pytest.param(name, marks=needs(name)) for name in REFUSED])
def test_senseless_values_are_refused_with_the_reason(example: str) -> None:
    folder = [str(EXAMPLES)] if example == "file_pipeline.py" else []
    tries = {(option, value): said for option, values in REFUSED[example].items() for value, said in values.items()}
    found = endings(example, *([*folder, f"--{option}={value}"] for option, value in tries))
    for (option, value), said, (line, status) in zip(tries, tries.values(), found, strict=True):
        assert status == "status 2", (option, value)
        assert line.startswith(f"{example}: error: "), line
        assert line.endswith(said), line
        assert said.startswith("no file") or f"argument --{option}: " in line


@pytest.mark.parametrize("folder", ["/missing", str(EXAMPLES / "bot.py"), ""])
def test_a_file_pipeline_says_that_there_is_no_such_folder(folder: str, tmp_path: Path) -> None:
    ((line, status),) = endings("file_pipeline.py", [folder or str(tmp_path)])
    reason = f"there is no folder {folder}" if folder else f"no file in {tmp_path} matches '*.py'"
    assert (line, status) == (f"file_pipeline.py: error: {reason}", "status 2")


@pytest.mark.parametrize("example", ["sums.py", "mandelbrot.py", "bot.py"])
def test_options_that_do_not_exist_are_refused(example: str) -> None:
    finished = run_python(str(EXAMPLES / example), "--colour", "red")
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.lines_of_errors[-1] == f"{example}: error: unrecognized arguments: --colour red"
