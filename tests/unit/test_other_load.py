"""The remarks of `make demo` and `compare` about other programs, a CPU quota, and the processors that they may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiointerpreters._other_load import Load, Meter, process_tree
from support.scripts import run_python

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN_EXAMPLE = EXAMPLES.parent / "benchmarks" / "run_example.py"
pytestmark = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="reads Linux's files")

TICKS = os.sysconf("SC_CLK_TCK")
COMPUTES = """
import time
while time.process_time() < 0.5:
    pass
print("done", flush=True)
while True:
    pass
"""


def stat_of(pid: int, parent: int, seconds: float = 0.0) -> str:
    """The text of a /proc/PID/stat for a program whose name is hard to parse."""
    return f"{pid} (a) b ( 1) R {parent} " + "0 " * 9 + f"{round(seconds * TICKS)} 0 0 0 20 0 1\n"


class Machine:
    """A machine made of files. This test's process has its real processors."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc" / "self").mkdir(parents=True)
        self.write(
            "proc/self/mountinfo",
            "30 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
            "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
        )
        self.set_stat(busy=0.0)
        self.set_own(0.0)

    def set_stat(self, *, busy: float, stolen: float = 0.0) -> None:
        """All processors together have been busy for this number of seconds."""
        first = min(os.sched_getaffinity(0))
        ticks = f"{round(busy * TICKS)} 0 0 99999 77 0 0 {round(stolen * TICKS)} 55 0"
        idle = max(os.sched_getaffinity(0)) + 1
        self.write("proc/stat", f"cpu  {ticks}\ncpu{first} {ticks}\ncpu{idle} 99999 9 9 9 9 9 9 9 0 0\nintr 7\n")

    def set_own(self, seconds: float) -> None:
        """This process has used this number of seconds, a third of them in a grandchild."""
        pid = os.getpid()
        for number, parent, used in ((pid, 1, seconds * 2 / 3), (pid + 1, pid, 0.0), (pid + 2, pid + 1, seconds / 3)):
            self.write(f"proc/{number}/stat", stat_of(number, parent, used))

    def write(self, path: str, text: str) -> None:
        """Make a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_cpu_time_of_others_is_what_this_program_and_its_children_have_not_used(machine: Machine) -> None:
    meter = Meter(str(machine.root))
    machine.set_stat(busy=9.0, stolen=2.0)
    machine.set_own(6.0)
    load = meter.read()
    assert load.others == pytest.approx(3.0, abs=3 / TICKS)
    assert load.stolen == pytest.approx(2.0)


def test_a_program_alone_has_nobody_beside_it(machine: Machine) -> None:
    meter = Meter(str(machine.root))
    machine.set_stat(busy=5.99)
    machine.set_own(6.0)  # the kernel updates the two counters at different moments
    assert meter.read().others == 0.0


def test_nothing_is_known_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    load = Meter(str(tmp_path)).read()
    assert (load.others, load.stolen, load.throttled, load.quota) == (None, 0.0, 0.0, None)


@pytest.mark.parametrize(
    ("group", "files", "quota"),
    [
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/app/one", {"app/cpu.max": "50000 100000", "app/one/cpu.max": "400000 100000"}, 0.5),
        ("0::/not/seen/here", {"cpu.max": "300000 100000"}, 3.0),
        ("4:memory:/x\n1:cpu,cpuacct:/app", {"cpu/app/cpu.cfs_quota_us": "-1", "cpu/app/cpu.cfs_period_us": "100000"}, None),
        ("1:cpu:/app", {"cpu/app/cpu.cfs_quota_us": "250000", "cpu/app/cpu.cfs_period_us": "100000"}, 2.5),
    ],
)
def test_the_least_quota_of_all_cgroups_around_the_process_counts(
    machine: Machine, group: str, files: dict[str, str], quota: float | None
) -> None:
    machine.write("proc/self/cgroup", f"{group}\n")
    for name, text in files.items():
        machine.write(f"sys/fs/cgroup/{name}", f"{text}\n")
    assert Meter(str(machine.root)).read().quota == quota


@pytest.mark.parametrize(
    ("group", "name", "unit"), [("0::/", "cpu.stat", "throttled_usec"), ("2:cpu:/", "cpu/cpu.stat", "throttled_time")]
)
def test_time_that_a_quota_took_is_read(machine: Machine, group: str, name: str, unit: str) -> None:
    second = 10**6 if unit.endswith("usec") else 10**9
    machine.write("proc/self/cgroup", f"{group}\n")
    machine.write(f"sys/fs/cgroup/{name}", f"nr_periods 5\n{unit} {7 * second}\n")
    meter = Meter(str(machine.root))
    machine.write(f"sys/fs/cgroup/{name}", f"nr_periods 9\n{unit} {9 * second}\n")
    assert meter.read().throttled == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load(10, 2, 2, others=0.9), []),
        (Load(10, 2, 2), []),
        (
            Load(10, 2, 2, others=8.0),
            ["Other programs used 0.8 of the 2 processors meanwhile, so these figures are worse than on a quiet machine."],
        ),
        (Load(10, 64, 64, others=20.0), []),
        (Load(10, 1, 4, others=0.1), ["This program may use only 1 of the 4 processors (CPU affinity)."]),
        (Load(10, 4, 4, others=0.1, quota=4.0), []),
        (Load(10, 4, 4, others=0.1, quota=1.5), ["A cgroup quota limits this program to 1.5 of the 4 processors."]),
        (
            Load(10, 4, 4, throttled=3.25),
            [
                "The cgroup quota stopped this program for 3.2 of 10.0 seconds, "
                "so these figures are worse than without a quota."
            ],
        ),
        (
            Load(10, 2, 2, others=0.0, stolen=5.0),
            [
                "The host of this virtual machine kept back 0.5 of the 2 processors meanwhile, "
                "so these figures are worse than on a host with nothing else to do."
            ],
        ),
    ],
)
def test_a_reader_is_told_what_made_the_figures_worse(load: Load, said: list[str]) -> None:
    assert list(load.sentences()) == said


@pytest.mark.parametrize(
    ("load", "is_heavy"),
    [(Load(10, 2, 2), False), (Load(10, 2, 2, others=3.0), False), (Load(10, 2, 2, others=3.0, stolen=2.0), True)],
)
def test_a_machine_with_much_other_work_is_no_place_to_measure(load: Load, is_heavy: bool) -> None:
    assert load.is_heavy is is_heavy


@pytest.mark.skipif(os.cpu_count() == 1, reason="there is only one processor")
def test_an_example_is_followed_by_what_made_its_figures_worse() -> None:
    source = (
        "import os, sys\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        f"os.execv(sys.executable, [sys.executable, {str(RUN_EXAMPLE)!r}, *sys.argv[1:]])\n"
    )
    finished = run_python("-c", source, str(EXAMPLES / "mandelbrot.py"), "--width", "30", "--height", "10")
    assert (finished.code, finished.stderr) == (0, "")
    at = next(number for number, line in enumerate(finished.lines) if line.startswith("30 x 10 points in "))
    said = f"This program may use only 1 of the {os.cpu_count()} processors (CPU affinity)."
    assert finished.lines[at + 1 : at + 3] == ["", said]


def test_an_example_that_fails_keeps_its_exit_status() -> None:
    finished = run_python(str(RUN_EXAMPLE), str(EXAMPLES / "mandelbrot.py"), "--width", "0")
    assert (finished.code, finished.stdout) == (2, "")


def test_a_process_that_computes_beside_is_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        meter = Meter(pid=idle.pid)  # all processes except this one count as other programs
        with subprocess.Popen([sys.executable, "-c", COMPUTES], stdout=subprocess.PIPE, text=True) as busy:
            assert busy.stdout is not None
            assert busy.stdout.readline() == "done\n"
            load = meter.read()
            assert busy.pid in process_tree(os.getpid())
            busy.kill()
        idle.kill()
    assert load.others is not None
    assert load.others > 0.4
