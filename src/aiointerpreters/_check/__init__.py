"""`python -m aiointerpreters check`: says which modules can be imported in workers, and what to do about the others.

Only this command imports the package. `command` reads the command line, and `targets` finds out what is to be imported. Each
target has processes of its own, so that a crash ends only one of them: `process` starts them, `host` runs in them, and
`trial` runs in their interpreters. `verdict` says what the findings mean, and `report` prints it.
"""
