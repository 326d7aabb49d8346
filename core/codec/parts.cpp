// See parts.h.
#include "codec/parts.h"

#include <cstdint>

#include "codec/exporter.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

Py_ssize_t size_of_container(PyObject* container) {
  if (PyList_CheckExact(container)) return PyList_GET_SIZE(container);
  return PyDict_CheckExact(container) ? PyDict_GET_SIZE(container) : PySet_GET_SIZE(container);
}

std::size_t size_of_str(PyObject* str) {
  return static_cast<std::size_t>(PyUnicode_GET_LENGTH(str)) * static_cast<std::size_t>(PyUnicode_KIND(str));
}

// Whether an object's content is so large that it is not copied into the message.
bool is_large(PyObject* object) {
  std::size_t size = 0;
  if (PyUnicode_CheckExact(object)) {
    size = size_of_str(object);
  } else if (PyBytes_CheckExact(object)) {
    size = static_cast<std::size_t>(PyBytes_GET_SIZE(object));
  } else if (PyPickleBuffer_Check(object)) {
    const Py_buffer* const buffer = PyPickleBuffer_GetBuffer(object);
    PyErr_Clear();  // pickle says what is wrong with it
    size = buffer == nullptr ? 0 : static_cast<std::size_t>(buffer->len);
  }
  return size >= kHeldMin;
}

bool has_no_identity(PyTypeObject* type) noexcept {
  return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type || type == Py_TYPE(Py_None);
}

}  // namespace

std::size_t Parts::attach(PyObject* object) {
  const std::size_t known = attached_.find(object);
  if (known != Memo::kNew) return first_attachment_ + known;
  Attachment attachment;
  if (!attach_new(object, attachment)) {
    PyErr_Clear();
    return kNone;
  }
  kept_.push_back(py::Ref::borrow(object));
  attachments_in(out_).push_back(std::move(attachment));
  static_cast<void>(attached_.find_or_add(object));
  return first_attachment_ + attached_.size() - 1;
}

bool Parts::attach_new(PyObject* object, Attachment& out) {
  if (PyUnicode_CheckExact(object)) return attach_str(runtime_, object, out);
  if (PyBytes_CheckExact(object)) return attach_bytes(runtime_, object, out);
  if (is_shared_buffer(runtime_, object)) {
    out = WholeBuffer{*exported_view(runtime_, object)};
    return true;
  }
  return (PyMemoryView_Check(object) || PyPickleBuffer_Check(object)) && attach_view(runtime_, object, views_, out);
}

std::size_t Parts::add(PyObject* object) {
  const std::size_t known = parts_.find(object);
  if (known != Memo::kNew) return known;
  if (!part_list_) part_list_ = py::Ref::steal(PyList_New(0));
  if (!part_list_ || PyList_Append(part_list_.get(), object) < 0) return kNone;
  static_cast<void>(parts_.find_or_add(object));
  return parts_.size() - 1;
}

void Parts::watch(PyObject* container) {
  if (!PyTuple_CheckExact(container) && !PyFrozenSet_CheckExact(container)) {
    watched_.push_back({py::Ref::borrow(container), size_of_container(container)});
  }
}

void Parts::begin() {
  open_ = true;
  parts_.clear();
  crossing_.clear();
  seen_.clear();
  watched_.clear();
  part_list_.reset();
  pickle_ = {};
}

bool Parts::rule() {
  const std::size_t before = ruled_.size();
  for (const Watched& watched : watched_) {
    PyObject* const container = watched.container.get();
    if (crossing_.find(container) == Memo::kNew || ruled_.find_or_add(container) != Memo::kNew) continue;
    kept_.push_back(py::Ref::borrow(container));
  }
  return ruled_.size() != before;
}

bool Parts::pickle(const Memo& written, ByValue by_value) {
  crossing_list_ = py::Ref::steal(PyList_New(0));
  // The second list is filled while the first one is pickled, and pickled after it: references to what stands there already.
  const py::Ref both =
      crossing_list_ ? py::Ref::steal(Py_BuildValue("[OO]", part_list_.get(), crossing_list_.get())) : py::Ref();
  static PyMethodDef definition = {"persistent_id", persistent_id, METH_O, nullptr};
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(this, nullptr, nullptr));
  const py::Ref callback = capsule ? py::Ref::steal(PyCFunction_New(&definition, capsule.get())) : py::Ref();
  if (!both || !callback || PyCapsule_SetContext(capsule.get(), this) < 0) return false;
  written_ = &written;
  pickled_parts_ = parts_.size();
  pickle_ = codec::pickle(runtime_, both.get(), callback.get(), by_value);
  PyCapsule_SetContext(capsule.get(), nullptr);  // whoever has kept the pickler
  return static_cast<bool>(pickle_.content);
}

bool Parts::unchanged() const {
  for (const Watched& watched : watched_) {
    PyObject* const container = watched.container.get();
    if (size_of_container(container) == watched.size) continue;
    const char* const name = PyDict_CheckExact(container) ? "dictionary" : Py_TYPE(container)->tp_name;
    PyErr_Format(PyExc_RuntimeError, "%s changed size during iteration", name);
    return false;
  }
  return true;
}

bool Parts::append_pickle() {
  if (parts_.size() != pickled_parts_) {
    PyErr_SetString(PyExc_RuntimeError, "a container changed during iteration");
    return false;
  }
  Py_buffer content;
  if (PyObject_GetBuffer(pickle_.content.get(), &content, PyBUF_SIMPLE) < 0) return false;
  const std::uint64_t native = out_.bytes.size();
  const bool appended = py::guarded(false, [&] {
    out_.bytes.append(content.buf, static_cast<std::size_t>(content.len));
    out_.bytes.append(&native, sizeof native);
    return true;
  });
  PyBuffer_Release(&content);
  out_.needs_main = out_.needs_main || pickle_.needs_main;
  return appended;
}

PyObject* Parts::persistent_id(PyObject* capsule, PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    auto* const parts = static_cast<Parts*>(PyCapsule_GetContext(capsule));
    if (parts != nullptr) return parts->identify(object);
    PyErr_SetString(PyExc_RuntimeError, "the message of this pickler is complete");
    return nullptr;
  });
}

PyObject* Parts::identify(PyObject* object) {
  if (has_no_identity(Py_TYPE(object))) Py_RETURN_NONE;
  const bool is_view = PyMemoryView_Check(object) != 0;
  if (is_view || is_large(object) || is_shared_buffer(runtime_, object)) {
    const std::size_t index = attach(object);
    if (index != kNone) return PyLong_FromSize_t(index);
    if (is_view) {
      PyErr_SetString(PyExc_ValueError, "a memoryview that has been released, or cannot be lent");
      return nullptr;
    }
  } else if (is_queue(object) && attached_.find(object) == Memo::kNew) {
    QueuePtr held = HeldQueue::of(object, *runtime_.lessor);
    if (!held) return nullptr;
    kept_.push_back(py::Ref::borrow(object));
    attachments_in(out_).push_back(std::move(held));
    static_cast<void>(attached_.find_or_add(object));
  }
  const bool is_written = written_->find(object) != Memo::kNew || seen_.find(object) != Memo::kNew;
  if (is_written && !cross_over(object)) return nullptr;
  Py_RETURN_NONE;
}

bool Parts::cross_over(PyObject* object) {
  if (crossing_.find(object) != Memo::kNew) return true;
  if (PyList_Append(crossing_list_.get(), object) < 0) return false;
  static_cast<void>(crossing_.find_or_add(object));
  return true;
}

}  // namespace aiointerpreters::codec
