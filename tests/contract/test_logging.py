"""Log records of workers reach home's handlers, as if home had made them."""

import logging
import queue
import sys
import threading
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter
from support import light, state, words
from support.gate import Gate
from support.heard import Collector
from support.protocols import MakePool
from support.scripts import run_script

NAME = "support.words"

say = interpreter(words.say)


def test_records_are_there_when_the_result_is(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    for number in range(100):
        pool.submit(say, logging.INFO, "number %d", number).result()
        assert heard.texts[-1] == f"number {number}"


async def _await_each(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    for number in range(100):
        await pool.run(say, logging.INFO, "number %d", number)
        assert heard.texts[-1] == f"number {number}"


def test_records_are_there_when_an_await_returns(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    import asyncio

    asyncio.run(_await_each(pool, heard))


def test_records_come_while_the_call_still_runs(pool: InterpreterThreadPoolExecutor, heard: Collector, gate: Gate) -> None:
    come = threading.Event()

    def note(_: logging.LogRecord) -> bool:
        come.set()
        return True

    heard.addFilter(note)
    future = pool.submit(interpreter(words.say_and_hold), gate.ends)
    come.wait()
    assert heard.texts == ["before the gate"]
    assert not future.done()
    gate.open_wide()
    future.result()


def test_a_record_has_everything_that_home_s_own_has(make_pool: MakePool, heard: Collector) -> None:
    words.say(logging.INFO, "%s of %d", "one", 2, extra={"who": "me", "parts": [1, {"a": None}]})
    make_pool(1, "named").submit(
        say, logging.INFO, "%s of %d", "one", 2, extra={"who": "me", "parts": [1, {"a": None}]}
    ).result()
    own, other = (dict(vars(record)) for record in heard.records)
    assert other["threadName"] == "named_0"
    assert other["thread"] != own["thread"]
    assert own["created"] <= other["created"]
    assert own["relativeCreated"] <= other["relativeCreated"]
    for name in ("threadName", "thread", "created", "msecs", "relativeCreated"):
        assert type(own.pop(name)) is type(other.pop(name)), name
    assert own == other


def test_an_exception_keeps_its_text_and_itself(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.fail)).result()
    text = logging.Formatter().format(heard.records[0])
    assert text.startswith("failed\nTraceback (most recent call last):")
    assert "LookupError: no such word" in text
    assert "Stack (most recent call last):" in text
    assert text.count("words.py") == 2
    info = heard.records[0].exc_info
    assert info is not None
    assert isinstance(info[1], LookupError)


def test_an_exception_that_home_cannot_rebuild_keeps_its_text(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.fail_unknown)).result()
    assert "LocalError: a local one" in logging.Formatter().format(heard.records[0])


def test_what_cannot_cross_becomes_text(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.say_unsendable)).result()
    record: Any = heard.records[0]
    assert (record.getMessage(), record.thing, record.number) == ("it is <Unsendable>", "<Unsendable>", 5)


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("plain", ()),
        ("100 %", ()),
        ("%s %r %s", (None, b"x", 1.5)),
        ("%(a)s %(b)d", ({"a": "x", "b": 2},)),
        ("%s", ([1, [2]],)),
        (5, ()),
        (["not", "a", "text"], ()),
        ("%s", ("x" * 1_000_000,)),
    ],
)
def test_messages_and_arguments(pool: InterpreterThreadPoolExecutor, heard: Collector, message: Any, args: Any) -> None:
    words.say(logging.INFO, message, *args)
    pool.submit(say, logging.INFO, message, *args).result()
    own, other = heard.texts
    assert own == other


def test_a_message_with_surrogates(tmp_path: Path) -> None:
    script = """
        import logging
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        logging.root.addFilter(lambda record: print(ascii(record.getMessage())))
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(words.say), logging.ERROR, "\\udcff %s", "\\udcfe", name="root").result()
    """
    run_script(tmp_path, script).check(r"'\udcff \udcfe'")


def test_a_message_that_cannot_be_formatted_is_reported_by_home_s_handler(tmp_path: Path) -> None:
    script = """
        import logging
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        logging.basicConfig()
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(words.say_badly)).result()
    """
    finished = run_script(tmp_path, script)
    assert finished.code == 0
    assert finished.stderr.count("--- Logging error ---") == 2
    assert "TypeError: " in finished.stderr


def test_records_of_one_worker_keep_their_order(make_pool: MakePool, heard: Collector) -> None:
    pool = make_pool(3)
    list(pool.map(interpreter(words.say_many), [500] * 4, ["a", "b", "c", "d"]))
    for name in "abcd":
        assert [text for text in heard.texts if text.startswith(name)] == [f"{name} {number}" for number in range(500)]


