#!/bin/sh
# joblib 1.6.0 and loky 3.7.0: they cannot be imported in a subinterpreter.
#
# loky, of which joblib has a copy, imports `faulthandler` at once, and CPython does not load `faulthandler` in a subinterpreter. So even
# joblib's `Memory`, and its threading backend, cannot be used there. pebble 5.2.3 and mpire 2.10.2 can be imported.
. "$(dirname "$0")/environment"
install joblib==1.6.0 loky==3.7.0 Pebble==5.2.3 mpire==2.10.2

expect "joblib: ImportError: module faulthandler does not support loading in subinterpreters
loky: ImportError: module faulthandler does not support loading in subinterpreters
pebble: imported
mpire: imported" <<'PYTHON'
import concurrent.interpreters as interpreters

for name in ("joblib", "loky", "pebble", "mpire"):
    interpreter = interpreters.create()
    try:
        interpreter.exec(f"import {name}")
        print(f"{name}: imported")
    except interpreters.ExecutionFailed as error:
        print(f"{name}: {error.excinfo.type.__name__}: {error.excinfo.msg}")
    interpreter.close()
PYTHON
