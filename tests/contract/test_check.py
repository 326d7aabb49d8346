"""`python -m aiointerpreters check`: what it says about modules, and its exit status."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import _core
from aiointerpreters._check import command, report, targets
from aiointerpreters._check.targets import Target
from aiointerpreters._check.verdict import DECLARED, Outcome, Refusal, Verdict
from support import built
from support.scripts import Finished, environment, run_python

UNDECLARED = "it does not declare support for interpreters with their own GIL"
SINGLE_PHASE = "it uses single-phase initialization, so it cannot declare support for interpreters with their own GIL"
NOT_SUPPORTED = "it declares that it does not support interpreters"
with_copies = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

type Check = Callable[..., Finished]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with modules. The command runs there."""
    built.make_modules(tmp_path, "one_phase", "two_phases", "sharing", "no_slots")
    files = {
        "plain.py": "import json",
        "app.py": "import plain, lib",
        "lib/__init__.py": "import lib.part",
        "lib/part.py": "import one_phase",
        "falls_back.py": "try:\n    import one_phase\nexcept ImportError:\n    pass",
        "broken.py": "raise ValueError('no luck')",
        "leaves.py": "import sys; sys.exit(7)",
        "script.py": "import two_phases\nif __name__ == '__main__':\n    raise SystemExit('not to be run')",
        "own/__init__.py": "",
        "own/work.py": "import two_phases",
        "own/test_work.py": "raise ValueError",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def check(folder: Path) -> Check:
    """Runs the command in that folder."""

    def run(*arguments: str, extensions: str | None = "declared") -> Finished:
        options = ("--extensions", extensions) if extensions is not None else ()
        env = environment(AIOINTERPRETERS_CACHE=str(folder / "cache"))
        return run_python("-m", "aiointerpreters", "check", *arguments, *options, cwd=folder, env=env)

    return run


def reported(finished: Finished, code: int) -> list[dict[str, Any]]:
    """The targets of a report in JSON."""
    assert (finished.code, finished.stderr) == (code, "")
    told = json.loads(finished.stdout)
    assert told["exit_status"] == code
    found: list[dict[str, Any]] = told["targets"]
    return found


def only(finished: Finished, code: int = 1, way: str = "declared") -> dict[str, Any]:
    """The outcome of the only target."""
    (target,) = reported(finished, code)
    outcome: dict[str, Any] = target["ways"][way]
    return outcome


def test_what_works_needs_nothing(check: Check) -> None:
    lines = ["       as it is  what to do", "plain  works     nothing to do", "json   works     nothing to do"]
    check("plain", "json").check(*lines)


def test_a_refusal_is_told_with_the_imports_that_led_to_it_and_the_reason(check: Check) -> None:
    finished = check("app")
    assert (finished.code, finished.stderr) == (1, "")
    route = 'try extensions="private"' if _core.why_no_copies() is None else "processes or threads"
    assert finished.lines == [
        "     as it is  what to do",
        f"app  refuses   {route}",
        "",
        "app",
        "  cannot be imported:",
        "    one_phase (app -> lib -> one_phase): it uses single-phase initialization, so it cannot declare",
        "      support for interpreters with their own GIL",
    ]


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("one_phase", SINGLE_PHASE),
        ("two_phases", NOT_SUPPORTED),
        ("sharing", "it supports only interpreters that share one GIL"),
        ("no_slots", UNDECLARED),
    ],
)
def test_the_reason_is_read_from_the_definition_of_the_module(check: Check, module: str, reason: str) -> None:
    outcome = only(check(module, "--json"))
    assert outcome["status"] == "refuses"
    assert outcome["refused"] == [{"module": module, "reason": reason, "chain": [module]}]


def test_a_check_of_its_own_is_quoted(check: Check, folder: Path) -> None:
    built.make_module(folder, "checking")
    outcome = only(check("checking", "--json"))
    assert outcome["status"] == "refuses"
    assert outcome["refused"][0]["reason"] == (
        "it refuses by itself (checking can only be loaded into one interpreter per process)"
    )


