"""The public type of `fallback`. It has a module of its own because the module `types` imports more than executors need."""

from typing import Literal

type Fallback = Literal["error", "thread", "process"]
"""What happens to calls of a tagged function that no interpreter can run.

`"error"`: their futures raise the reason. `"thread"`: they run in threads of the main interpreter. `"process"`: they run in
other processes.
"""