def test_levels_are_those_of_home_now(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    enabled = interpreter(words.is_enabled)
    for level in (logging.DEBUG, logging.ERROR, logging.INFO):
        logging.getLogger(NAME).setLevel(level)
        for asked in (logging.DEBUG, logging.INFO, logging.ERROR):
            assert pool.submit(enabled, asked, NAME).result() == (asked >= level)
            assert pool.submit(enabled, asked, NAME + ".below").result() == (asked >= level)
    logging.disable(logging.CRITICAL)
    try:
        assert not pool.submit(enabled, logging.ERROR, NAME).result()
    finally:
        logging.disable(logging.NOTSET)
    assert pool.submit(enabled, logging.ERROR, NAME).result()


def test_the_root_s_level_counts(tmp_path: Path) -> None:
    script = """
        import logging, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        enabled = interpreter(words.is_enabled)
        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(enabled, logging.INFO, "app").result())
            logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(message)s")
            print(pool.submit(enabled, logging.INFO, "app").result(), flush=True)
            pool.submit(interpreter(words.say), logging.INFO, "hello", name="app").result()
    """
    run_script(tmp_path, script).check("False", "True", "app hello")


def test_the_logger_of_the_script_has_the_name_that_it_has_at_home(tmp_path: Path) -> None:
    script = """
        import logging, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        log = logging.getLogger(__name__)
        below = logging.getLogger(f"{__name__}.below")

        @interpreter
        def say(number):
            log.debug("%d", number)
            below.info("%d", number)
            return log.isEnabledFor(logging.DEBUG), below.isEnabledFor(logging.INFO)

        if __name__ == "__main__":
            logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s")
            log.setLevel(logging.DEBUG)
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(say, 1).result(), flush=True)
                below.setLevel(logging.ERROR)
                print(pool.submit(say, 2).result())
    """
    run_script(tmp_path, script).check("__main__ 1", "__main__.below 1", "(True, True)", "__main__ 2", "(True, False)")


def test_disabled_loggers_filters_and_propagation_of_home_count(
    pool: InterpreterThreadPoolExecutor, heard: Collector
) -> None:
    logger, below = logging.getLogger(NAME), f"{NAME}.below"

    def arrives(name: str) -> bool:
        heard.records.clear()
        pool.submit(say, logging.INFO, "said", name=name).result()
        return bool(heard.records)

    assert arrives(NAME)
    assert arrives(below)
    logger.disabled = True
    assert not arrives(NAME)
    logger.disabled = False
    logging.getLogger(below).propagate = False
    assert not arrives(below)
    logging.getLogger(below).propagate = True
    refuse = logging.Filter("another")
    logger.addFilter(refuse)
    assert not arrives(NAME)
    assert arrives(below)
    logger.removeFilter(refuse)


def test_levels_may_change_while_calls_run(make_pool: MakePool, heard: Collector) -> None:
    pool, logger = make_pool(2), logging.getLogger(NAME)
    futures = [pool.submit(interpreter(words.say_many), 2000, name) for name in "ab"]
    while not all(future.done() for future in futures):
        for level in (logging.DEBUG, logging.WARNING):
            logger.setLevel(level)
            pool.submit(say, logging.DEBUG, "quiet").result()
    for future in futures:
        future.result()
    assert sorted(text for text in heard.texts if text != "quiet") == sorted(
        f"{name} {number}" for name in "ab" for number in range(2000)
    )


def test_a_level_that_a_worker_sets_stays_until_home_changes_it(make_pool: MakePool, heard: Collector) -> None:
    pool, enabled = make_pool(1), interpreter(words.is_enabled)
    pool.submit(interpreter(words.set_level), NAME, logging.DEBUG).result()
    logging.getLogger("support.other").setLevel(logging.ERROR)
    try:
        assert pool.submit(enabled, logging.DEBUG, NAME).result()
        logging.getLogger(NAME).setLevel(logging.ERROR)
        assert not pool.submit(enabled, logging.WARNING, NAME).result()
    finally:
        logging.getLogger("support.other").setLevel(logging.NOTSET)


def test_a_worker_that_has_handlers_uses_them(tmp_path: Path, make_pool: MakePool, heard: Collector) -> None:
    path = tmp_path / "own.log"
    pool = make_pool(1, initializer=interpreter(words.configure), initargs=(str(path),))
    pool.submit(say, logging.INFO, "written").result()
    assert path.read_text() == "own written\n"
    assert heard.texts == []


def test_a_null_handler_of_a_library_is_no_handler(make_pool: MakePool, heard: Collector) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(words.silence), NAME).result()
    pool.submit(say, logging.INFO, "heard").result()
    assert heard.texts == ["heard"]


