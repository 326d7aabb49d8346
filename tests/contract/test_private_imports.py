"""`extensions="private"`: imports in every order, at the same time, failing, stopped. And modules of every kind."""

import asyncio
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

import aiointerpreters.anyio
from aiointerpreters import InterpreterThreadPoolExecutor, Runner, TaskInterrupted, _core, interpreter
from support import built, imports, scripts
from support.gate import Gate

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

IN_TWO = 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for modules on home's path, which workers follow. Copies are kept in a folder of this test."""
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def make_held(folder: Path, gate: Gate, then: str = "") -> None:
    """Make the module `importing`. Its execution waits at the gate."""
    built.make_module(folder, "importing", '-DIMPORTED="held"')
    (folder / "held.py").write_text(f"from support import gate\ngate.hold({gate.ends!r})\n{then}\n", encoding="utf-8")


def test_an_extension_that_another_one_imports_is_a_copy_too(folder: Path, gate: Gate) -> None:
    built.make_module(folder, "importing", '-DIMPORTED="one_phase"')
    built.make_module(folder, "one_phase")
    with InterpreterThreadPoolExecutor(IN_TWO, extensions="private") as pool:
        load, add = interpreter(imports.arrive_and_call), interpreter(imports.call)
        both = [pool.submit(load, gate.ends, imports.get, "importing", "begun") for _ in range(IN_TWO)]
        gate.wait_for(IN_TWO)
        gate.open_wide()
        assert [future.result() for future in both] == [1, 1]
        counts = sorted(pool.submit(add, "one_phase", "add", 1).result() for _ in range(4))
    assert counts[0] == 1
    assert sum(count == 1 for count in counts) <= IN_TWO


def test_what_an_extension_imports_does_not_slip_through_as_an_ordinary_one(folder: Path) -> None:
    built.make_module(folder, "importing", '-DIMPORTED="one_phase"')
    built.make_module(folder, "one_phase")
    for _ in range(IN_TWO):
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            pool.submit(interpreter(imports.get), "importing", "begun").result()
            assert pool.submit(interpreter(imports.call), "one_phase", "add", 1).result() == 1


def test_two_interpreters_import_while_the_main_one_does(folder: Path, gate: Gate) -> None:
    make_held(folder, gate)
    with InterpreterThreadPoolExecutor(IN_TWO, extensions="private") as pool:
        futures = [pool.submit(interpreter(imports.get), "importing", "begun") for _ in range(IN_TWO)]
        gate.wait_for(IN_TWO)
        here = InterpreterThreadPoolExecutor(1)
        mine = here.submit(imports.get, "importing", "begun")
        gate.wait_for()
        gate.open_wide()
        assert [future.result() for future in futures] == [1, 1]
        assert mine.result() == 1
        here.shutdown()


def test_two_threads_of_an_interpreter_import_at_the_same_time(folder: Path) -> None:
    """The second import is still under way when the first one ends. Its module must not be checked either."""
    names = ("first_is_inside", "second_is_inside", "first_is_done")
    events = "".join(f"{name} = threading.Event()\n" for name in names)
    (folder / "meeting.py").write_text(f"import threading\n{events}", encoding="utf-8")
    for module, sets, waits in (
        ("begun", "first_is_inside", "second_is_inside"),
        ("ended", "second_is_inside", "first_is_done"),
    ):
        (folder / f"{module}.py").write_text(
            f"import meeting\nmeeting.{sets}.set()\nmeeting.{waits}.wait()\n", encoding="utf-8"
        )
    built.make_module(folder, "importing", '-DIMPORTED="begun"')
    built.make_module(folder, "two_phases", '-DIMPORTED="ended"')
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        pool.submit(interpreter(imports.import_in_two_threads), "meeting", "importing", "two_phases").result()
        assert pool.submit(interpreter(imports.call), "two_phases", "add", 1).result() == 1


