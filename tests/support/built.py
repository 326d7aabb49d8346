"""Extension modules that are compiled for the tests from tests/support/extensions."""

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).with_name("extensions")


def compile_object(source: str, target: Path, *options: str) -> Path:
    """Build a shared object from one of the sources."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    include = f"-I{sysconfig.get_path('include')}"
    command = [*compiler, "-shared", "-fPIC", include, "-o", str(target), str(SOURCES / f"{source}.c"), *options]
    # Libraries that tools/with-asan preloads are for Python. They would make the compiler ten times slower.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run(command, check=True, env=environment)
    return target


def make_module(folder: Path, name: str, *options: str, source: str | None = None, suffix: str | None = None) -> Path:
    """Compile an extension module into a folder, from the source of the same name or another one."""
    ending = suffix or sysconfig.get_config_var("EXT_SUFFIX")
    return compile_object(source or name, folder / (name + ending), *options)


def make_modules(folder: Path, *names: str) -> None:
    """Compile extension modules into a folder."""
    for name in names:
        make_module(folder, name)


def make_module_with_libraries(folder: Path, plain: str = "plain_library", name: str = "with_library") -> Path:
    """Compile `with_library`, also under another name. Its search path names its libraries relative to itself.

    plain: the name of the library that uses no Python. It is found once the process has loaded it. Returns the module path.
    """
    libraries = folder / f"{name}.libs"
    libraries.mkdir()
    for source, library in {"library": "library", "plain_library": plain}.items():
        compile_object(source, libraries / f"lib{library}.so", f"-Wl,-soname,lib{library}.so")
    compile_object(
        "with_library",
        folder / (name + sysconfig.get_config_var("EXT_SUFFIX")),
        f"-L{libraries}",
        "-l:liblibrary.so",
        f"-l:lib{plain}.so",
        f"-Wl,-rpath,$ORIGIN/{name}.libs",
        f"-DINITIALIZE=PyInit_{name}",
    )
    return libraries / f"lib{plain}.so"
