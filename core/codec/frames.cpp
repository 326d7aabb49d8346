// See frames.h.
#include "codec/frames.h"

#include <memory>
#include <utility>

#include "codec/arrow_stream.h"
#include "codec/pickling.h"

namespace aiointerpreters::codec {

namespace {

// Arrow's formats for what polars has not, but for its objects: bytes of a fixed size, which are their addresses.
bool has_objects(const arrow::Schema& schema) {
  if (schema.format[0] == 'w' && schema.format[1] == ':') return true;
  if (schema.dictionary != nullptr && has_objects(*schema.dictionary)) return true;
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    if (has_objects(*schema.children[i])) return true;
  }
  return false;
}

// All of the frame's columns; null if they cannot be had so.
std::unique_ptr<arrow::Content> columns_of(PyObject* frame) {
  const py::Ref capsule = py::Ref::steal(PyObject_CallMethod(frame, "__arrow_c_stream__", nullptr));
  auto* const stream =
      capsule ? static_cast<arrow::Stream*>(PyCapsule_GetPointer(capsule.get(), arrow::kStreamName)) : nullptr;
  PyErr_Clear();  // polars' own pickling says what is wrong
  auto content = std::make_unique<arrow::Content>();
  const bool is_read = stream != nullptr && stream->release != nullptr && content->take(*stream);
  return is_read && !has_objects(content->schema) ? std::move(content) : nullptr;
}

bool is_imported(const char* name) {
  const py::Ref text = py::Ref::steal(PyUnicode_FromString(name));
  const py::Ref module = text ? py::Ref::steal(PyImport_GetModule(text.get())) : py::Ref();
  PyErr_Clear();
  return static_cast<bool>(module);
}

py::Ref reduce_plainly(PyObject* frame) {
  return py::Ref::steal(PyObject_CallMethod(frame, "__reduce_ex__", "i", kPickleProtocol));
}

}  // namespace

bool knows_frames(Runtime& runtime) {
  if (runtime.frame_type) return true;
  py::Ref& name = runtime.names.polars;
  if (!name) name = py::Ref::steal(PyUnicode_InternFromString("polars"));
  const py::Ref polars = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  py::Ref series = polars ? py::Ref::steal(PyObject_GetAttrString(polars.get(), "Series")) : py::Ref();
  py::Ref frame = series ? py::Ref::steal(PyObject_GetAttrString(polars.get(), "DataFrame")) : py::Ref();
  PyErr_Clear();  // it is being imported
  if (!frame || !PyType_Check(frame.get()) || !PyType_Check(series.get())) return false;
  runtime.series_type = std::move(series);
  runtime.frame_type = std::move(frame);
  return true;
}

bool is_frame(const Runtime& runtime, PyObject* object) noexcept {
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(object));
  return type == runtime.frame_type.get() || type == runtime.series_type.get();
}

py::Ref reduce_frame(const Runtime& runtime, PyObject* frame, Views views) {
  if (views == Views::kCopy && is_imported("pyarrow")) return reduce_plainly(frame);
  std::unique_ptr<arrow::Content> content = columns_of(frame);
  if (!content) return reduce_plainly(frame);
  const ArrowTablePtr table(std::make_unique<ArrowTable>(std::move(content)).release());
  const py::Ref stream = make_arrow_stream(runtime, table);
  const py::Ref frames = stream ? py::Ref::steal(PyImport_ImportModule("aiointerpreters._frames")) : py::Ref();
  return frames ? py::Ref::steal(PyObject_CallMethod(frames.get(), "reduce", "OO", frame, stream.get())) : py::Ref();
}

}  // namespace aiointerpreters::codec
