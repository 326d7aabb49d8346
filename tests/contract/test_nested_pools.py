"""The package inside a worker: a task may create pools of its own."""

from pathlib import Path

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
from support.protocols import MakePool
from support.scripts import run_script


def test_a_task_may_make_a_pool_of_its_own(make_pool: MakePool) -> None:
    results, places = make_pool(1).submit(interpreter(work.squares_in_own_pool), list(range(20))).result()
    assert results == [n * n for n in range(20)]
    assert work.HERE not in places


def test_a_pool_in_a_worker_uses_interpreters_of_its_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    place = pool.submit(interpreter(work.here)).result()
    _, places = pool.submit(interpreter(work.squares_in_own_pool), []).result()
    assert place not in places


def test_untagged_functions_of_a_pool_in_a_worker_run_in_that_worker(make_pool: MakePool) -> None:
    assert make_pool(1).submit(interpreter(work.untagged_in_own_pool)).result()


def test_several_workers_may_have_pools_at_once(make_pool: MakePool) -> None:
    futures = [make_pool(2).submit(interpreter(work.squares_in_own_pool), [n]) for n in range(2) for _ in range(2)]
    assert [future.result()[0] for future in futures] == [[0], [0], [1], [1]]


def test_a_pool_left_behind_in_a_worker_ends_with_it() -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        assert pool.submit(interpreter(work.leave_a_pool_behind)).result() == 25


def test_a_pool_left_behind_in_a_worker_lets_the_process_end(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import work

        pool = InterpreterThreadPoolExecutor(1)
        print(pool.submit(interpreter(work.leave_a_pool_behind)).result())
    """
    run_script(tmp_path, source).check("25")
