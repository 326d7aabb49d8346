#!/bin/sh
# pandas 3.1.1 with pyarrow 26.0.1: pickling a frame copies its columns of text, even out of band.
#
# Columns of numbers are pickled out of band as the very memory that the frame holds. A column of text (dtype `str`, which is pyarrow's) has its
# chunks combined first, so the buffers that are handed out are new ones each time. pyarrow itself, given the same data, hands out its own
# memory.
. "$(dirname "$0")/environment"
install pandas==3.1.1 pyarrow==26.0.1

expect "pandas, numbers: the same memory twice: True
pandas, text: the same memory twice: False
pyarrow, text: the same memory twice: True" <<'PYTHON'
import pickle
import numpy as np, pandas as pd, pyarrow as pa

def memory(value):
    "The pickle's large buffers, kept, and where they are."
    found = []
    pickle.dumps(value, protocol=5, buffer_callback=found.append)
    large = [np.frombuffer(buffer.raw(), "u1") for buffer in found if buffer.raw().nbytes > 100_000]
    return large, {array.__array_interface__["data"][0] for array in large}

text = ["text"] * 100_000
for name, frame in (
    ("pandas, numbers", pd.DataFrame({"x": np.arange(100_000.0)})),
    ("pandas, text", pd.DataFrame({"x": text})),
    ("pyarrow, text", pa.table({"x": text})),
):
    (kept, first), (also_kept, second) = memory(frame), memory(frame)
    print(f"{name}: the same memory twice: {bool(first & second)}")
PYTHON
