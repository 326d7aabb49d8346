// See arrow_stream.h. The type holds no Python object, so it does not need the garbage collector.
#include "codec/arrow_stream.h"

#include <memory>
#include <utility>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

struct StreamObject {
  PyObject_HEAD
  ArrowTablePtr table;
};

ArrowTablePtr& table_in(PyObject* self) noexcept { return reinterpret_cast<StreamObject*>(self)->table; }

void stream_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  std::destroy_at(&table_in(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// The stream may be unread, or read in part.
void release_stream(PyObject* capsule) {
  const std::unique_ptr<arrow::Stream> stream(
      static_cast<arrow::Stream*>(PyCapsule_GetPointer(capsule, arrow::kStreamName)));
  arrow::release(*stream);
}

// The specification allows to ignore the requested schema.
PyObject* arrow_c_stream(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const kKeywords[] = {"requested_schema", nullptr};
  PyObject* requested = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(kKeywords), &requested)) return nullptr;
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    auto stream = std::make_unique<arrow::Stream>();
    arrow::stream_content(table_in(self)->content(), table_in(self), *stream);
    PyObject* const capsule = PyCapsule_New(stream.get(), arrow::kStreamName, release_stream);
    if (capsule == nullptr) {
      arrow::release(*stream);
      return nullptr;
    }
    static_cast<void>(stream.release());  // the capsule owns it
    return capsule;
  });
}

PyMethodDef kMethods[] = {
    {"__arrow_c_stream__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(arrow_c_stream)),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("Columns of another interpreter, for readers of Arrow's C stream interface.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(stream_dealloc)},
    {Py_tp_methods, kMethods},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aiointerpreters._core.ArrowStream",
    .basicsize = sizeof(StreamObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kSlots,
};

PyTypeObject* type_in(const Runtime& runtime) noexcept {
  return reinterpret_cast<PyTypeObject*>(runtime.arrow_stream_type.get());
}

}  // namespace

py::Ref make_arrow_stream_type(PyObject* module) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kSpec, nullptr));
}

py::Ref make_arrow_stream(const Runtime& runtime, ArrowTablePtr table) {
  PyTypeObject* const type = type_in(runtime);
  py::Ref self = py::Ref::steal(type->tp_alloc(type, 0));
  if (self) std::construct_at(&table_in(self.get()), std::move(table));
  return self;
}

ArrowTable* table_of(const Runtime& runtime, PyObject* object) noexcept {
  return Py_IS_TYPE(object, type_in(runtime)) ? table_in(object).get() : nullptr;
}

}  // namespace aiointerpreters::codec
