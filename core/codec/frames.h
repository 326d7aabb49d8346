// Frames and series of polars in a pickle: their columns are attached to the message as Arrow's buffers; what Arrow does not
// know of them (which columns are sorted) stands in the pickle. The buffers of arguments are shared. Those of results are
// copied, once: they may be memory of another library's, which needs the worker's interpreter to release it,
// or which the worker may write to.
// Of polars this needs `__arrow_c_stream__` and no header.
// A frame with Python objects in it is left to polars' own pickling.
// Requires: attached. Runs Python: polars'. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether there can be frames: polars has been imported in this interpreter. No error.
[[nodiscard]] bool knows_frames(Runtime& runtime);
// Whether the object is of one of their types; it is not, as long as knows_frames has not found them.
[[nodiscard]] bool is_frame(const Runtime& runtime, PyObject* object) noexcept;
// What a pickler has to write for a frame: how it is made again, from an ArrowStream that is to be attached. What has no
// such stream is reduced as polars does it. Requires: is_frame. Returns new.
[[nodiscard]] py::Ref reduce_frame(const Runtime& runtime, PyObject* frame, Views views);

}  // namespace aiointerpreters::codec