@pytest.mark.parametrize("has_folder", [True, False], ids=["with_a_name", "without_a_name"])
def test_an_import_that_fails_half_way_is_tried_again(
    folder: Path, has_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_folder:
        for name in ("AIOINTERPRETERS_CACHE", "XDG_CACHE_HOME", "HOME"):
            monkeypatch.delenv(name, raising=False)
    built.make_module(folder, "importing", '-DIMPORTED="appearing"')
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        load = interpreter(imports.get)
        error = pool.submit(load, "importing", "begun").exception()
        assert isinstance(error, ModuleNotFoundError)
        assert error.name == "appearing"
        (folder / "appearing.py").write_text("", encoding="utf-8")
        pool.submit(interpreter(imports.forget_finders)).result()
        assert pool.submit(load, "importing", "begun").result() == 2  # the same copy: static memory stays, as at home


def test_an_interrupt_leaves_the_import_whole(folder: Path, gate: Gate) -> None:
    make_held(folder, gate)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        load = interpreter(imports.get)
        future = pool.submit(load, "importing", "begun")
        gate.wait_for()
        assert future.interrupt()
        gate.open_wide()
        assert isinstance(future.exception(), TaskInterrupted)
        assert pool.submit(load, "importing", "begun").result() == 1


def test_a_module_that_adds_itself_to_the_state_is_not_added_twice(folder: Path) -> None:
    built.make_module(folder, "registering")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        assert pool.submit(interpreter(imports.call), "registering", "is_registered").result() is True


@pytest.mark.parametrize("suffix", [None, ".abi3.so", ".so"])
def test_every_name_of_a_file_is_found(folder: Path, suffix: str | None) -> None:
    built.make_module(folder, "plain", '-DNAME="plain"', "-DINITIALIZE=PyInit_plain", source="named", suffix=suffix)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        assert pool.submit(interpreter(imports.describe), "plain").result()[0] == "plain"


def test_a_name_that_is_not_ascii_is_encoded(folder: Path) -> None:
    name = "größe"
    function = "PyInitU_" + name.encode("punycode").decode().replace("-", "_")
    built.make_module(folder, name, f'-DNAME="{name}"', f"-DINITIALIZE={function}", source="named")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        assert pool.submit(interpreter(imports.describe), name).result()[0] == name


def test_a_module_of_a_package_has_its_whole_name(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("from . import one_phase\n", encoding="utf-8")
    path = built.make_module(folder / "package", "one_phase")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        name, file, origin = pool.submit(interpreter(imports.describe), "package.one_phase").result()
    assert (name, file, origin) == ("package.one_phase", str(path), str(path))


def test_two_modules_with_the_same_file_are_two(folder: Path) -> None:
    """Some packages ship one object file under two names."""
    for package in ("one", "other"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("", encoding="utf-8")
    path = built.make_module(folder / "one", "one_phase")
    shutil.copy(path, folder / "other" / path.name)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        call = interpreter(imports.call)
        assert [pool.submit(call, f"{package}.one_phase", "add", 1).result() for package in ("one", "other")] == [1, 1]


@pytest.mark.skipif(sys.version_info < (3, 15), reason="PEP 793 is of 3.15")
def test_a_module_that_exports_slots(folder: Path) -> None:
    built.make_module(folder, "exporting")
    for _ in range(IN_TWO):
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            assert pool.submit(interpreter(imports.get), "exporting", "executed").result() == 1
            assert pool.submit(interpreter(imports.call), "exporting", "add", 2).result() == 2


@pytest.mark.parametrize(
    ("kind", "raised", "message"),
    [
        (1, ImportError, "failed without an exception"),
        (2, ImportError, "returned no module"),
        (3, SystemError, "raised an exception but did not report a failure"),
        (4, ImportError, "it never works"),
    ],
)
def test_a_wrong_initialization_is_an_error(folder: Path, kind: int, raised: type[Exception], message: str) -> None:
    built.make_module(folder, "odd", f"-DKIND={kind}")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "odd").exception()
        assert type(error) is raised
        assert message in str(error)
        assert pool.submit(interpreter(imports.is_imported), "odd").result() is False


def test_a_library_that_is_missing_is_an_import_error_with_its_name(folder: Path) -> None:
    built.make_module_with_libraries(folder, plain="missing_library").unlink()
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "with_library").exception()
    assert isinstance(error, ImportError)
    assert "libmissing_library.so" in str(error)
    assert str(next(folder.glob("with_library.*.so"))) in str(error)
    assert error.name == "with_library"
    assert error.path == str(next(folder.glob("with_library.*.so")))


def test_a_file_that_is_gone_is_an_import_error(folder: Path) -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.load_from), "gone", str(folder / "gone.so")).exception()
    assert isinstance(error, ImportError)
    assert str(folder / "gone.so") in str(error)
    assert os.strerror(errno.ENOENT) in str(error)


