"""The contents of the sdist and the wheels in a folder (AIOINTERPRETERS_DIST). `make wheels` makes and tests them."""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.message import Message
from email.parser import Parser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DIST = os.environ.get("AIOINTERPRETERS_DIST")
if DIST is None:
    pytest.skip("needs the files that `make wheels` makes", allow_module_level=True)
elffile = pytest.importorskip("elftools.elf.elffile")

WHEELS = sorted(Path(DIST).glob("*.whl"))
[SDIST] = Path(DIST).glob("*.tar.gz")
VERSIONS = os.environ.get("AIOINTERPRETERS_DIST_VERSIONS", "3.13 3.14 3.15").split()
# Bounds on size. A wheel is 0.47 MB, the extension in it 0.85 MB, and the sdist 0.9 MB.
MOST_BYTES = {"wheel": 700_000, "extension": 1_200_000, "sdist": 1_500_000}
# All libraries that the extension may load. Every manylinux system has them. musl has one library instead of glibc's.
MAY_NEED = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libstdc++.so.6"}
LOADER = re.compile(r"ld-linux-[\w-]+\.so\.\d")


@pytest.fixture(params=WHEELS, ids=lambda path: path.name)
def wheel(request: pytest.FixtureRequest) -> Path:
    """One of the wheels."""
    path: Path = request.param
    return path


@pytest.fixture
def extension(wheel: Path) -> bytes:
    """The extension module in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".so")]
        return archive.read(name)


@pytest.fixture
def elf(extension: bytes) -> Any:
    """The same as a parsed ELF file."""
    return elffile.ELFFile(BytesIO(extension))


def metadata_of(wheel: Path) -> Message:
    """The metadata of the wheel: name, version and so on."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def dynamic(elf: Any, tag: str) -> list[Any]:
    """The entries of this kind in the dynamic section of the extension."""
    return [entry for entry in elf.get_section_by_name(".dynamic").iter_tags() if entry.entry.d_tag == tag]


def test_there_is_one_wheel_for_each_version() -> None:
    tags = sorted(wheel.name.split("-")[2] for wheel in WHEELS)
    assert tags == sorted(f"cp{version.replace('.', '')}" for version in VERSIONS)


def test_a_wheel_has_exactly_the_package(wheel: Path) -> None:
    name, version, python, abi, _ = wheel.name.removesuffix(".whl").split("-")
    assert python == abi
    package = ROOT / "src" / "aiointerpreters"
    sources = [path for path in package.rglob("*") if path.suffix in {".py", ".pyi"} or path.name == "py.typed"]
    information = [f"{name}-{version}.dist-info/{file}" for file in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")]
    with zipfile.ZipFile(wheel) as archive:
        files = [info.filename for info in archive.infolist() if not info.is_dir()]
    [extension] = [file for file in files if file.endswith(".so")]
    assert re.fullmatch(rf"aiointerpreters/_core\.cpython-{python[2:]}-[\w-]+\.so", extension)
    expected = [str(path.relative_to(package.parent)) for path in sources] + information + [extension]
    assert sorted(files) == sorted(expected)
    assert {"aiointerpreters/py.typed", "aiointerpreters/_core.pyi"} <= set(files)


def test_a_wheel_runs_on_linux_since_a_known_glibc(wheel: Path) -> None:
    """glibc 2.34 is from 2021: Debian 12, Ubuntu 22.04, RHEL 9. Wheels of a release need an older one (pyproject.toml)."""
    platforms = wheel.name.removesuffix(".whl").split("-")[4].split(".")
    found = [re.fullmatch(r"(many|musl)linux_(\d+)_(\d+)_(x86_64|aarch64)", platform) for platform in platforms]
    newest = {"many": (2, 34), "musl": (1, 2)}
    assert all(match and (int(match[2]), int(match[3])) <= newest[match[1]] for match in found), platforms


def test_the_sizes_stay_within_bounds(wheel: Path, extension: bytes) -> None:
    sizes = {"wheel": wheel.stat().st_size, "extension": len(extension), "sdist": SDIST.stat().st_size}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES[name]} == {}


def test_the_extension_is_stripped(elf: Any) -> None:
    sections = [section.name for section in elf.iter_sections()]
    assert ".dynsym" in sections
    assert [name for name in sections if name.startswith((".debug", ".symtab", ".strtab", ".gnu_debug"))] == []


def test_only_the_function_that_imports_it_is_exported(elf: Any) -> None:
    symbols = elf.get_section_by_name(".dynsym").iter_symbols()
    assert [symbol.name for symbol in symbols if symbol.name and symbol["st_shndx"] != "SHN_UNDEF"] == ["PyInit__core"]


def test_it_needs_no_libraries_but_the_system_s(elf: Any) -> None:
    needed = {entry.needed for entry in dynamic(elf, "DT_NEEDED")}
    assert {name for name in needed - MAY_NEED if not LOADER.fullmatch(name) and "musl" not in name} == set()
    assert dynamic(elf, "DT_RPATH") == dynamic(elf, "DT_RUNPATH") == []


def test_no_part_of_it_can_be_written_and_executed(elf: Any) -> None:
    both = 1 | 2  # PF_X and PF_W
    segments = {segment["p_type"]: segment["p_flags"] for segment in elf.iter_segments()}
    assert [kind for kind, flags in segments.items() if flags & both == both] == []
    assert {"PT_GNU_STACK", "PT_GNU_RELRO"} <= segments.keys()


def test_nothing_of_the_machine_that_built_it_is_named(extension: bytes) -> None:
    """No folders of the build, and no source files, as assertions and debug information would contain them."""
    strings = {found.decode() for found in re.findall(rb"[\x20-\x7e]{4,}", extension)}
    folders = [ROOT, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix), Path(sys.base_prefix)]
    named = {text for text in strings if any(f"{folder}/" in text for folder in folders) or "site-packages/" in text}
    assert named == set()
    assert {text for text in strings if re.search(r"[\w/]+\.(?:cpp|h|cc|hpp)\b", text)} == set()


def test_the_metadata_say_what_pyproject_says(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    assert metadata["Name"] == "aiointerpreters"
    assert metadata["Requires-Python"] == ">=3.13"
    assert metadata["License-Expression"] == "MIT"
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(required) == 1, required
    assert required[0].startswith("cloudpickle"), required
    assert metadata["Version"] == wheel.name.split("-")[1]


def test_the_description_has_no_links_that_lead_nowhere(wheel: Path) -> None:
    description = str(metadata_of(wheel).get_payload())
    assert description.startswith("# aiointerpreters")
    text = re.sub(r"^```.*?^```$", "", description, flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"""(?:src|srcset|href)=["']([^"']+)""", text)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_the_sdist_has_all_that_a_build_and_the_tests_need() -> None:
    with tarfile.open(SDIST) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    top = {name.partition("/")[0] for name in names}
    assert {"CMakeLists.txt", "LICENSE", "Makefile", "PKG-INFO", "README.md", "core", "src", "tests", "tools"} <= top
    assert top & {".ci", ".git", ".github", ".python", ".venv", "build", "dist", "findings"} == set()
    assert [name for name in names if name.endswith((".so", ".o", ".pyc"))] == []


def test_twine_and_validate_pyproject_find_nothing() -> None:
    commands = [
        ["twine", "check", "--strict", str(SDIST), *map(str, WHEELS)],
        ["validate_pyproject", str(ROOT / "pyproject.toml")],
    ]
    for command in commands:
        finished = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout + finished.stderr
