"""How the context variables that a user declares are found: at home and in workers, in modules and scripts."""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import variables, work
from support.declaring import PLACES
from support.protocols import MakePool, Tag
from support.scripts import run_python, run_script

type Declare = Callable[..., tuple[InterpreterThreadPoolExecutor, Tag]]


@pytest.fixture(params=PLACES)
def declare(request: pytest.FixtureRequest, make_pool: MakePool) -> Declare:
    """Makes a pool of one worker, and a tag. Their calls carry the given variables."""
    return partial(request.param, make_pool)


@pytest.fixture
def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Any]:
    """Writes a module where workers find it, and returns its name without the name of its package."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def make(name: str, source: str) -> Any:
        path = folder.joinpath(*name.split("."))
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".py").write_text(source, encoding="utf-8")
        return path.stem

    return make


# ---- How variables are found


def test_variables_of_one_name_in_several_modules(declare: Declare, make_module: Callable[[str, str], Any]) -> None:
    source = "import contextvars\nrequest = contextvars.ContextVar('request')\ndef read():\n    return request.get()\n"
    modules = [__import__(make_module(name, source)) for name in ("one_request", "another_request")]
    pool, tag = declare(*(module.request for module in modules), variables.request)
    for number, module in enumerate(modules):
        module.request.set(number)
    variables.request.set(2)
    reads = [*(module.read for module in modules), variables.read]
    assert [pool.submit(tag(read)).result() for read in reads] == [0, 1, 2]


def test_a_variable_with_another_name_than_its_attribute(declare: Declare, make_module: Callable[[str, str], Any]) -> None:
    source = """
from contextvars import ContextVar
decoy = ContextVar("current")
current = ContextVar("decoy")
def read():
    return decoy.get(), current.get()
"""
    module = __import__(make_module("crossed_names", source))
    pool, tag = declare(module.decoy, module.current)
    module.decoy.set(1)
    module.current.set(2)
    assert pool.submit(tag(module.read)).result() == (1, 2)


def test_a_variable_of_a_package_that_re_exports_it(declare: Declare, make_module: Callable[[str, str], Any]) -> None:
    make_module("re_exporting.__init__", "from re_exporting._inside import current as current, read as read\n")
    source = "from contextvars import ContextVar\ncurrent = ContextVar('current')\ndef read():\n    return current.get()\n"
    make_module("re_exporting._inside", source)
    package = __import__("re_exporting")
    pool, tag = declare(package.current)
    package.current.set("carried")
    assert pool.submit(tag(package.read)).result() == "carried"


MAKES_IT = """
from contextvars import ContextVar
current = ContextVar("current")
def read():
    return current.get()
"""

USES_IT = """
from aiointerpreters import interpreter
import {maker}
tagged = interpreter.with_context({maker}.current)({maker}.read)
"""


def test_a_module_that_only_imports_the_variable_need_not_be_one_for_workers(
    make_pool: MakePool, make_module: Callable[[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if that module is just being imported at home and already has the variable when another one declares it."""
    make_module("made_for_all", MAKES_IT)
    make_module("used_for_all", USES_IT.format(maker="made_for_all"))
    only_at_home = "import sys\nif 'at home' not in sys.argv:\n    raise ImportError('not in workers')\n"
    make_module("only_for_home", only_at_home + "from made_for_all import current\nfrom used_for_all import tagged\n")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "at home"])
    home = __import__("only_for_home")
    home.current.set("carried")
    assert make_pool(1).submit(home.tagged).result() == "carried"


def test_a_worker_imports_no_module_for_a_variable_that_its_function_has_brought(
    make_pool: MakePool, make_module: Callable[[str, str], Any]
) -> None:
    make_module("brings_it", MAKES_IT)
    make_module("uses_it", USES_IT.format(maker="brings_it"))
    application = __import__(make_module("application", "from brings_it import current\nfrom uses_it import tagged\n"))
    pool = make_pool(1)
    application.current.set("carried")
    assert pool.submit(application.tagged).result() == "carried"
    assert not pool.submit(interpreter(work.is_imported), "application").result()


def test_declared_twice_is_as_good_as_once(make_pool: MakePool) -> None:
    pool = make_pool(1, context_vars=[variables.request, variables.request])
    tag = interpreter.with_context(variables.request, variables.user, variables.request)
    variables.request.set("request")
    variables.user.set("user")
    assert pool.submit(tag(variables.read_both)).result() == ("request", "user")


def test_executor_and_tag_add_up(make_pool: MakePool) -> None:
    pool = make_pool(1, context_vars=(variable for variable in [variables.request]))
    variables.request.set("request")
    variables.user.set("user")
    both = interpreter.with_context(variables.user)(variables.read_both)
    assert pool.submit(both).result() == ("request", "user")
    assert pool.submit(interpreter(variables.read_both)).result() == ("request", "nobody")


