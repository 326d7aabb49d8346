// See parts_reader.h.
#include "codec/parts_reader.h"

#include <optional>
#include <utility>

#include "codec/corrupt.h"
#include "codec/pickling.h"
#include "py/callback.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

PyObject* corrupt() { return corrupt_message(), nullptr; }

py::Ref unpickle_with_stand_ins(const unsigned char* data, std::size_t size, PyObject* persistent_load) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._refusals"));
  if (!module) return {};
  return py::Ref::steal(PyObject_CallMethod(module.get(), "unpickle", "y#O", reinterpret_cast<const char*>(data),
                                            static_cast<Py_ssize_t>(size),
                                            persistent_load == nullptr ? Py_None : persistent_load));
}

}  // namespace

bool PartsReader::unpickle(const unsigned char* data, std::size_t size, StandIns stand_ins) {
  static PyMethodDef definition = {"persistent_load", persistent_load, METH_O, nullptr};
  std::optional<py::Callback<PartsReader>> callback;  // without attachments there are no persistent ids
  if (!attachments_.empty()) {
    callback.emplace(definition, this);
    if (callback->get() == nullptr) return false;
  }
  PyObject* const load = callback ? callback->get() : nullptr;
  const py::Ref both =
      stand_ins == StandIns::kNone ? codec::unpickle(runtime_, data, size, load) : unpickle_with_stand_ins(data, size, load);
  if (!both) return false;
  if (!PyList_CheckExact(both.get()) || PyList_GET_SIZE(both.get()) != 2) return corrupt_message();
  parts_ = py::Ref::borrow(PyList_GET_ITEM(both.get(), 0));
  crossing_ = py::Ref::borrow(PyList_GET_ITEM(both.get(), 1));
  return (PyList_CheckExact(parts_.get()) && PyList_CheckExact(crossing_.get())) || corrupt_message();
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
  if (!parts_) return corrupt();
  PyObject* list = parts_.get();
  auto at = static_cast<Py_ssize_t>(index);
  if (at >= PyList_GET_SIZE(list)) {
    at -= PyList_GET_SIZE(list);
    list = crossing_.get();
  }
  return at >= 0 && at < PyList_GET_SIZE(list) ? Py_NewRef(PyList_GET_ITEM(list, at)) : corrupt();
}

PyObject* PartsReader::persistent_load(PyObject* capsule, PyObject* id) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    PartsReader* const reader = py::Callback<PartsReader>::target(capsule);
    if (reader == nullptr) return nullptr;
    const std::size_t index = PyLong_AsSize_t(id);
    if (index == static_cast<std::size_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
    return reader->attachment(index);
  });
}

}  // namespace aiointerpreters::codec
