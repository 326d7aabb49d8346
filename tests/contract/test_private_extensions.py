"""`extensions="private"`: each interpreter imports unsupported extension modules from files of its own."""

import platform
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, _core, interpreter
from support import built, imports
from support.gate import Gate
from support.scripts import run_script

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

IN_TWO = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of extension modules on home's path. Workers follow this path."""
    folder = tmp_path_factory.mktemp("modules")
    built.make_modules(folder, "one_phase", "two_phases", "no_slots", "failing", "nothing")
    built.make_module_with_libraries(folder)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies are kept in a folder of this test."""
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def in_both(gate: Gate, fn: Callable[..., object], *args: object) -> list[object]:
    """Call in two interpreters at the same time."""
    with InterpreterThreadPoolExecutor(IN_TWO, extensions="private") as pool:
        futures = [pool.submit(interpreter(imports.arrive_and_call), gate.ends, fn, *args) for _ in range(IN_TWO)]
        gate.wait_for(IN_TWO)
        gate.open_wide()
        return [future.result() for future in futures]


@pytest.mark.parametrize("name", ["one_phase", "two_phases"])
def test_each_interpreter_has_static_memory_of_its_own(folder: Path, gate: Gate, name: str) -> None:
    assert in_both(gate, imports.call, name, "add", 3) == [3, 3]


@pytest.mark.parametrize("name", ["one_phase", "two_phases"])
def test_without_it_they_are_refused(folder: Path, name: str) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        error = pool.submit(interpreter(imports.call), name, "add", 3).exception()
    assert isinstance(error, ImportError)
    assert "does not support loading in subinterpreters" in str(error)


def test_home_keeps_its_own(folder: Path, gate: Gate) -> None:
    assert imports.call("one_phase", "add", 5) == 5
    assert in_both(gate, imports.call, "one_phase", "add", 3) == [3, 3]
    assert imports.call("one_phase", "add", 0) == 5


@pytest.mark.parametrize("name", ["one_phase", "with_library"])
def test_code_is_the_originals(tmp_path: Path, cache: Path, folder: Path, name: str) -> None:
    """This runs in a process of its own, because late interpreters of a process get copies without names."""
    original = next(folder.glob(f"{name}.*.so"))
    script = f"""
    import sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import imports

    sys.path.insert(0, {str(folder)!r})
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        print({str(original)!r} in pool.submit(interpreter(imports.code_of), {name!r}).result())
    """
    run_script(tmp_path, script).check("True")
    assert list(cache.rglob(f"*{original.name}"))


def test_the_module_tells_where_it_is_from(folder: Path, gate: Gate) -> None:
    (one, other) = in_both(gate, imports.describe, "one_phase")
    path = next(folder.glob("one_phase.*"))
    assert one == other == ("one_phase", str(path), str(path))


def test_a_module_of_one_phase_is_registered_and_made_once(folder: Path, gate: Gate) -> None:
    assert in_both(gate, imports.call, "one_phase", "is_registered") == [True, True]
    assert in_both(gate, imports.is_same_again, "one_phase") == [True, True]


def test_a_module_of_several_phases_is_made_anew(folder: Path, gate: Gate) -> None:
    assert in_both(gate, imports.is_same_again, "two_phases") == [False, False]
    assert in_both(gate, imports.is_same_again, "no_slots") == [False, False]


def test_libraries_that_use_python_are_private_and_others_are_shared(folder: Path, gate: Gate) -> None:
    assert in_both(gate, imports.call, "with_library", "count") == [1, 1]
    one, other = in_both(gate, imports.call, "with_library", "count_shared")
    assert one != other


def test_libraries_that_keep_what_is_their_users_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    built.make_module_with_libraries(tmp_path, name="with_hdf5", plain="hdf5")
    assert in_both(gate, imports.call, "with_hdf5", "count_shared") == [1, 1]
    assert imports.call("with_hdf5", "count_shared") == 1


@pytest.mark.parametrize(("name", "counts", "at_home"), [("libllvmlite.so", {1}, 1), ("libother.so", {1, 2}, 3)])
def test_so_they_are_where_ctypes_opens_them(tmp_path: Path, gate: Gate, name: str, counts: set[int], at_home: int) -> None:
    path = built.compile_object("plain_library", tmp_path / name, f"-Wl,-soname,{name}")
    assert set(in_both(gate, imports.count_in, str(path))) == counts
    assert imports.count_in(str(path)) == at_home


def test_what_is_unsound_is_refused_where_ctypes_opens_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built.make_module(folder, "allocating")
    (path,) = folder.glob("allocating*.so")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.open_library), str(path)).exception()
    assert isinstance(error, OSError)
    assert "it replaces the memory allocators of the whole process" in str(error)
    assert str(path) in str(error)
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS_TRUSTED", "allocating")
    with InterpreterThreadPoolExecutor(1, extensions="private") as trusting:
        assert trusting.submit(interpreter(imports.open_library), str(path)).result() is True


def test_what_ctypes_cannot_open_is_an_error_as_ever(tmp_path: Path) -> None:
    (tmp_path / "libllvmlite.so").write_bytes(b"nothing")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        for path in (tmp_path / "libllvmlite.so", tmp_path / "gone.so"):
            error = pool.submit(interpreter(imports.count_in), str(path)).exception()
            assert isinstance(error, OSError)
            assert str(path) in str(error)


def test_what_an_initialization_raises_arrives_and_the_next_import_tries_again(folder: Path) -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        load = interpreter(imports.describe)
        assert str(pool.submit(load, "failing").exception()) == "not yet"
        assert pool.submit(load, "failing").result()[0] == "failing"


def test_an_object_without_a_module_is_an_import_error(folder: Path) -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "nothing").exception()
    assert isinstance(error, ImportError)
    assert "PyInit_nothing" in str(error)
    assert str(folder) in str(error)
    assert (error.name, error.path) == ("nothing", str(next(folder.glob("nothing.*"))))


@pytest.mark.parametrize("keep", [0, 3, 40, 100, 4000], ids=str)
def test_a_truncated_object_is_an_import_error(folder: Path, tmp_path: Path, keep: int) -> None:
    whole = next(folder.glob("one_phase.*"))
    cut = tmp_path / whole.name.replace("one_phase", "cut")
    cut.write_bytes(whole.read_bytes()[:keep])
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.load_from), "cut", str(cut)).exception()
    assert isinstance(error, ImportError)
    assert str(cut) in str(error)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(4, b"\7"), (32, b"\xff" * 8), (54, b"\0\0"), (56, b"\0\0"), (64, b"\xff" * 200)],
    ids=["class", "where_segments_are", "size_of_a_segment", "no_segments", "segments"],
)
def test_a_corrupt_object_is_an_import_error(folder: Path, tmp_path: Path, offset: int, value: bytes) -> None:
    whole = bytearray(next(folder.glob("one_phase.*")).read_bytes())
    whole[offset : offset + len(value)] = value
    path = tmp_path / "corrupt.so"
    path.write_bytes(whole)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.load_from), "corrupt", str(path)).exception()
    assert isinstance(error, ImportError)
    assert str(path) in str(error)
    assert (error.name, error.path) == ("corrupt", str(path))


def test_a_library_that_is_corrupt_is_an_import_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    library = built.make_module_with_libraries(tmp_path, name="with_corrupt", plain="corrupt")
    library.write_bytes(library.read_bytes()[:2000])
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "with_corrupt").exception()
    assert isinstance(error, ImportError)
    assert str(library) in str(error)


def header_for(machine: int, bits: int, order: Literal["<", ">"]) -> bytes:
    """The first bytes of an ELF shared object (gABI): Elf64_Ehdr, or Elf32_Ehdr with shorter addresses."""
    whole = order + {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}[bits]
    identification = struct.pack("4sBBB9x", b"\x7fELF", bits // 32, {"<": 1, ">": 2}[order], 1)
    header_size, segment_size = {32: (52, 32), 64: (64, 56)}[bits]
    return identification + struct.pack(whole, 3, machine, 1, 0, header_size, 0, 0, header_size, segment_size, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("header", "architecture"),
    [
        (header_for(62, 64, "<"), "x86-64"),
        (header_for(183, 64, "<"), "AArch64"),
        (header_for(243, 64, "<"), "RISC-V"),
        (header_for(22, 64, ">"), "big-endian"),
        (header_for(183, 64, ">"), "big-endian"),
        (header_for(40, 32, "<"), "32-bit"),
        (header_for(62, 32, "<"), "32-bit"),
    ],
    ids=["x86_64", "aarch64", "riscv64", "s390x", "aarch64_be", "armv7l", "x32"],
)
def test_an_object_of_another_machine_is_an_import_error(tmp_path: Path, header: bytes, architecture: str) -> None:
    if architecture == {"x86_64": "x86-64", "aarch64": "AArch64"}[platform.machine()]:
        pytest.skip("this machine's own")
    path = tmp_path / "foreign.so"
    path.write_bytes(header + bytes(4000))
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.load_from), "foreign", str(path)).exception()
    assert isinstance(error, ImportError)
    assert str(error) == f"{path} is for another architecture ({architecture})"
    assert (error.name, error.path) == ("foreign", str(path))


def test_the_environment_variable_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS", "private")
    with InterpreterThreadPoolExecutor(1) as pool:
        assert pool.submit(interpreter(imports.call), "two_phases", "add", 4).result() == 4
    with InterpreterThreadPoolExecutor(1, extensions="declared") as pool:
        assert isinstance(pool.submit(interpreter(imports.call), "two_phases", "add", 4).exception(), ImportError)


def test_whatever_else_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: Literal["private"] = "public"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="extensions must be 'declared', 'private' or None, not 'public'"):
        InterpreterThreadPoolExecutor(1, extensions=wrong)
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS", "yes")
    with pytest.raises(ValueError, match="AIOINTERPRETERS_EXTENSIONS must be 'declared' or 'private', not 'yes'"):
        InterpreterThreadPoolExecutor(1)


def test_modules_of_the_standard_library_are_nobodys_copies(cache: Path) -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        assert pool.submit(interpreter(imports.describe), "_json").result()[0] == "_json"
    assert not list(cache.rglob("*.so"))