def test_a_silent_fallback_is_told(check: Check) -> None:
    outcome = only(check("falls_back", "--json"))
    assert outcome["status"] == "falls back"
    assert outcome["refused"] == []
    assert outcome["left_out"] == [{"module": "one_phase", "reason": SINGLE_PHASE, "chain": ["falls_back", "one_phase"]}]


def test_a_fallback_in_a_module_that_is_imported_later_is_told(check: Check, folder: Path) -> None:
    (folder / "lazy").mkdir()
    built.make_module(folder / "lazy", "speedups", "-DPyInit_one_phase=PyInit_speedups", source="one_phase")
    (folder / "lazy" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "lazy" / "frames.py").write_text(
        "try:\n    from .speedups import add\nexcept ImportError:\n    add = None", encoding="utf-8"
    )
    outcome = only(check("lazy", "--json"))
    assert outcome["status"] == "falls back"
    assert [each["module"] for each in outcome["left_out"]] == ["lazy.speedups"]


def test_extension_modules_that_a_package_imports_later_are_tried_too(check: Check, folder: Path) -> None:
    (folder / "tools").mkdir()
    (folder / "tools" / "__init__.py").write_text("", encoding="utf-8")
    built.make_module(folder / "tools", "two_phases")
    outcome = only(check("tools", "--json"))
    assert outcome["status"] == "partly"
    assert outcome["refused"] == [{"module": "tools.two_phases", "reason": NOT_SUPPORTED, "chain": ["tools.two_phases"]}]


def test_all_modules_of_your_own_package_are_imported_except_its_tests(check: Check) -> None:
    outcome = only(check("own", "--json"))
    assert outcome["status"] == "partly"
    assert outcome["problem"] is None
    assert outcome["refused"] == [{"module": "two_phases", "reason": NOT_SUPPORTED, "chain": ["own.work", "two_phases"]}]


@pytest.mark.parametrize("target", ["script.py", "./script.py", "own/work.py"])
def test_a_script_is_run_as_workers_run_it(check: Check, target: str) -> None:
    outcome = only(check(target, "--json"))
    assert outcome["status"] == "refuses"
    start = "own.work" if target.startswith("own") else "__main__"
    assert outcome["refused"] == [{"module": "two_phases", "reason": NOT_SUPPORTED, "chain": [start, "two_phases"]}]


@with_copies
def test_private_copies_are_tried_where_something_refuses(check: Check) -> None:
    plain, app = reported(check("plain", "app", "--json", extensions=None), 1)
    assert (set(plain["ways"]), plain["route"]) == ({"declared"}, "nothing to do")
    assert app["ways"]["private"]["status"] == "works"
    assert app["route"] == 'extensions="private"'
    assert [
        target["ways"]["private"]["status"] for target in reported(check("plain", "app", "--json", extensions="private"), 0)
    ] == ["works", "works"]


@with_copies
def test_what_private_copies_cannot_help_is_told(check: Check, folder: Path) -> None:
    (folder / "memray").mkdir()
    (folder / "memray" / "__init__.py").write_text("from memray import two_phases", encoding="utf-8")
    built.make_module(folder / "memray", "two_phases")
    (target,) = reported(check("memray", "--json", extensions=None), 1)
    reason = "it replaces the memory allocators of the whole process"
    assert target["ways"]["declared"]["refused"][0]["reason"].endswith(f"private copies would not help, because {reason}")
    assert target["ways"]["private"]["status"] == "refuses"
    assert target["ways"]["private"]["refused"] == [
        {"module": "memray.two_phases", "reason": reason, "chain": ["memray.two_phases"]}
    ]
    assert target["route"] == "processes or threads"