def test_filters_and_factories_of_the_worker_count(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.say_filtered), 4).result()
    pool.submit(interpreter(words.use_factory)).result()
    found: list[Any] = heard.records
    assert heard.texts == ["0", "2", "made"]
    assert [getattr(each, "marked", None) for each in found] == [True, True, None]
    assert found[2].made_by == "a factory"


@pytest.mark.parametrize("name", ["_log", "handle", "makeRecord", "callHandlers", "findCaller"])
def test_a_tool_that_replaces_a_method_in_a_worker_sees_the_records(
    make_pool: MakePool, heard: Collector, name: str
) -> None:
    assert make_pool(1).submit(interpreter(words.use_tool), name).result() == [NAME]
    assert heard.texts == [f"with {name}", f"without {name}"]
    assert {record.filename for record in heard.records} == {"words.py"}


def test_classes_of_loggers_of_the_worker_count(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.use_own_logger)).result()
    assert heard.texts == ["changed: 5"]


def test_stacklevel_counts(pool: InterpreterThreadPoolExecutor, heard: Collector) -> None:
    pool.submit(interpreter(words.say_from_afar)).result()
    assert heard.records[0].funcName == "say_from_afar"


def test_records_of_other_threads_and_loops_of_a_worker(make_pool: MakePool, heard: Collector) -> None:
    pool = make_pool(1, "loops")
    pool.submit(interpreter(words.in_thread)).result()
    said: Any = pool.submit(interpreter(words.in_loop))
    said.result()
    thread, loop = heard.records
    assert (thread.getMessage(), thread.threadName) == ("from a thread", "said here")
    assert loop.getMessage() == "from a loop"
    assert getattr(loop, "taskName", None) is not None


def test_records_of_a_pool_in_a_worker_come_home(make_pool: MakePool, heard: Collector) -> None:
    make_pool(1).submit(interpreter(state.in_own_pool), words.say, logging.WARNING, "from below").result()
    assert heard.texts == ["from below"]


def test_own_logging_stays_in_the_worker(make_pool: MakePool, heard: Collector) -> None:
    pool = make_pool(1, logging="own")
    assert not pool.submit(interpreter(words.is_enabled), logging.INFO, NAME).result()
    pool.submit(say, logging.INFO, "not heard").result()
    assert heard.texts == []


def test_own_logging_writes_warnings_to_stderr_as_a_new_program(tmp_path: Path) -> None:
    script = """
        import logging, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        logging.basicConfig(stream=sys.stdout)
        with InterpreterThreadPoolExecutor(1, logging="own") as pool:
            pool.submit(interpreter(words.say), logging.WARNING, "own").result()
    """
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.lines, finished.stderr.strip()) == (0, [], "own")


@pytest.mark.parametrize("options", [{"logging": "forwards"}, {"logging": None}, {"output": True}])
def test_unknown_values_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be 'forward' or 'own'"):
        InterpreterThreadPoolExecutor(1, **options)
    with pytest.raises(ValueError, match="must be 'forward' or 'own'"):
        Runner(workers=1, **options)


def test_a_runner_forwards_too(heard: Collector) -> None:
    import asyncio

    async def main(**options: Any) -> None:
        async with Runner(workers=1, **options) as runner:
            await runner.run(words.say, logging.INFO, "run")

    asyncio.run(main())
    asyncio.run(main(logging="own"))
    assert heard.texts == ["run"]


def test_nothing_is_lost_at_exit(tmp_path: Path) -> None:
    script = """
        import logging, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        logging.basicConfig(stream=sys.stdout, format="%(message)s")
        pool = InterpreterThreadPoolExecutor(2)
        for name in "ab":
            pool.submit(interpreter(words.say_many), 300, name)
    """
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.stderr) == (0, "")
    assert sorted(finished.lines) == sorted(f"{name} {number}" for name in "ab" for number in range(300))


def test_a_home_without_configuration_prints_warnings_as_its_own(tmp_path: Path) -> None:
    script = """
        import logging
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import words
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(words.say), logging.INFO, "quiet").result()
            pool.submit(interpreter(words.say), logging.WARNING, "loud").result()
    """
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.lines, finished.stderr) == (0, [], "loud\n")


def test_workers_that_say_nothing_pay_nothing(make_pool: MakePool) -> None:
    pool = make_pool(1)
    before = pool.submit(interpreter(words.imported)).result()
    assert "logging" in before  # `support.words` imports it
    other = make_pool(1)
    for name in ("logging", "warnings", "aiointerpreters._words_worker"):
        assert not other.submit(interpreter(light.has_imported), name).result(), name


