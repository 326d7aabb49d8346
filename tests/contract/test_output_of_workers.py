"""With `output="forward"`, what workers print goes where home's sys.stdout and sys.stderr go."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

from aiointerpreters import interpreter
from support import words
from support.protocols import MakePool
from support.scripts import run_script

write = interpreter(words.write)


def test_capsys_sees_what_workers_print(make_pool: MakePool, capsys: pytest.CaptureFixture[str]) -> None:
    pool = make_pool(1, output="forward")
    pool.submit(write, "one\ntwo").result()
    pool.submit(write, "bad", "stderr").result()
    assert capsys.readouterr() == ("one\ntwo\n", "bad\n")


def test_the_stream_of_the_moment_counts(make_pool: MakePool) -> None:
    pool = make_pool(1, output="forward", logging="own")
    for text in ("first", "second"):
        with contextlib.redirect_stdout(io.StringIO()) as found:
            pool.submit(write, text).result()
        assert found.getvalue() == text + "\n"


def test_less_than_a_line_is_sent_by_flush(make_pool: MakePool, capsys: pytest.CaptureFixture[str]) -> None:
    make_pool(1, output="forward").submit(interpreter(words.write_part), "no end").result()
    assert capsys.readouterr().out == "no end"


def test_lines_of_several_workers_stay_whole(make_pool: MakePool, capsys: pytest.CaptureFixture[str]) -> None:
    pool = make_pool(3, output="forward")
    lines = [str(number) * 50 for number in range(200)]
    list(pool.map(write, lines))
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(lines)


def test_what_the_stream_says_of_itself(make_pool: MakePool) -> None:
    found = make_pool(1, output="forward").submit(interpreter(words.describe_stdout)).result()
    assert found == (1, False, "utf-8")


def test_output_is_not_lost_at_exit(tmp_path: Path) -> None:
    script = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        pool = InterpreterThreadPoolExecutor(1, output="forward")
        for number in range(50):
            pool.submit(interpreter(words.write), str(number))
    """
    run_script(tmp_path, script).check(*map(str, range(50)))


def test_a_home_without_stdout(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool(1, output="forward")
    monkeypatch.setattr(sys, "stdout", None)
    pool.submit(write, "nowhere").result()


def test_by_default_workers_write_to_the_descriptor(make_pool: MakePool, capsys: pytest.CaptureFixture[str]) -> None:
    make_pool(1).submit(write, "").result()
    assert capsys.readouterr().out == ""
