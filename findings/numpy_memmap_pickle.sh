#!/bin/sh
# NumPy 2.5.5: a pickled memmap comes back as a memmap that maps nothing, and its memory is copied.
#
# An array of the same memory is pickled out of band (PEP 574). The memmap is copied into the pickle, also with protocol 5. What is loaded still
# has the type `numpy.memmap`, but neither a file name nor a map; `flush()` does nothing, so changes to it never reach the file.
. "$(dirname "$0")/environment"
install numpy==2.5.5

expect "array: buffers of [800000] bytes out of band
memmap: buffers of [] bytes out of band
memmap None None
on disk: 0.0" <<'PYTHON'
import os, pickle, tempfile
import numpy as np

def buffers(value):
    found = []
    pickle.dumps(value, protocol=5, buffer_callback=found.append)
    return [buffer.raw().nbytes for buffer in found]

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "numbers")
    mapped = np.memmap(path, dtype="f8", mode="w+", shape=100_000)
    print("array: buffers of", buffers(np.array(mapped)), "bytes out of band")
    print("memmap: buffers of", buffers(mapped), "bytes out of band")
    loaded = pickle.loads(pickle.dumps(mapped))
    print(type(loaded).__name__, getattr(loaded, "filename", None), loaded._mmap)
    loaded[0] = 1.0
    loaded.flush()
    print("on disk:", np.fromfile(path)[0])
PYTHON
