#!/bin/sh
# CPython 3.14.10 and 3.15.2: InterpreterPoolExecutor runs some lambdas and local functions, and refuses others.
#
# Pickle refuses each of them, but the pool also tries to send a function's bare code. This works if the function has no default, no closure, and
# names no global except builtins. One default or one imported module makes it fail. The error does not name the reason: it shows the
# whole task and says that it "does not support cross-interpreter data". Annotations are allowed. A `partial` of a function that works
# by itself fails.
. "$(dirname "$0")/environment"

expect "lambda: 42 -> 42
lambda x: x -> 3
lambda: len('abc') -> 3
lambda x=1: x -> NotShareableError
lambda: captured -> NotShareableError
lambda: math.pi -> NotShareableError
lambda: __import__('math').floor(2.5) -> 2
local function -> 42
local function with annotations -> 42
partial of the local function -> NotShareableError
partial of abs -> 3" <<'PYTHON'
import concurrent.interpreters as interpreters
import math
from concurrent.futures import InterpreterPoolExecutor
from functools import partial

def main():
    captured = 1

    def local():
        return 42

    def annotated() -> int:
        return 42

    with InterpreterPoolExecutor(1) as pool:
        def attempt(name, function, *arguments):
            try:
                outcome = pool.submit(function, *arguments).result()
            except interpreters.NotShareableError as error:
                assert "does not support cross-interpreter data" in str(error)
                outcome = type(error).__name__
            print(name, "->", outcome)

        attempt("lambda: 42", lambda: 42)
        attempt("lambda x: x", lambda x: x, 3)
        attempt("lambda: len('abc')", lambda: len("abc"))
        attempt("lambda x=1: x", lambda x=1: x)
        attempt("lambda: captured", lambda: captured)
        attempt("lambda: math.pi", lambda: math.pi)
        attempt("lambda: __import__('math').floor(2.5)", lambda: __import__("math").floor(2.5))
        attempt("local function", local)
        attempt("local function with annotations", annotated)
        attempt("partial of the local function", partial(local))
        attempt("partial of abs", partial(abs, -3))

main()
PYTHON