def test_a_handler_that_waits_for_a_call_does_not_hang(make_pool: MakePool, heard: Collector) -> None:
    pool = make_pool(1)
    results: list[int] = []

    def submit_one(record: logging.LogRecord) -> bool:
        if record.getMessage() == "first":
            pool.submit(say, logging.INFO, "from the handler").result()
            results.append(pool.submit(interpreter(abs), -5).result())
        return True

    heard.addFilter(submit_one)
    pool.submit(say, logging.INFO, "first").result()
    pool.shutdown()
    assert results == [5]
    assert sorted(heard.texts) == ["first", "from the handler"]


def test_a_handler_that_needs_a_lock_of_the_waiting_thread_does_not_hang(make_pool: MakePool, heard: Collector) -> None:
    pool, lock = make_pool(1), threading.Lock()

    def take(record: logging.LogRecord) -> bool:
        if threading.current_thread() is not threading.main_thread():
            with lock:
                pass
        return True

    heard.addFilter(take)
    with lock:
        for _ in range(3):
            pool.submit(say, logging.INFO, "said").result()
    pool.shutdown()
    assert heard.texts == ["said"] * 3


def test_records_that_need_too_much_memory_are_dropped_and_counted(make_pool: MakePool, heard: Collector) -> None:
    has_come, go_on = threading.Event(), threading.Event()
    arrived, counted = queue.SimpleQueue[logging.LogRecord](), queue.SimpleQueue[logging.LogRecord]()

    def block(_: logging.LogRecord) -> bool:
        has_come.set()
        return threading.current_thread() is threading.main_thread() or go_on.wait()

    heard.addFilter(block)
    loggers = {logging.getLogger(NAME): QueueHandler(arrived), logging.getLogger("aiointerpreters"): QueueHandler(counted)}
    for logger, handler in loggers.items():
        logger.addHandler(handler)
    try:
        pool = make_pool(1)
        first = pool.submit(say, logging.INFO, "first -1")
        has_come.wait()
        first.result()
        pool.submit(interpreter(words.say_many), 100, "x" * 2**20).result()
        go_on.set()
        text = counted.get().getMessage()
        dropped = int(text.split()[0])
        numbers = [int(arrived.get().getMessage().split()[-1]) for _ in range(101 - dropped)]
    finally:
        for logger, handler in loggers.items():
            logger.removeHandler(handler)
    assert "log records, warnings and lines of workers were dropped" in text
    assert 30 < dropped < 40  # 64 MiB of 100 have come
    assert numbers == list(range(-1, 100 - dropped))


def test_a_handler_that_raises_loses_only_its_record(
    make_pool: MakePool, heard: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: unraisable.append(found.exc_type))

    def refuse(record: logging.LogRecord) -> bool:
        if record.getMessage() == "bad":
            raise LookupError("refused")
        return True

    heard.addFilter(refuse)
    pool = make_pool(1)
    for text in ("good", "bad", "good"):
        pool.submit(say, logging.INFO, text).result()
    assert heard.texts == ["good", "good"]
    assert unraisable == [LookupError]


def test_a_keyboard_interrupt_in_a_handler_is_raised_and_loses_no_result(make_pool: MakePool, heard: Collector) -> None:
    def interrupt(record: logging.LogRecord) -> bool:
        if threading.current_thread() is threading.main_thread() and record.getMessage() == "one":
            raise KeyboardInterrupt
        return True

    heard.addFilter(interrupt)
    pool = make_pool(1)
    for _ in range(20):
        future = pool.submit(interpreter(words.say_many), 3, "x")
        again = pool.submit(say, logging.INFO, "one")
        try:
            again.result()
        except KeyboardInterrupt:
            assert again.result() is None
        assert future.result() is None
    pool.shutdown()
    assert len([text for text in heard.texts if text.startswith("x")]) == 60


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
def test_records_before_and_after_a_fork(tmp_path: Path) -> None:
    from support.scripts import FORKING

    script = """
import logging
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import words
logging.basicConfig(stream=sys.stdout, format="%(message)s")
say = interpreter(words.say)

def in_child(pool):
    pool.submit(say, logging.WARNING, "in the child").result()

with InterpreterThreadPoolExecutor(1) as pool:
    pool.submit(say, logging.WARNING, "before").result()
    print(fork(in_child, pool), flush=True)
    pool.submit(say, logging.WARNING, "after").result()
"""
    finished = run_script(tmp_path, FORKING + script)
    assert (finished.code, finished.lines) == (0, ["before", "in the child", "7", "after"])


def test_caplog_sees_records_of_workers(
    pool: InterpreterThreadPoolExecutor, caplog: pytest.LogCaptureFixture, propagate: None
) -> None:
    with caplog.at_level(logging.INFO):
        pool.submit(say, logging.INFO, "captured %d", 5, name="support.captured").result()
    assert [record.getMessage() for record in caplog.records] == ["captured 5"]


@pytest.fixture
def propagate() -> None:
    """Check that the logger of these tests is as other tests expect it."""
    assert logging.getLogger("support.captured").propagate
