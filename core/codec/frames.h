// Frames and series of polars in a pickle. Their columns are attached to the message as Arrow's buffers. The pickle
// contains the information that Arrow does not have (which columns are sorted). The buffers of arguments are shared. Those
// of results are copied, once: they may be memory of another library, which needs the worker's interpreter to release it,
// or memory that the worker may write to.
// This needs polars' `__arrow_c_stream__` and no header. A frame that contains Python objects is left to polars' own
// pickling.
// Requires: attached. Runs Python: polars'. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether there can be frames: polars has been imported in this interpreter. Errors: none.
[[nodiscard]] bool knows_frames(Runtime& runtime);
// Whether the object has one of polars' types. False until knows_frames has found these types.
[[nodiscard]] bool is_frame(const Runtime& runtime, PyObject* object) noexcept;
// The reduction of a frame for a pickler: how to rebuild it from an ArrowStream that will be attached. If there is no such
// stream, the frame gets polars' own reduction. Requires: is_frame. Returns new.
[[nodiscard]] py::Ref reduce_frame(const Runtime& runtime, PyObject* frame, Views views);

}  // namespace aiointerpreters::codec
