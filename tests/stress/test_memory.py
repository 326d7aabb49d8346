"""Memory: tasks and pools leave nothing behind. Measured in processes of their own."""

import sys
from pathlib import Path

import pytest

from support.scripts import run_script

MEASURE = """
import ctypes, gc, os, sys
from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, interpreter
from support import endless, failures, gate, memory, shapes, work

block = bytearray(5000)

def anonymous_kilobytes():
    "What the process has allocated. Pages of files that were just written count as private and dirty, too, but not here."
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))

arrived, *ends = *os.pipe(), 0

def interrupt_one():
    future = pool.submit(interpreter(endless.loop), tuple(ends))
    os.read(arrived, 1)
    future.interrupt()
    future.exception()

def warm_up_both(use):
    "Have each of the pool's two workers run everything: while the system keeps one waiting, the other might do it all."
    before = None
    for held in gate.Gate(), gate.Gate():
        pool.submit(interpreter(gate.hold), held.ends)
        held.wait_for()  # the second time it is the other worker, since the first one is still at its gate
        if before is not None:
            before.open_wide()
        before = held
        for _ in range(5):
            use()
    held.open_wide()

def growth(use, rounds):
    "The least growth of four spans of as many rounds: a leak grows in each of them, a peak of use only in one."
    levels = [anonymous_kilobytes()]
    for _ in range(4):
        for _ in range(rounds):
            use()
        levels.append(anonymous_kilobytes())
    return min(after - before for before, after in zip(levels, levels[1:]))
"""

TASKS = {
    "small": "[f.result() for f in [pool.submit(interpreter(work.square), n) for n in range(2000)]]",
    "containers": "[f.result() for f in [pool.submit(interpreter(work.echo), [n, str(n), {n: (n,)}]) for n in range(2000)]]",
    "large": "[pool.submit(interpreter(work.echo), bytes(1_000_000)).result() for n in range(20)]",
    "objects": "[f.result() for f in [pool.submit(interpreter(work.echo), shapes.Point(n, n)) for n in range(1000)]]",
    "cycles": "[pool.submit(interpreter(shapes.make_node_cycle)).result() for n in range(500)]",
    "exceptions": "[f.exception() for f in [pool.submit(interpreter(failures.fail_with_cause)) for n in range(300)]]",
    "refusals": "[pool.submit(interpreter(work.echo), [n, (x for x in ())]).exception() for n in range(500)]",
    "refused results": "[pool.submit(interpreter(shapes.make_rows_with_generator)).exception() for n in range(500)]",
    "lambdas": "[pool.submit(interpreter(lambda n=n: n)).result() for n in range(200)]",
    "untagged": "[f.result() for f in [pool.submit(work.echo, [n]) for n in range(2000)]]",
    "dropped futures": "[pool.submit(interpreter(work.echo), [n]) and None for n in range(2000)]",
    "map": "list(pool.map(interpreter(work.square), range(2000), chunksize=7))",
    "callbacks": "[pool.submit(interpreter(work.square), n).add_done_callback(print_nothing) for n in range(1000)]",
    "cancelled": "[f.cancel() or f.result() for f in [pool.submit(interpreter(work.square), n) for n in range(1000)]]",
    "interrupted": "[(f := pool.submit(interpreter(endless.for_a_while), 100), f.interrupt()) for n in range(200)];"
    " [interrupt_one() for _ in range(5)]",
    "mixed": "[pool.submit(interpreter(work.echo), [rows, shapes.Box(rows)]).result() for rows in [[5]] * 500]",
    "views": "[f.result() for f in [pool.submit(interpreter(work.echo), memoryview(block)[n:]) for n in range(1000)]]",
    "views of workers": "[pool.submit(interpreter(memory.own_view), 50_000).result() for n in range(200)]",
    "views in objects": "[pool.submit(interpreter(memory.hold_view_in), 'object', 50_000).result() for n in range(100)]",
    "shared buffers": "[pool.submit(interpreter(work.echo), SharedBuffer(50_000)).result() for n in range(300)]",
    "large strings": "[pool.submit(interpreter(work.echo), [b'x' * 50_000, 'y' * 50_000]).result() for n in range(200)]",
    "large, dropped": "[pool.submit(interpreter(memory.large), 'nested', 50_000) and None for n in range(200)]",
    "large, raised": "[pool.submit(interpreter(memory.raise_with), b'x' * 50_000, 'args').exception() for n in range(100)]",
    "pickle buffers": "[pool.submit(interpreter(memory.own_buffers), 50_000).result() for n in range(200)]",
}

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc/self/smaps_rollup")