@pytest.mark.parametrize(("kind", "end"), [(1, "SIGABRT"), (2, "exit status 3")])
def test_a_crash_is_a_result_and_other_targets_are_still_checked(check: Check, folder: Path, kind: int, end: str) -> None:
    built.make_module(folder, "differing", f"-DKIND={kind}")
    differing, plain = reported(check("differing", "plain", "--json"), 1)
    assert differing["ways"]["declared"]["status"] == "crashes"
    assert differing["ways"]["declared"]["problem"] == f"{end} in two interpreters"
    assert plain["ways"]["declared"]["status"] == "works"


def test_a_target_that_does_not_end_is_given_up(check: Check, folder: Path) -> None:
    built.make_module(folder, "differing", "-DKIND=3")
    outcome = only(check("differing", "--timeout", "10", "--json"))
    assert (outcome["status"], outcome["problem"]) == ("hangs", "no end after 10 seconds in two interpreters")


@pytest.mark.parametrize(("module", "problem"), [("broken", "ValueError: no luck"), ("leaves", "SystemExit: 7")])
def test_what_cannot_be_imported_here_is_told(check: Check, module: str, problem: str) -> None:
    (target,) = reported(check(module, "--json"), 1)
    assert target["problem"] == f"{module} cannot be imported in the main interpreter: {problem}"
    assert target["ways"] == {}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("no_such_thing",), "'no_such_thing' is neither a module, nor a script, nor a distribution that is installed here"),
        (("json.nothing",), "there is no module 'json.nothing'"),
        (("nothing.py",), "there is no file nothing.py"),
        (("nothing.txt",), "nothing.txt cannot be read: No such file or directory"),
        ((), "name a target, or use --all"),
        (("plain", "--jobs", "0"), "must be a whole number from 1 to 1000, not '0'"),
        (("plain", "--timeout", "soon"), "must be a number of seconds above 0, not 'soon'"),
    ],
)
def test_mistakes_end_with_exit_status_2(check: Check, arguments: tuple[str, ...], error: str) -> None:
    finished = check(*arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert finished.stderr.rstrip().endswith(error)


def test_targets_that_do_not_exist_are_rows_beside_the_others(check: Check, folder: Path) -> None:
    words = ["plain", "no_such_thing", "json.nothing", "nothing.txt", "app"]
    plain, thing, nothing, file, app = reported(check(*words, "--json"), 2)
    assert (plain["route"], app["ways"]["declared"]["status"]) == ("nothing to do", "refuses")
    assert thing["problem"] == "'no_such_thing' is neither a module, nor a script, nor a distribution that is installed here"
    assert nothing["problem"] == "there is no module 'json.nothing'"
    assert file["problem"] == "nothing.txt cannot be read: No such file or directory"
    finished = check("plain", "no_such_thing")
    assert (finished.code, finished.stderr) == (2, "")
    assert finished.lines[2].split() == ["no_such_thing", "-", "-"]


def install(folder: Path, name: str, *files: str) -> None:
    """Write what an installer would write."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")


def test_distributions_are_found_in_files_that_list_them(check: Check, folder: Path) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    install(folder, "Fast-Things", f"one_phase{suffix}")
    install(folder, "slow_things", "plain.py", "space/inner/__init__.py", "tests/__init__.py", "../../bin/plain")
    (folder / "space" / "inner").mkdir(parents=True)
    (folder / "space" / "inner" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "more.txt").write_text("slow.things>=1\n", encoding="utf-8")
    lines = ["# comment", "fast_things == 1.0 # why", "-r more.txt", "--index-url x", "absent-thing", "./here"]
    requirements = "\n".join([*lines, "not-here; python_version < '3'"])
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    fast, slow, absent = reported(check("requirements.txt", "--json"), 1)
    assert (fast["target"], fast["modules"], fast["ways"]["declared"]["status"]) == ("fast_things", ["one_phase"], "refuses")
    assert (slow["target"], slow["modules"], slow["ways"]["declared"]["status"]) == (
        "slow.things",
        ["plain", "space.inner"],
        "works",
    )
    assert (absent["target"], absent["problem"]) == ("absent-thing", "it is not installed")
    (folder / "pyproject.toml").write_text('[project]\nname = "a"\ndependencies = ["slow-things~=1.0"]\n', encoding="utf-8")
    for word in ("pyproject.toml", "."):
        assert [target["target"] for target in reported(check(word, "--json"), 0)] == ["slow-things"]
    assert [target["target"] for target in reported(check("Fast.Things", "--json"), 1)] == ["Fast.Things"]


def skipped(finished: Finished) -> list[tuple[str, str]]:
    """The lines that a report in JSON says were left out, and why."""
    return [(each["line"], each["why"]) for each in json.loads(finished.stdout)["skipped"]]


def test_requirements_that_name_no_distribution_are_told(check: Check, folder: Path) -> None:
    lines = ["-e .", "./here", "git+https://example.invalid/a", "https://example.invalid/a.whl", "what ever!"]
    (folder / "requirements.txt").write_text("\n".join([*lines, "-c limits.txt"]), encoding="utf-8")
    finished = check("requirements.txt", "--json")
    assert (finished.code, [line for line, _ in skipped(finished)]) == (0, lines)
    assert [why.partition(":")[0] for _, why in skipped(finished)] == [
        "it is a folder",
        *["it is a path or an address"] * 3,
        "it is not a valid requirement",
    ]
    told = check("requirements.txt").lines
    assert told[0] == "nothing to check"
    assert told[1] == "requirements.txt: not checked: -e . (it is a folder: check the modules in it)"
    assert told[-1] == "requirements.txt: not checked: what ever! (it is not a valid requirement)"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[tool.ruff]", "pyproject.toml has no table [project], so it lists no dependencies"),
        ('[project]\ndependencies = "numpy"', "project.dependencies must be a list of strings, not 'numpy'"),
        ("[project]\ndependencies = [1]", "project.dependencies must be a list of strings, not [1]"),
        ("[project", "pyproject.toml: "),
    ],
)
def test_a_pyproject_without_a_list_of_dependencies_is_an_error(check: Check, folder: Path, text: str, error: str) -> None:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    finished = check("pyproject.toml")
    assert (finished.code, finished.stdout) == (2, "")
    assert error in finished.stderr


def test_dynamic_dependencies_are_told(check: Check, folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "a"\ndynamic = ["dependencies"]', encoding="utf-8")
    finished = check("pyproject.toml", "--json")
    assert (finished.code, [line for line, _ in skipped(finished)]) == (0, ["dependencies"])


def test_modules_that_even_home_cannot_import_are_told(check: Check, folder: Path) -> None:
    (folder / "own" / "bad.py").write_text(f"raise ValueError({'long ' * 100!r})", encoding="utf-8")
    (folder / "own" / "work.py").unlink()
    finished = check("own")
    assert (finished.code, finished.lines[1].split()[:2]) == (0, ["own", "works"])
    assert finished.lines[4] == "  not checked, because the main interpreter cannot import them either:"
    assert finished.lines[5].startswith("    own.bad: ValueError: long long")
    assert len("".join(finished.lines[5:])) < 300


def test_submodules_of_installed_packages_are_imported_if_asked_for(check: Check, folder: Path) -> None:
    site = folder / "site-packages"
    (site / "pkg").mkdir(parents=True)
    (site / "pkg" / "__init__.py").write_text("", encoding="utf-8")
    (site / "pkg" / "part.py").write_text("import one_phase", encoding="utf-8")
    env = environment(PYTHONPATH=str(site), AIOINTERPRETERS_CACHE=str(folder / "cache"))
    command = ("-m", "aiointerpreters", "check", "pkg", "--extensions", "declared", "--json")
    assert only(run_python(*command, cwd=folder, env=env), 0)["status"] == "works"
    assert only(run_python(*command, "--submodules", cwd=folder, env=env), 1)["status"] == "partly"


def test_a_target_that_does_not_end_here_is_told(check: Check, folder: Path) -> None:
    (folder / "endless.py").write_text("import signal\nwhile True: signal.pause()", encoding="utf-8")
    (target,) = reported(check("endless", "--timeout", "5", "--json"), 1)
    assert target["problem"] == "importing it in the main interpreter takes too long: no end after 5 seconds"


def test_all_installed_distributions(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(folder, "breaks", "broken.py")
    install(folder, "works", "plain.py")
    install(folder, "empty", "data.csv")
    installed = list(metadata.distributions(path=[str(folder)]))
    monkeypatch.setattr(metadata, "distributions", lambda: installed)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    targets.installed.cache_clear()
    try:
        code = command.main(["--all", "--json"])
    finally:
        targets.installed.cache_clear()
    assert code == 0  # what cannot be imported at all says nothing about interpreters
    found = json.loads(capsys.readouterr().out)["targets"]
    assert [(target["target"], target["problem"] is None) for target in found] == [("breaks", False), ("works", True)]


def test_a_module_that_crashes_even_here_is_left_out(check: Check, folder: Path) -> None:
    (folder / "tools").mkdir()
    (folder / "tools" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "tools" / "crashing.py").write_text("import os; os.abort()", encoding="utf-8")
    assert only(check("tools", "--json"), 0)["status"] == "works"
    (target,) = reported(check("tools.crashing", "--json"), 1)
    problem = "importing it in the main interpreter ends the process: SIGABRT (Fatal Python error: Aborted)"
    assert target["problem"] == problem


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_of_a_check_end_with_it(folder: Path, number: int) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "endless.py").write_text(
        "import signal\nkept = open('pipe', 'w')\nkept.write('here\\n')\nkept.flush()\nwhile True: signal.pause()",
        encoding="utf-8",
    )
    arguments = [sys.executable, "-m", "aiointerpreters", "check", "endless", "--timeout", "100000"]
    with subprocess.Popen(arguments, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        with (folder / "pipe").open(encoding="utf-8") as pipe:
            assert pipe.readline() == "here\n"
            process.send_signal(number)
            assert pipe.read() == ""  # at the end of the process that has it open
        _, said = process.communicate()
    assert (process.returncode, said) == ((130, "stopped\n") if number == signal.SIGINT else (-number, ""))


def test_errors_are_printed_without_control_characters(check: Check, folder: Path) -> None:
    (folder / "escapes.py").write_text('raise ImportError("a\\x1b[31mb")', encoding="utf-8")
    done = check("escapes")
    assert "\x1b" not in done.stdout
    assert "a\\x1b[31mb" in done.stdout


def test_an_error_without_a_text(check: Check, folder: Path) -> None:
    (folder / "wordless.py").write_text(
        "class Wordless(Exception):\n    def __str__(self):\n        return None\nraise Wordless", encoding="utf-8"
    )
    done = check("wordless")
    assert "Wordless" in done.stdout
    assert "ends the process" not in done.stdout


def test_a_terminal_shows_a_table_of_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", terminal)
    target = Target("app", "module", ("app",))
    verdict = Verdict(target, {DECLARED: Outcome("refuses", refused=[Refusal("leaf", "reason", ["leaf"])])})
    report.show([verdict], [], [DECLARED])
    lines = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()).splitlines()
    assert lines[0].split() == ["as", "it", "is", "what", "to", "do"]
    assert lines[1].split()[:2] == ["app", "refuses"]
    assert lines[2:] == ["", "app", "  cannot be imported:", "    leaf: reason"]


def test_numpy_and_a_package_that_falls_back(check: Check) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("yaml")
    numpy, yaml = reported(check("numpy", "yaml", "--json"), 1)
    assert numpy["ways"]["declared"]["refused"][0]["module"] == "numpy._core._multiarray_umath"
    assert [each["module"] for each in yaml["ways"]["declared"]["left_out"]] == ["yaml._yaml"]
