// See parts_reader.h.
#include "codec/parts_reader.h"

#include <utility>

#include "codec/pickling.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

PyObject* corrupt() {
  PyErr_SetString(PyExc_ValueError, "corrupt message");
  return nullptr;
}

}  // namespace

bool PartsReader::unpickle(const unsigned char* data, std::size_t size) {
  py::Ref callback;
  py::Ref capsule;
  if (!attachments_.empty()) {
    static PyMethodDef definition = {"persistent_load", persistent_load, METH_O, nullptr};
    capsule = py::Ref::steal(PyCapsule_New(this, nullptr, nullptr));
    callback = capsule ? py::Ref::steal(PyCFunction_New(&definition, capsule.get())) : py::Ref();
    if (!callback || PyCapsule_SetContext(capsule.get(), this) < 0) return false;
  }
  const py::Ref both = codec::unpickle(runtime_, data, size, callback.get());
  if (capsule) PyCapsule_SetContext(capsule.get(), nullptr);  // whoever has kept the unpickler
  if (!both) return false;
  if (!PyList_CheckExact(both.get()) || PyList_GET_SIZE(both.get()) != 2) return corrupt() != nullptr;
  const py::Ref parts = py::Ref::steal(PySequence_Tuple(PyList_GET_ITEM(both.get(), 0)));
  const py::Ref crossing = parts ? py::Ref::steal(PySequence_Tuple(PyList_GET_ITEM(both.get(), 1))) : py::Ref();
  if (!crossing) return false;
  parts_ = py::Ref::steal(PySequence_Concat(parts.get(), crossing.get()));
  return static_cast<bool>(parts_);
}

PyObject* PartsReader::attachment(std::size_t index) {
  if (index >= attachments_.size()) return corrupt();
  if (attached_.empty()) attached_.resize(attachments_.size());
  if (!attached_[index]) {
    py::Ref made = rebuild(runtime_, attachments_[index]);
    if (!attached_[index]) attached_[index] = std::move(made);
  }
  return Py_XNewRef(attached_[index].get());
}

PyObject* PartsReader::part(std::size_t index) const {
  if (!parts_ || index >= static_cast<std::size_t>(PyTuple_GET_SIZE(parts_.get()))) return corrupt();
  return Py_NewRef(PyTuple_GET_ITEM(parts_.get(), static_cast<Py_ssize_t>(index)));
}

PyObject* PartsReader::persistent_load(PyObject* capsule, PyObject* id) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    auto* const reader = static_cast<PartsReader*>(PyCapsule_GetContext(capsule));
    const std::size_t index = PyLong_AsSize_t(id);
    if (index == static_cast<std::size_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
    return reader == nullptr ? corrupt() : reader->attachment(index);
  });
}

}  // namespace aiointerpreters::codec
