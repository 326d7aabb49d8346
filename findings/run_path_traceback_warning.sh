#!/bin/sh
# CPython 3.15.2: with `-W error`, logging a caught exception ends a process of multiprocessing.
#
# multiprocessing runs the script in the new process by `runpy.run_path`, as the module `__mp_main__`. The `__spec__` of such a module is None. If a
# traceback needs a line of its source, 3.15 warns: "DeprecationWarning: Module globals is missing a __spec__.loader". With `-W error` this warning
# is an exception, in `logging.exception` and in each print of a traceback. So a log call for a handled error raises, and the
# process exits with 1. "forkserver", which is the default, does the same. With 3.14.10, the error is logged and the exit code is 0.
PYTHON=${PYTHON:-$("$(dirname "$0")/../tools/python" 3.15)}
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import logging, multiprocessing

def log_error():
    try:
        {}["missing"]
    except KeyError:
        logging.exception("handled")

if __name__ == "__main__":
    log_error()
    print("main process: logged")
    for method in ("spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=log_error)
        process.start()
        process.join()
        print(f"{method}: exit code {process.exitcode}")
PYTHON
expect "main process: logged
spawn: exit code 1
forkserver: exit code 1" -W error "$folder/program.py" 2>"$folder/errors"
grep -qx "DeprecationWarning: Module globals is missing a __spec__.loader" "$folder/errors"
