"""The measurements: one `Pool` for each way to run the function, and `Findings` for all of them.

The best of several rounds counts, because other activity on the machine can only make figures worse.
"""

from dataclasses import dataclass, field

SERIAL, THREADS, OURS, INTERPRETERS, PROCESSES, LOKY = (
    "serial",
    "threads",
    "interpreters",
    "InterpreterPoolExecutor",
    "processes",
    "loky",
)
TITLES = {
    SERIAL: "plain loop",
    THREADS: "ThreadPoolExecutor",
    OURS: "aiointerpreters",
    PROCESSES: "ProcessPoolExecutor",
}

EQUAL, DIFFERENT, UNKNOWN = "equal", "different", "not comparable"


@dataclass
class Pool:
    """One way to run the function. The lists have one value for each round.

    problem: a text that says why it cannot run the function. first_result: seconds from the creation of the pool. memory:
    bytes for each worker. rates: calls per second. round_trips: seconds of a single call that is waited for. carrying: the
    part of these seconds for arguments and result. delays: seconds by which an event loop is late (99th percentile).
    """

    name: str
    problem: str | None = None
    first_result: float | None = None
    memory: float | None = None
    results: str = UNKNOWN
    calls: int = 0
    rates: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    carrying: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name in the report."""
        return TITLES.get(self.name, self.name)

    @property
    def works(self) -> bool:
        """Whether it has run the function to the end."""
        return self.problem is None and bool(self.rates)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return max(self.rates)

    @property
    def delay(self) -> float | None:
        """Seconds by which an event loop is late."""
        return min(self.delays, default=None)


@dataclass(frozen=True)
class Findings:
    """All pools, including the plain loop, and the facts that are common to all.

    call: seconds of one direct call. busy: the share of them in which the function computes. workers: the number in each
    pool. processors: the number that this program may use.
    """

    title: str
    call: float
    busy: float
    workers: int
    processors: int
    pools: list[Pool]

    @property
    def serial(self) -> Pool:
        """The plain loop."""
        return next(pool for pool in self.pools if pool.name == SERIAL)

    def pool(self, name: str) -> Pool | None:
        """The pool of this name, if it was measured."""
        return next((pool for pool in self.pools if pool.name == name), None)

    def speed_up(self, pool: Pool) -> float:
        """The speed of a pool as a multiple of the plain loop's speed."""
        return pool.rate / self.serial.rate

    def added(self, pool: Pool) -> float | None:
        """The additional seconds of a single call, compared with a direct one; None if it was not measured."""
        if pool.name == SERIAL or not (pool.round_trips and self.serial.round_trips):
            return None
        return max(0.0, min(pool.round_trips) - min(self.serial.round_trips))