def test_without_a_place_for_copies_the_import_fails_and_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built.make_module(folder, "one_phase")
    wrong = folder / "cache"
    wrong.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(wrong))
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "one_phase").exception()
        assert pool.submit(interpreter(imports.describe), "json").result()[0] == "json"
    assert isinstance(error, ImportError)
    assert str(wrong) in str(error)


def test_a_worse_place_is_told_once_in_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    built.make_modules(folder, "one_phase", "two_phases")
    monkeypatch.delenv("AIOINTERPRETERS_CACHE")
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        for name in ("one_phase", "two_phases"):
            assert pool.submit(interpreter(imports.call), name, "add", 1).result() == 1
    _core.finish_reports()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert str(tmp_path / "file") in told[0]
    assert str(tmp_path / "home") in told[0]


def test_more_interpreters_than_have_names_for_copies(folder: Path) -> None:
    built.make_module(folder, "one_phase")
    for _ in range(70):
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            assert pool.submit(interpreter(imports.call), "one_phase", "add", 1).result() == 1


def test_where_no_memory_can_be_mapped_the_import_fails_and_says_why(folder: Path, tmp_path: Path) -> None:
    most = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
    if most > 100_000:
        pytest.skip("so many mappings take long")
    built.make_module(folder, "one_phase")
    script = f"""
    import ctypes, sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import imports

    def take_mappings(left):
        "A page that may be written to beside one that may not is a mapping."
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        with open("/proc/self/maps") as maps:
            count = {most} - len(maps.readlines()) - left
        begin = libc.mmap(None, ctypes.c_size_t(4096 * count), 3, 0x22, -1, ctypes.c_long(0))
        for page in range(0, count, 2):
            libc.mprotect(ctypes.c_void_p(begin + 4096 * page), ctypes.c_size_t(4096), 1)

    if __name__ == "__main__":
        sys.path.insert(0, {str(folder)!r})
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            pool.submit(interpreter(imports.is_imported), "one_phase").result()
            take_mappings(40)  # CPython itself needs some
            error = pool.submit(interpreter(imports.call), "one_phase", "add", 1).exception()
        print(type(error).__name__, "vm.max_map_count" in str(error), {str(folder)!r} in str(error))
    """
    scripts.run_script(tmp_path, script).check("ImportError True True")


def test_where_no_key_of_threads_is_left_the_import_fails_and_says_why(folder: Path, tmp_path: Path) -> None:
    built.make_modules(folder, "one_phase", "takes_keys")
    script = f"""
    import ctypes, sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import imports

    if __name__ == "__main__":
        sys.path.insert(0, {str(folder)!r})
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            assert pool.submit(interpreter(imports.call), "takes_keys", "has_key").result()
        key = ctypes.c_uint()
        while ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None) == 0:
            last = key.value
        ctypes.CDLL(None).pthread_key_delete(last)  # there is one, and CPython may want it
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            error = pool.submit(interpreter(imports.call), "takes_keys", "has_key").exception()
            other = pool.submit(interpreter(imports.call), "one_phase", "add", 1).result()
        print(type(error).__name__, "PTHREAD_KEYS_MAX" in str(error), {str(folder)!r} in str(error), other)
    """
    scripts.run_script(tmp_path, script).check("ImportError True True 1")


def test_a_runner_has_them_too(folder: Path) -> None:
    built.make_module(folder, "one_phase")

    async def use() -> int:
        async with Runner(workers=1, extensions="private") as runner:
            count: int = await runner.run(imports.call, "one_phase", "add", 1)
            return count

    assert asyncio.run(use()) == 1
    with pytest.raises(ValueError, match="extensions must be"):
        Runner(workers=1, extensions="some")  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_has_them_too(folder: Path, backend: str) -> None:
    built.make_module(folder, "one_phase")

    async def use() -> None:
        run_sync = aiointerpreters.anyio.run_sync
        assert await run_sync(imports.call, "one_phase", "add", 0, extensions="private") == 0
        with pytest.raises(ImportError, match="does not support loading in subinterpreters"):
            await run_sync(imports.call, "one_phase", "add", 0)
        with pytest.raises(ValueError, match="extensions must be"):
            await run_sync(imports.call, "one_phase", "add", 0, extensions="some")  # type: ignore[call-arg, call-overload]

    anyio.run(use, backend=backend)
