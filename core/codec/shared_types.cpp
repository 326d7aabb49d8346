// See shared_types.h.
#include "codec/shared_types.h"

#include "codec/arrays.h"
#include "codec/frames.h"
#include "codec/pickling.h"

namespace aiointerpreters::codec {

bool knows_shared_types(Runtime& runtime) {
  const bool arrays = knows_arrays(runtime);
  const bool frames = knows_frames(runtime);
  return arrays || frames;
}

bool add_shared_types(Runtime& runtime, PyObject* dict, PyObject* value) {
  PyObject* const registered = reduction_table(runtime);
  if (registered == nullptr) return false;
  for (const py::Ref* type : {&runtime.array_type, &runtime.mapped_array_type, &runtime.frame_type, &runtime.series_type}) {
    if (!*type) continue;
    const int is_registered = PyDict_Contains(registered, type->get());
    if (is_registered < 0 || (is_registered == 0 && PyDict_SetItem(dict, type->get(), value) < 0)) return false;
  }
  return true;
}

py::Ref reduce_shared(const Runtime& runtime, PyObject* object, Views views) {
  return is_frame(runtime, object) ? reduce_frame(runtime, object, views) : reduce_array(runtime, object, views);
}

}  // namespace aiointerpreters::codec
