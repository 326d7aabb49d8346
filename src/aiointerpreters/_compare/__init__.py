"""`python -m aiointerpreters compare`: measures a function in a plain loop and in all pools, and says which one to use.

Only this command imports the package. `command` reads the command line and controls the run. Each pool has a process of its
own: `process` starts it, and `host` runs in it. So memory is measured separately, and a crash ends only one pool.
"""
