#!/bin/sh
# cloudpickle 3.1.2: what was sent to another process and comes back changes the sender's class, and functions lose what they share.
#
# A class without a module is pickled with its attributes. When an instance comes back, cloudpickle finds the class that is there and sets
# all of its attributes once more, to the values that they had in the other process. Its methods are then other functions. Two closures
# that share a variable get one each. A class loses its annotations (CPython 3.14) unless somebody has looked at them before.
. "$(dirname "$0")/environment"
install cloudpickle==3.1.2

cat >"$folder/program.py" <<'PYTHON'
import pickle, subprocess, sys
import cloudpickle

class Counter:
    made = 0
    note: str
    def get(self):
        return self.made

def elsewhere(pickled):
    code = """
import sys, pickle, cloudpickle
counter, pair = pickle.load(sys.stdin.buffer)
type(counter).made = 10
increase, read = pair
increase()
sys.stdout.buffer.write(cloudpickle.dumps((counter, read(), type(counter).__annotations__)))
"""
    return pickle.loads(subprocess.run([sys.executable, "-c", code], input=pickled, capture_output=True, check=True).stdout)

def pair():
    count = 0
    def increase():
        nonlocal count
        count += 1
    return increase, lambda: count

get = Counter.get
_, read, annotations = elsewhere(cloudpickle.dumps((Counter(), pair())))
print("the class here was changed:", Counter.made == 10, Counter.get is not get)
print("both closures saw the change:", read == 1)
print("the annotations arrived:", bool(annotations))
PYTHON
expect "the class here was changed: True True
both closures saw the change: False
the annotations arrived: False" "$folder/program.py"
