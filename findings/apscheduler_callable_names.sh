#!/bin/sh
# APScheduler 3.11.3: a stored job of a callable object names the class of the object, not the object.
#
# A job store keeps `module:name`. For everything that is not a plain function, builtin, method or class, the name is that of its
# class (`apscheduler.util.get_callable_name`), although the object has a `__qualname__`. So a function with functools.lru_cache
# becomes `jobs:_lru_cache_wrapper`, which cannot be found. If the module has imported the class, the job would call the class.
# A job that is added as text ("jobs:cached") keeps its name.
. "$(dirname "$0")/environment"
install apscheduler==3.11.3

cat >"$folder/jobs.py" <<'PYTHON'
import functools

@functools.lru_cache
def cached():
    return 1
PYTHON
cat >"$folder/program.py" <<'PYTHON'
import jobs
from apscheduler.util import obj_to_ref, ref_to_obj

print(jobs.cached.__qualname__)
print(obj_to_ref(jobs.cached))
try:
    ref_to_obj(obj_to_ref(jobs.cached))
except LookupError as error:
    print(error)
print(ref_to_obj("jobs:cached") is jobs.cached)
PYTHON
expect "cached
jobs:_lru_cache_wrapper
Error resolving reference jobs:_lru_cache_wrapper: error looking up object
True" "$folder/program.py"
