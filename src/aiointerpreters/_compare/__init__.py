"""`python -m aiointerpreters compare`: measures a function in a plain loop and in all pools, and says which one to use.

Nothing else loads this package. `command` reads the command line and leads the run. Each pool has a process of its own
(`process`, and `host` is what runs in it), so that memory can be told apart and a crash ends one pool alone.
"""
