// See frames.h.
#include "codec/frames.h"

#include <memory>
#include <utility>
#include <vector>

#include "codec/arrow_copy.h"
#include "codec/arrow_stream.h"
#include "codec/imported_type.h"
#include "codec/pickling.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Whether there are Python objects in the data. polars exports them as bytes of a fixed size (their addresses), and uses
// that format for nothing else.
bool has_objects(const arrow::Schema& schema) {
  if (schema.format[0] == 'w' && schema.format[1] == ':') return true;
  if (schema.dictionary != nullptr && has_objects(*schema.dictionary)) return true;
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    if (has_objects(*schema.children[i])) return true;
  }
  return false;
}

using Contents = std::vector<std::unique_ptr<arrow::Content>>;

// Reads the columns of a frame, or the one of a series, into `out`. If that fails, `out` stays empty, and polars' own
// pickling reports the reason. Errors: false with an exception set, if the exception must not be ignored.
bool read_columns(const Runtime& runtime, PyObject* frame, Contents& out) {
  const py::Ref capsule = py::Ref::steal(PyObject_CallMethod(frame, "__arrow_c_stream__", nullptr));
  auto* const stream =
      capsule ? static_cast<arrow::Stream*>(PyCapsule_GetPointer(capsule.get(), arrow::kStreamName)) : nullptr;
  if (stream == nullptr) return py::clear_ordinary_exception();
  auto content = std::make_unique<arrow::Content>();
  if (stream->release != nullptr && content->take(*stream) && !has_objects(content->schema)) {
    if (Py_IS_TYPE(frame, reinterpret_cast<PyTypeObject*>(runtime.series_type.get()))) {
      out.push_back(std::move(content));
    } else {
      out = split_table(std::move(content));
    }
  }
  return py::clear_ordinary_exception();
}

// Copies the columns of a result. Returns false if one has an unknown layout.
bool copy_columns(Contents& columns) {
  for (std::unique_ptr<arrow::Content>& column : columns) {
    column = copy_content(*column);
    if (!column) return false;
  }
  return true;
}

// Returns a new list with an ArrowStream for each column.
py::Ref streams_of(const Runtime& runtime, Contents columns) {
  py::Ref list = py::Ref::steal(PyList_New(0));
  for (std::unique_ptr<arrow::Content>& column : columns) {
    const ArrowTablePtr table(std::make_unique<ArrowTable>(std::move(column)).release());
    const py::Ref stream = make_arrow_stream(runtime, table);
    if (!list || !stream || PyList_Append(list.get(), stream.get()) < 0) return {};
  }
  return list;
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
  const py::Ref frames = py::Ref::steal(PyImport_ImportModule("aiointerpreters._frames"));
  // Everything is read from a clone, which no other code can change meanwhile. None: polars' own pickling is better.
  const py::Ref clone = frames ? py::Ref::steal(PyObject_CallMethod(frames.get(), "clone", "O", frame)) : py::Ref();
  if (!clone) return {};
  Contents columns;
  if (clone.get() != Py_None && !read_columns(runtime, clone.get(), columns)) return {};
  if (columns.empty() || views == Views::kNone || (views == Views::kCopy && !copy_columns(columns)))
    return reduce_plainly(frame);
  const py::Ref streams = streams_of(runtime, std::move(columns));
  return streams ? py::Ref::steal(PyObject_CallMethod(frames.get(), "reduce", "OO", clone.get(), streams.get())) : py::Ref();
}

}  // namespace aiointerpreters::codec
