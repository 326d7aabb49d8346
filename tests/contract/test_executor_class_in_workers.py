"""A worker that runs a script has the executor's class without what it needs, until somebody uses it; nobody sees that."""

import textwrap
from pathlib import Path

import pytest

from support.scripts import run_script

PROGRAM = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


@interpreter
def look():
    import sys

    before = sorted(name for name in sys.modules if name.partition(".")[0] in {LOOKED_FOR})
{}
    return before


LOOKED_FOR = {{"aiointerpreters", "asyncio", "concurrent", "contextlib", "logging", "threading", "typing"}}

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1) as executor:
        print(*executor.submit(look).result())
"""
LIGHT = "aiointerpreters aiointerpreters._core aiointerpreters._outline aiointerpreters._script"

USES = {
    "nothing": "",
    "an executor of its own": """
        with InterpreterThreadPoolExecutor(2) as own:
            assert own.submit(abs, -3).result() == 3
            assert own.submit(interpreter(abs), -4).result() == 4
            assert list(own.map(abs, [-1, -2])) == [1, 2]
            assert type(own) is InterpreterThreadPoolExecutor and isinstance(own, InterpreterThreadPoolExecutor)
            assert repr(own).startswith("<InterpreterThreadPoolExecutor ")
    """,
    "the module": """
        from aiointerpreters.executors import InterpreterThreadPoolExecutor as there
        assert there is InterpreterThreadPoolExecutor
        import aiointerpreters
        assert aiointerpreters.InterpreterThreadPoolExecutor is there
    """,
    "the module as an attribute": """
        import aiointerpreters
        assert aiointerpreters.executors.InterpreterThreadPoolExecutor is InterpreterThreadPoolExecutor
    """,
    "a later import of concurrent.futures": """
        import concurrent.futures
        assert issubclass(InterpreterThreadPoolExecutor, concurrent.futures.Executor)
        assert InterpreterThreadPoolExecutor.__base__.__base__ is concurrent.futures.ThreadPoolExecutor
        assert concurrent.futures._base.__spec__.loader.exec_module.__func__
        with InterpreterThreadPoolExecutor(1) as own:
            assert concurrent.futures.wait([own.submit(abs, -3)]).done.pop().result() == 3
    """,
    "a subclass": """
        class Own(InterpreterThreadPoolExecutor):
            def __init__(self, size):
                super().__init__(size, "own")
        from concurrent.futures import ThreadPoolExecutor
        assert ThreadPoolExecutor in Own.__mro__
        with Own(1) as own:
            assert own.submit(abs, -3).result() == 3
    """,
    "a subclass with another metaclass": """
        from abc import ABC, abstractmethod
        class Own(InterpreterThreadPoolExecutor, ABC):
            @abstractmethod
            def name(self): ...
        class Named(Own):
            def name(self): return "named"
        with Named(1) as own:
            assert own.submit(own.name).result() == "named"
    """,
    "subclasses with hooks": """
        from typing import Generic, TypeVar
        T = TypeVar("T")
        seen = []
        class Base:
            def __init_subclass__(cls, tag=None):
                super().__init_subclass__()
                seen.append((cls.__name__, tag))
        class Own(InterpreterThreadPoolExecutor, Base, Generic[T], tag="own"):
            def __init_subclass__(cls):
                super().__init_subclass__()
                seen.append(cls.__name__)
        class Further(Own): pass
        assert seen == [("Own", "own"), ("Further", None), "Further"]
        with Own[int](1) as own:
            assert own.submit(abs, -3).result() == 3
    """,
    "an instance without __init__": """
        bare = InterpreterThreadPoolExecutor.__new__(InterpreterThreadPoolExecutor)
        try:
            bare.submit(abs, -3)
        except RuntimeError as error:
            assert "not initialized" in str(error)
        else:
            raise AssertionError
        bare.__init__(1)
        assert bare.submit(abs, -3).result() == 3
        bare.shutdown()
    """,
    "its documentation": """
        import inspect
        assert "max_interpreters" in inspect.signature(InterpreterThreadPoolExecutor).parameters
        assert "self" not in inspect.signature(InterpreterThreadPoolExecutor).parameters
        assert "tagged functions" in inspect.getdoc(InterpreterThreadPoolExecutor)
        assert "class InterpreterThreadPoolExecutor" in inspect.getsource(InterpreterThreadPoolExecutor)
    """,
    "its documentation alone": """
        assert InterpreterThreadPoolExecutor.__doc__.startswith("A thread pool")
    """,
    "its members": """
        public = {name for name in dir(InterpreterThreadPoolExecutor) if not name.startswith("_")}
        shutdown, leave = InterpreterThreadPoolExecutor.shutdown, InterpreterThreadPoolExecutor.__exit__
        assert public == {name for name in dir(InterpreterThreadPoolExecutor) if not name.startswith("_")}
        assert vars(InterpreterThreadPoolExecutor)["shutdown"] is shutdown
        assert vars(InterpreterThreadPoolExecutor)["__exit__"] is leave
        assert InterpreterThreadPoolExecutor.__enter__ is InterpreterThreadPoolExecutor.__base__.__enter__
        assert "__enter__" not in vars(InterpreterThreadPoolExecutor)
    """,
    "its names": """
        assert InterpreterThreadPoolExecutor.__module__ == "aiointerpreters.executors"
        assert InterpreterThreadPoolExecutor.__qualname__ == InterpreterThreadPoolExecutor.__name__
        assert repr(InterpreterThreadPoolExecutor) == "<class 'aiointerpreters.executors.InterpreterThreadPoolExecutor'>"
        assert type(InterpreterThreadPoolExecutor) is type
    """,
    "its pickle": """
        import pickle
        assert pickle.loads(pickle.dumps(InterpreterThreadPoolExecutor)) is InterpreterThreadPoolExecutor
    """,
    "a method that was replaced": """
        InterpreterThreadPoolExecutor.__repr__ = lambda self: "replaced"
        with InterpreterThreadPoolExecutor(1) as own:
            assert repr(own) == "replaced"
    """,
    "a method that was deleted": """
        del InterpreterThreadPoolExecutor.map
        with InterpreterThreadPoolExecutor(1) as own:
            assert "map" not in vars(InterpreterThreadPoolExecutor)
            assert list(own.map(abs, [-3])) == [3]
    """,
    "a name that was replaced": """
        InterpreterThreadPoolExecutor.__module__ = "own"
        InterpreterThreadPoolExecutor(1).shutdown()
        assert InterpreterThreadPoolExecutor.__module__ == "own"
    """,
    "failures while it is completed": """
        import sys
        def is_late(frame):
            return frame.f_code.co_name == "<module>" and "_close" in frame.f_globals
        def is_last(frame):
            return frame.f_code.co_name == "_remove_members"
        for fails in (is_late, is_last):
            def trace(frame, event, argument):
                if "aiointerpreters" in frame.f_code.co_filename and event == "line" and fails(frame):
                    raise MemoryError
                return trace
            sys.settrace(trace)
            try:
                InterpreterThreadPoolExecutor.map
            except MemoryError:
                pass
            else:
                raise AssertionError
            finally:
                sys.settrace(None)
        with InterpreterThreadPoolExecutor(1) as own:
            assert list(own.map(abs, [-3])) == [3]
        assert InterpreterThreadPoolExecutor.map.__globals__ is vars(sys.modules["aiointerpreters.executors"])
    """,
    "a mock": """
        from unittest import mock
        with mock.patch.object(InterpreterThreadPoolExecutor, "map") as mocked:
            with InterpreterThreadPoolExecutor(1) as own:
                assert own.map(abs, [-3]) is mocked.return_value
        with InterpreterThreadPoolExecutor(1) as own:
            assert list(own.map(abs, [-3])) == [3]
    """,
    "modules that are loaded again": """
        import sys
        for name in [name for name in sys.modules if name.startswith("aiointerpreters.") and name[16] != "_"]:
            del sys.modules[name]
        del sys.modules["aiointerpreters"], sys.modules["aiointerpreters._outline"]
        from aiointerpreters import InterpreterThreadPoolExecutor as anew
        for kind in (anew, InterpreterThreadPoolExecutor):
            with kind(1) as own:
                assert own.submit(abs, -3).result() == 3
                assert list(own.map(abs, [-3])) == [3]
            assert kind.__doc__.startswith("A thread pool")
    """,
    "a finder of modules whose loader is a class": """
        import sys
        from importlib.machinery import ModuleSpec, PathFinder
        class Loader:
            create_module = classmethod(lambda cls, spec: None)
            @classmethod
            def exec_module(cls, module):
                found = PathFinder.find_spec(module.__name__, sys.modules["concurrent.futures"].__path__)
                exec(found.loader.get_code(module.__name__), vars(module))
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                return ModuleSpec(name, Loader) if name.startswith("concurrent.futures.") else None
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder)
        import concurrent.futures
        assert issubclass(InterpreterThreadPoolExecutor, concurrent.futures.Executor)
        assert concurrent.futures._base.__spec__.loader is concurrent.futures._base.__loader__ is Loader
        assert concurrent.futures.thread.__spec__.loader is Loader
    """,
    "finders that were asked before": """
        import sys
        for finder in sys.meta_path:
            finder.find_spec("concurrent.futures._base", None)
        sys.meta_path = tuple(sys.meta_path)
        import concurrent.futures
        assert issubclass(InterpreterThreadPoolExecutor, concurrent.futures.Executor)
        InterpreterThreadPoolExecutor(1).shutdown()
    """,
    "imports in two threads": """
        import _thread, sys, time
        from _frozen_importlib import _blocking_on
        from importlib.machinery import PathFinder, SourceFileLoader
        begun, done = _thread.allocate_lock(), []
        begun.acquire()
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name != "logging":
                    return None
                found = PathFinder.find_spec(name, path)
                found.loader = Loader(name, found.origin)
                return found
        class Loader(SourceFileLoader):
            def exec_module(self, module):
                begun.release()
                while not _blocking_on.get(other):
                    time.sleep(0)
                super().exec_module(module)
        sys.meta_path.insert(0, Finder)
        def uses():
            begun.acquire()
            try:
                InterpreterThreadPoolExecutor(1).shutdown()
                done.append(True)
            except BaseException as error:
                done.append(error)
        other = _thread.start_new_thread(uses, ())
        import concurrent.futures
        while not done:
            time.sleep(0)
        assert done == [True]
        assert issubclass(InterpreterThreadPoolExecutor, concurrent.futures.Executor)
    """,
    "types": """
        import typing
        assert typing.get_args(InterpreterThreadPoolExecutor | None)[0] is InterpreterThreadPoolExecutor
        assert typing.get_type_hints(InterpreterThreadPoolExecutor.__init__)["thread_name_prefix"] is str
        assert not isinstance(3, InterpreterThreadPoolExecutor)
        match 3:
            case InterpreterThreadPoolExecutor():
                raise AssertionError
    """,
    "threads that use it at the same time": """
        import _thread
        done, makes = [], lambda: done.append(InterpreterThreadPoolExecutor(1))
        for _ in range(8):
            _thread.start_new_thread(makes, ())
        import time
        while len(done) < 8:
            time.sleep(0)
        for own in done:
            assert own.submit(abs, -3).result() == 3
            own.shutdown()
    """,
}


@pytest.mark.parametrize("use", USES)
def test_a_script_in_a_worker_loads_nothing_for_the_class_until_it_is_used(use: str, tmp_path: Path) -> None:
    body = textwrap.indent(textwrap.dedent(USES[use]), "    ")
    run_script(tmp_path, PROGRAM.replace("{LOOKED_FOR}", "LOOKED_FOR").format(body)).check(LIGHT)


def test_no_outline_where_concurrent_futures_is_imported(tmp_path: Path) -> None:
    source = """
        import concurrent.futures
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        def bases():
            return [base.__name__ for base in InterpreterThreadPoolExecutor.__mro__]

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as executor:
                print(bases() == executor.submit(interpreter(bases)).result())
    """
    run_script(tmp_path, source).check("True")


def test_the_class_crosses_both_ways(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter
        def is_same(kind):
            return kind is InterpreterThreadPoolExecutor, InterpreterThreadPoolExecutor

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as executor:
                same, kind = executor.submit(is_same, InterpreterThreadPoolExecutor).result()
                print(same, kind is InterpreterThreadPoolExecutor)
    """
    run_script(tmp_path, source).check("True True")