@pytest.mark.parametrize("body", TASKS.values(), ids=TASKS)
def test_tasks_leave_no_memory_behind(tmp_path: Path, body: str) -> None:
    finished = run_script(
        tmp_path,
        MEASURE
        + f"""
def print_nothing(_):
    pass

pool = InterpreterThreadPoolExecutor(2)

def use():
    {body}
    pool.submit(interpreter(gc.collect)).result()

warm_up_both(use)
print(growth(use, rounds=5))
pool.shutdown()
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert int(finished.stdout) < 200, "kilobytes in 5 rounds"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="ending an interpreter leaks in CPython 3.13 itself")
@pytest.mark.parametrize(
    "body",
    [
        "pool.submit(interpreter(work.square), 3).result()",
        "pool.submit(work.square, 3).result()",
        "pool.submit(interpreter(work.import_modules), ['decimal', 'json', 'datetime', 'dataclasses']).result()",
        "pool.submit(interpreter(shapes.Point), 1, 2).result(); pool.submit(interpreter(lambda: work.HERE)).result()",
        "pool.submit(interpreter(failures.fail_with_cause)).exception()",
        "list(pool.map(interpreter(work.square), range(20)))",
        "pool.submit(interpreter(memory.keep), 'view', memoryview(bytearray(100))).result()",
        "global kept; kept = pool.submit(interpreter(memory.own_view), 1000)",
        "global kept; kept = pool.submit(interpreter(memory.large), 'nested', 50_000)",
        "global kept; kept = pool.submit(interpreter(memory.make_shared), 1000, 1)",
        "global kept; kept = pool.submit(interpreter(memory.own_view_through_own_pool), 1000)",
        "pool.submit(interpreter(memory.call_by_value_in_own_pool)).result()",
        "globals().update(pool=pool); interrupt_one()",
    ],
    ids=[
        "tagged",
        "untagged",
        "imports",
        "objects",
        "exceptions",
        "map",
        "leases",
        "views",
        "large",
        "shared",
        "lent twice",
        "own pool",
        "interrupted",
    ],
)
def test_pools_leave_no_memory_behind(tmp_path: Path, body: str) -> None:
    finished = run_script(
        tmp_path,
        MEASURE
        + f"""
def use():
    with InterpreterThreadPoolExecutor(1) as pool:
        {body}

for _ in range(20):
    use()
print(growth(use, rounds=15))
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert int(finished.stdout) < 15 * 8, "kilobytes in 15 rounds"


@pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="needs a debug build")
@pytest.mark.parametrize("body", TASKS.values(), ids=TASKS)
def test_tasks_leave_no_references_behind(tmp_path: Path, body: str) -> None:
    finished = run_script(
        tmp_path,
        MEASURE
        + f"""
def print_nothing(_):
    pass

def references():
    gc.collect()
    return sys.gettotalrefcount()

pool = InterpreterThreadPoolExecutor(1)

def use():
    {body}
    pool.submit(interpreter(gc.collect)).result()

for _ in range(4):
    use()
before = references()
for _ in range(5):
    use()
print(references() - before)
pool.shutdown()
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert int(finished.stdout) < 500, "references in 5 rounds"


ON_REQUEST = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not ON_REQUEST.exists() or "[madvise]" not in ON_REQUEST.read_text(), reason="large pages are not given on request only"
)
def test_small_blocks_lie_on_small_pages(tmp_path: Path) -> None:
    """One look or one large value requests large pages. This must not make each later block cost a large page."""
    finished = run_script(
        tmp_path,
        MEASURE
        + """
from support import gate as gates

def large_pages():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("AnonHugePages"))

def make_pool():
    pool, gate = InterpreterThreadPoolExecutor(16), gates.Gate()
    futures = [pool.submit(interpreter(gates.hold), gate.ends, n) for n in range(16)]
    gate.wait_for(16)
    gate.open_wide()
    assert [future.result() for future in futures] == list(range(16))
    return pool

pool = make_pool()
print(large_pages())
for _ in range(8):
    assert len(pool.submit(interpreter(work.echo), bytes(9_000_000)).result()) == 9_000_000
    assert len(memoryview(pool.submit(interpreter(work.echo), SharedBuffer(9_000_000)).result())) == 9_000_000
before = large_pages()  # of blocks that malloc keeps
other = make_pool()
print(large_pages() <= before)
pool.shutdown()
other.shutdown()
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines == ["0", "True"]
