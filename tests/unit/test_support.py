"""The tests' own tools: programs are judged by their behaviour, not by how busy the machine is."""

from pathlib import Path

from support.scripts import run_script


def test_slow_steps_of_asyncio_are_not_held_against_a_program(tmp_path: Path) -> None:
    source = """
    import asyncio, sys

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 0
        await asyncio.sleep(0)
        print("done")

    asyncio.run(main(), debug=True)
    print("and this is", file=sys.stderr)
    """
    finished = run_script(tmp_path, source)
    assert finished.lines == ["done"]
    assert finished.stderr == "and this is\n"


def test_programs_can_be_interrupted_wherever_the_tests_were_started(tmp_path: Path) -> None:
    source = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    run_script(tmp_path, source).check("True")