NO_VARIABLES = [5, "request", None, variables.read, [variables.request], {}]


@pytest.mark.parametrize("value", NO_VARIABLES, ids=lambda value: type(value).__name__)
def test_what_is_no_variable_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="ContextVar is needed"):
        interpreter.with_context(variables.request, value)
    with pytest.raises(TypeError, match="ContextVar is needed"):
        InterpreterThreadPoolExecutor(1, context_vars=[variables.request, value])


@pytest.mark.parametrize("value", [variables.request, 5], ids=lambda value: type(value).__name__)
def test_the_executor_wants_several_variables(value: Any) -> None:
    with pytest.raises(TypeError, match="iterable"):
        InterpreterThreadPoolExecutor(1, context_vars=value)


class Holder:
    variable: ContextVar[int] = ContextVar("variable")


LOST = [Holder.variable, ContextVar("local")]


@pytest.mark.parametrize("variable", LOST, ids=["of a class", "local"])
def test_a_variable_that_no_module_has_is_refused(variable: ContextVar[Any]) -> None:
    with pytest.raises(ValueError, match=f"{variable.name!r}.*no module"):
        interpreter.with_context(variable)
    with pytest.raises(ValueError, match=f"{variable.name!r}.*no module"):
        InterpreterThreadPoolExecutor(1, context_vars=[variable])


def test_a_variable_that_the_worker_s_module_does_not_have_is_the_call_s_error(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable: ContextVar[str] = ContextVar("patched_in")
    monkeypatch.setattr(work, "patched_in", variable, raising=False)
    pool, tag = declare(variable)
    assert pool.submit(tag(work.square), 3).result() == 9
    variable.set("carried")
    with pytest.raises(AttributeError, match="patched_in"):
        pool.submit(tag(work.square), 3).result()


# ---- Variables of scripts

SCRIPT = """
import asyncio, sys
from contextvars import ContextVar
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

current = ContextVar("current", default="no")

def read():
    return current.get()

async def read_in_loop():
    return current.get()

{declared}

if __name__ == "__main__":
    with {executor} as pool:
        current.set("carried")
        print(pool.submit({tagged}).result())
        print(pool.submit({in_loop}).result())
        print(asyncio.run(pool.run({tagged})) if sys.argv[1:] else pool.submit({tagged}).result())
"""

AT_THE_EXECUTOR = SCRIPT.format(
    declared="",
    executor="InterpreterThreadPoolExecutor(1, context_vars=[current])",
    tagged="interpreter(read)",
    in_loop="interpreter(read_in_loop)",
)
AT_THE_TAG = SCRIPT.format(
    declared="""
@interpreter.with_context(current)
def tagged_read():
    return read()

tagged_in_loop = interpreter.with_context(current)(read_in_loop)
""",
    executor="InterpreterThreadPoolExecutor(1)",
    tagged="tagged_read",
    in_loop="tagged_in_loop",
)

SCRIPTS = pytest.mark.parametrize("source", [AT_THE_EXECUTOR, AT_THE_TAG], ids=["executor", "tag"])


@SCRIPTS
def test_a_variable_of_a_script(tmp_path: Path, source: str) -> None:
    run_script(tmp_path, source).check("carried", "carried", "carried")


@SCRIPTS
def test_a_variable_of_a_module_that_is_run(tmp_path: Path, source: str) -> None:
    (tmp_path / "program.py").write_text(source, encoding="utf-8")
    run_python("-m", "program", cwd=tmp_path).check("carried", "carried", "carried")


def test_a_variable_of_a_script_is_carried_by_functions_of_modules(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        from contextvars import ContextVar
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import work

        current = ContextVar("current", default="no")

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1, context_vars=[current]) as pool:
                print(pool.submit(interpreter(work.square), 2).result())
                current.set("carried")
                print(pool.submit(interpreter(work.square), 3).result())
                print(pool.submit(interpreter(lambda: __import__("__main__").current.get())).result())
        """,
    ).check("4", "9", "carried")


def test_a_tag_with_a_script_s_variable_is_passed_to_a_worker(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        from contextvars import ContextVar
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import work

        current = ContextVar("current", default="no")

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(work.call), interpreter.with_context(current)(work.square), 3).result())
        """,
    ).check("9")


def test_a_variable_that_was_typed_is_refused() -> None:
    source = """
from contextvars import ContextVar
from aiointerpreters import interpreter
current = ContextVar("current")
try:
    interpreter.with_context(current)
except ValueError as error:
    print(error)
"""
    run_python("-c", source).check(
        "workers cannot find the context variable 'current': no module that they can import has it"
    )
