"""Warnings of workers go through home's filters, and are shown where home's own are."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import state, words
from support.protocols import MakePool
from support.scripts import run_script

warn = interpreter(words.warn)


def test_a_warning_is_recorded_at_home(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.warns(UserWarning, match="from a worker") as found:
        pool.submit(warn, "from a worker").result()
    assert Path(found[0].filename).name == "words.py"
    with pytest.warns(words.OwnWarning, match="own"):
        pool.submit(warn, "own", words.OwnWarning).result()


def test_home_s_filters_count_in_workers(pool: InterpreterThreadPoolExecutor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pool.submit(warn, "raised").result() == "UserWarning: raised"
        warnings.filterwarnings("ignore", message="not .* all")
        assert pool.submit(warn, "not at all").result() is None
        assert pool.submit(warn, "others").result() == "UserWarning: others"
        warnings.simplefilter("error", words.OwnWarning)
        warnings.simplefilter("ignore", UserWarning)
        assert pool.submit(warn, "own", words.OwnWarning).result() is None
        warnings.resetwarnings()
        warnings.simplefilter("error", words.OwnWarning)
        assert pool.submit(warn, "own", words.OwnWarning).result() == "OwnWarning: own"


def test_a_filter_by_module(pool: InterpreterThreadPoolExecutor) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", module=r"support\.words")
        pool.submit(warn, "ignored").result()
        warnings.resetwarnings()
        warnings.simplefilter("always")
        pool.submit(warn, "shown").result()
    assert [str(each.message) for each in found] == ["shown"]


def test_a_filter_by_module_for_the_script(tmp_path: Path) -> None:
    script = """
        import warnings
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter
        def warn():
            try:
                warnings.warn("old", DeprecationWarning)
            except DeprecationWarning as error:
                return repr(error)

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(warn).result())  # Python shows such warnings of the script by default
                with warnings.catch_warnings():
                    warnings.filterwarnings("error", module="__main__")
                    print(pool.submit(warn).result())
    """
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.lines) == (0, ["None", "DeprecationWarning('old')"])
    assert finished.stderr.count("DeprecationWarning: old") == 1


def test_what_is_no_filter_disturbs_no_call(pool: InterpreterThreadPoolExecutor) -> None:
    odd: list[Any] = [("error",), "error", None, ("error", object(), UserWarning, None, 0), ("error", None, "x", None, 0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filters.extend(odd)  # type: ignore[attr-defined]
        assert pool.submit(warn, "raised").result() == "UserWarning: raised"


def test_a_warning_is_shown_once_for_all_workers(make_pool: MakePool, tmp_path: Path) -> None:
    script = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        for _ in range(3):
            with InterpreterThreadPoolExecutor(1) as pool:
                pool.submit(interpreter(words.warn), "once").result()
    """
    finished = run_script(tmp_path, script)
    assert finished.code == 0
    assert finished.stderr.count("UserWarning: once") == 1


def test_filters_that_a_worker_adds_stay_its_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    before = list(warnings.filters)
    pool.submit(interpreter(words.filter_warnings), "error", BytesWarning).result()
    assert list(warnings.filters) == before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert pool.submit(warn, "raised", BytesWarning).result() == "BytesWarning: raised"


def test_a_worker_that_records_its_warnings_keeps_them(pool: InterpreterThreadPoolExecutor) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert pool.submit(interpreter(words.warn_recorded), "kept").result() == ["kept"]
    assert found == []


def test_warnings_of_a_pool_in_a_worker(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.warns(UserWarning, match="from below"):
        pool.submit(interpreter(state.in_own_pool), words.warn, "from below").result()


def test_captured_warnings_become_records(tmp_path: Path) -> None:
    script = """
        import logging, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        logging.basicConfig(stream=sys.stdout, format="%(name)s")
        logging.captureWarnings(True)
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(words.warn), "captured").result()
    """
    run_script(tmp_path, script).check("py.warnings")


def test_own_logging_keeps_warnings_and_filters_in_the_worker(make_pool: MakePool) -> None:
    pool = make_pool(1, logging="own")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("error")
        assert pool.submit(warn, "to stderr").result() is None
    assert found == []
