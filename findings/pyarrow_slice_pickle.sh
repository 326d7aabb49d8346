#!/bin/sh
# pyarrow 26.0.1: a pickled slice of a table carries the whole table's buffers.
#
# Ten rows of a hundred thousand are pickled as 800,000 bytes, in band and out of band. The slice's own `get_total_buffer_size` says so, too,
# while `nbytes` says 80. Tables that are cut up for workers are sent whole to each of them by whatever pickles.
. "$(dirname "$0")/environment"
install pyarrow==26.0.1 numpy==2.5.5

expect "nbytes 80, buffers 800000
out of band: [800000]
in band: more than 800000 True
the same rows, copied: [80]" <<'PYTHON'
import pickle
import numpy as np
import pyarrow as pa

def buffers(value):
    found = []
    pickle.dumps(value, protocol=5, buffer_callback=found.append)
    return [buffer.raw().nbytes for buffer in found]

rows = pa.table({"x": np.arange(100_000.0)}).slice(0, 10)
print(f"nbytes {rows.nbytes}, buffers {rows.get_total_buffer_size()}")
print("out of band:", buffers(rows))
print("in band: more than 800000", len(pickle.dumps(rows)) > 800_000)
print("the same rows, copied:", buffers(rows.take(pa.array(range(10)))))
PYTHON
