#!/bin/sh
# polars 2.1.0: a frame never pickles out of band.
#
# With protocol 5 and a buffer_callback, pandas and pyarrow hand out their columns' memory (PEP 574). polars writes each column into the pickle
# (as Arrow IPC), so whoever shares memory by way of pickle copies its frames twice.
. "$(dirname "$0")/environment"
install polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1

expect "polars: 0 buffers, the pickle has the data: True
pyarrow: 1 buffers, the pickle has the data: False
pandas: 1 buffers, the pickle has the data: False" <<'PYTHON'
import pickle
import numpy as np, pandas as pd, polars as pl, pyarrow as pa

numbers = np.arange(100_000.0)
for name, frame in (
    ("polars", pl.DataFrame({"x": numbers})),
    ("pyarrow", pa.table({"x": numbers})),
    ("pandas", pd.DataFrame({"x": numbers})),
):
    found = []
    data = pickle.dumps(frame, protocol=5, buffer_callback=found.append)
    large = [buffer for buffer in found if buffer.raw().nbytes >= numbers.nbytes]
    print(f"{name}: {len(large)} buffers, the pickle has the data: {len(data) >= numbers.nbytes}")
PYTHON
