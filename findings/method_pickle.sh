#!/bin/sh
# CPython 3.14.10: a bound method can be pickled, but not unpickled, if its object does not have it under its own name.
#
# `method.__reduce__` writes getattr(object, name of the function). So types.MethodType(f, 5), and methods that a class has under another
# name, cannot be found when they are unpickled. Pickling does not notice.
. "$(dirname "$0")/environment"

expect "types.MethodType(f, 5): AttributeError: 'int' object has no attribute 'f'
Shape().area: AttributeError: 'Shape' object has no attribute 'f'" <<'PYTHON'
import pickle
import types

def f(*args):
    return args

class Shape:
    area = f

for name, method in {"types.MethodType(f, 5)": types.MethodType(f, 5), "Shape().area": Shape().area}.items():
    data = pickle.dumps(method)
    try:
        pickle.loads(data)
    except AttributeError as error:
        print(f"{name}: {type(error).__name__}: {error}")
PYTHON
