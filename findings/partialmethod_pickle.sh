#!/bin/sh
# CPython 3.14: functools.partialmethod can be pickled, but not unpickled.
#
# Since 3.14 its __new__ needs the function. pickle calls __new__ without arguments, as for every object that does not say otherwise. In
# 3.13 it worked.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import functools, pickle

pickled = pickle.dumps(functools.partialmethod(print))
try:
    pickle.loads(pickled)
except TypeError as error:
    print(error)
PYTHON
expect "_partial_new() missing 1 required positional argument: 'func'" "$folder/program.py"
