// See frames.h.
#include "codec/frames.h"

#include <memory>
#include <utility>

#include "codec/arrow_copy.h"
#include "codec/arrow_stream.h"
#include "codec/imported_type.h"
#include "codec/pickling.h"
#include "py/error.h"

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

// Reads all of the frame's columns into `out`, which stays null if they cannot be had so: polars' own pickling says what is wrong.
// Errors: false with an exception set, if it is one that ends everything.
bool read_columns(PyObject* frame, std::unique_ptr<arrow::Content>& out) {
  const py::Ref capsule = py::Ref::steal(PyObject_CallMethod(frame, "__arrow_c_stream__", nullptr));
  auto* const stream =
      capsule ? static_cast<arrow::Stream*>(PyCapsule_GetPointer(capsule.get(), arrow::kStreamName)) : nullptr;
  if (stream == nullptr) return py::clear_ordinary_exception();
  auto content = std::make_unique<arrow::Content>();
  if (stream->release != nullptr && content->take(*stream) && !has_objects(content->schema)) out = std::move(content);
  return py::clear_ordinary_exception();
}

py::Ref reduce_plainly(PyObject* frame) {
  return py::Ref::steal(PyObject_CallMethod(frame, "__reduce_ex__", "i", kPickleProtocol));
}

}  // namespace

bool knows_frames(Runtime& runtime) {
  if (runtime.frame_type) return true;
  py::Ref series = imported_type(runtime.names.polars, "polars", "Series");
  py::Ref frame = series ? imported_type(runtime.names.polars, "polars", "DataFrame") : py::Ref();
  if (!frame) return false;
  runtime.series_type = std::move(series);
  runtime.frame_type = std::move(frame);
  return true;
}

bool is_frame(const Runtime& runtime, PyObject* object) noexcept {
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(object));
  return type == runtime.frame_type.get() || type == runtime.series_type.get();
}

py::Ref reduce_frame(const Runtime& runtime, PyObject* frame, Views views) {
  std::unique_ptr<arrow::Content> content;
  if (!read_columns(frame, content)) return {};
  if (content && views == Views::kCopy) content = copy_content(*content);
  if (!content) return reduce_plainly(frame);
  const ArrowTablePtr table(std::make_unique<ArrowTable>(std::move(content)).release());
  const py::Ref stream = make_arrow_stream(runtime, table);
  const py::Ref frames = stream ? py::Ref::steal(PyImport_ImportModule("aiointerpreters._frames")) : py::Ref();
  return frames ? py::Ref::steal(PyObject_CallMethod(frames.get(), "reduce", "OO", frame, stream.get())) : py::Ref();
}

}  // namespace aiointerpreters::codec
