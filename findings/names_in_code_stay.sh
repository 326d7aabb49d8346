#!/bin/sh
# CPython: the names in a code object stay in memory when the code is gone.
#
# The constructor of code objects interns their names as immortal strings (Objects/codeobject.c, intern_strings). So a program that compiles
# or unmarshals functions with ever new names grows by about 100 bytes a name, in each interpreter that has the code. The script compiles
# functions and drops them. With new names each time, memory blocks stay for each of them; with the same names, none do.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import gc, sys

def left(names, count=5000):
    for number in range(2 * count):
        if number == count:
            gc.collect()
            before = sys.getallocatedblocks()
        name = names(number)
        scope = {}
        exec(f"def {name}():\n    {name}_local = 1\n    return {name}_local", scope)
        del scope
    gc.collect()
    return round((sys.getallocatedblocks() - before) / count)

print("blocks that stay for each function with two new names:", left(lambda number: f"function_{number}"))
print("blocks that stay for each function with known names:", left(lambda number: "function"))
PYTHON
expect "blocks that stay for each function with two new names: 2
blocks that stay for each function with known names: 0" "$folder/program.py"
