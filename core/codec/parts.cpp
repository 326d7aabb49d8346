// See parts.h.
#include "codec/parts.h"

#include <cstdint>
#include <optional>

#include "codec/arrow_stream.h"
#include "codec/exporter.h"
#include "codec/shared_types.h"
#include "py/callback.h"
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
    PyErr_Clear();  // pickle will report the error
    size = buffer == nullptr ? 0 : static_cast<std::size_t>(buffer->len);
  }
  return size >= kHeldMin;
}

bool has_no_identity(PyTypeObject* type) noexcept {
  return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type || type == Py_TYPE(Py_None);
}

// Since 3.14, pickling adds notes to its exception that say where it was. The last ones are about our two lists, and are
// removed.
void drop_own_notes() {
  py::Ref error = py::take_exception();
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("__notes__"));
  py::Ref notes;
  if (error && name && PyObject_GetOptionalAttr(error.get(), name.get(), notes.out()) == 1 && PyList_Check(notes.get())) {
    const py::Ref own = py::Ref::steal(PyUnicode_FromString("when serializing list item "));
    for (int i = 0; own && i < 2 && PyList_GET_SIZE(notes.get()) > 0; ++i) {
      const Py_ssize_t last = PyList_GET_SIZE(notes.get()) - 1;
      PyObject* const note = PyList_GET_ITEM(notes.get(), last);
      if (!PyUnicode_Check(note) || PyUnicode_Tailmatch(note, own.get(), 0, PY_SSIZE_T_MAX, -1) != 1) break;
      PyList_SetSlice(notes.get(), last, last + 1, nullptr);
    }
  }
  PyErr_Clear();
  py::restore_exception(std::move(error));
}

}  // namespace

Parts::Tables& Parts::tables() {
  if (!tables_) {
    tables_ = std::make_unique<Tables>();
    tables_->first_attachment = attachments_of(out_).size();
  }
  return *tables_;
}

std::size_t Parts::attach(PyObject* object) {
  if (views_ == Views::kNone) return kNone;
  const std::size_t known = tables().attached.find(object);
  if (known != Memo::kNew) return tables_->first_attachment + known;
  Attachment attachment;
  if (!attach_new(object, attachment)) {
    PyErr_Clear();
    return kNone;
  }
  tables_->kept.push_back(py::Ref::borrow(object));
  attachments_in(out_).push_back(std::move(attachment));
  static_cast<void>(tables_->attached.find_or_add(object));
  return tables_->first_attachment + tables_->attached.size() - 1;
}

bool Parts::attach_new(PyObject* object, Attachment& out) {
  if (PyUnicode_CheckExact(object)) return attach_str(runtime_, object, out);
  if (PyBytes_CheckExact(object)) return attach_bytes(runtime_, object, out);
  if (is_shared_buffer(runtime_, object)) {
    out = WholeBuffer{*exported_view(runtime_, object)};
    return true;
  }
  if (table_of(runtime_, object) != nullptr) return attach_columns(runtime_, object, views_, out);
  return (PyMemoryView_Check(object) || PyPickleBuffer_Check(object)) && attach_view(runtime_, object, views_, out);
}

std::size_t Parts::add(PyObject* object) {
  const std::size_t known = tables_->parts.find(object);
  if (known != Memo::kNew) return known;
  if (!tables_->part_list || PyList_Append(tables_->part_list.get(), object) < 0) return kNone;
  static_cast<void>(tables_->parts.find_or_add(object));
  return tables_->parts.size() - 1;
}

void Parts::watch(PyObject* container) {
  if (!PyTuple_CheckExact(container) && !PyFrozenSet_CheckExact(container)) {
    tables_->watched.push_back({py::Ref::borrow(container), size_of_container(container)});
  }
}

void Parts::begin() {
  open_ = true;
  Tables& all = tables();
  all.parts.clear();
  all.crossing.clear();
  all.seen.clear();
  all.watched.clear();
  all.part_list = py::Ref::steal(PyList_New(0));
  all.pickle = {};
}

bool Parts::rule_cycles() {
  const std::size_t before = tables_->ruled.size();
  for (const Watched& watched : tables_->watched) {
    PyObject* const container = watched.container.get();
    if (tables_->crossing.find(container) == Memo::kNew || tables_->ruled.find_or_add(container) != Memo::kNew) continue;
    tables_->kept.push_back(py::Ref::borrow(container));
  }
  return tables_->ruled.size() != before;
}

bool Parts::pickle(const Memo& written, ByValue by_value) {
  if (!tables_->part_list) return false;  // no memory
  tables_->crossing_list = py::Ref::steal(PyList_New(0));
  // The second list is filled while the first one is being pickled. It is pickled after it, as references to objects in the
  // first one.
  const py::Ref both = tables_->crossing_list
                           ? py::Ref::steal(Py_BuildValue("[OO]", tables_->part_list.get(), tables_->crossing_list.get()))
                           : py::Ref();
  static PyMethodDef definition = {"persistent_id", persistent_id, METH_O, nullptr};
  const py::Callback<Parts> callback(definition, this);
  static PyMethodDef reduce_definition = {"reduce", reduce, METH_O, nullptr};
  std::optional<py::Callback<Parts>> reduce_callback;
  py::Ref reductions;
  if (knows_shared_types(runtime_)) {
    reduce_callback.emplace(reduce_definition, this);
    reductions = py::Ref::steal(PyDict_New());
    if (!reductions || reduce_callback->get() == nullptr ||
        !add_shared_types(runtime_, reductions.get(), reduce_callback->get())) {
      return false;
    }
  }
  if (!both || callback.get() == nullptr) return false;
  tables_->written = &written;
  tables_->seen.close();
  tables_->pickled_parts = tables_->parts.size();
  tables_->pickle = codec::pickle(runtime_, both.get(), callback.get(), reductions.get(), by_value);
  if (tables_->pickle.content) return true;
  drop_own_notes();
  return false;
}

bool Parts::dominate(const Memo& written) const noexcept {
  constexpr std::size_t kMany = 16;  // with fewer parts it matters little
  const std::size_t parts = tables_->parts.size();
  return parts >= kMany && 2 * parts >= written.size() + tables_->seen.size();
}

void Parts::rule(PyObject* root) {
  tables_->kept.push_back(py::Ref::borrow(root));
  static_cast<void>(tables_->ruled.find_or_add(root));
}

void Parts::rule_nothing() { tables_->ruled.clear(); }

bool Parts::pickle_plainly() {
  const py::Ref both = py::Ref::steal(Py_BuildValue("[O[]]", tables_->part_list.get()));
  if (!both) return false;
  tables_->pickled_parts = tables_->parts.size();
  tables_->pickle = codec::pickle_unless_attached(runtime_, both.get());
  if (tables_->pickle.content && !tables_->pickle.has_large) return true;
  if (PyErr_Occurred() != nullptr && PyErr_ExceptionMatches(PyExc_Exception) != 0) PyErr_Clear();
  return false;
}

bool Parts::unchanged() const {
  for (const Watched& watched : tables_->watched) {
    PyObject* const container = watched.container.get();
    if (size_of_container(container) == watched.size) continue;
    const char* const name = PyDict_CheckExact(container) ? "dictionary" : Py_TYPE(container)->tp_name;
    PyErr_Format(PyExc_RuntimeError, "%s changed size during iteration", name);
    return false;
  }
  return true;
}

bool Parts::append_pickle() {
  if (tables_->parts.size() != tables_->pickled_parts) {
    PyErr_SetString(PyExc_RuntimeError, "a container changed size during iteration");
    return false;
  }
  Py_buffer content;
  if (PyObject_GetBuffer(tables_->pickle.content.get(), &content, PyBUF_SIMPLE) < 0) return false;
  const std::uint64_t native = out_.bytes.size();
  const bool appended = py::guarded(false, [&] {
    out_.bytes.append(content.buf, static_cast<std::size_t>(content.len));
    out_.bytes.append(&native, sizeof native);
    return true;
  });
  PyBuffer_Release(&content);
  out_.needs_main = out_.needs_main || tables_->pickle.needs_main;
  return appended;
}

PyObject* Parts::persistent_id(PyObject* capsule, PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Parts* const parts = py::Callback<Parts>::target(capsule);
    return parts == nullptr ? nullptr : parts->identify(object);
  });
}

PyObject* Parts::reduce(PyObject* capsule, PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Parts* const parts = py::Callback<Parts>::target(capsule);
    return parts == nullptr ? nullptr : parts->reduce_once(object).release();
  });
}

py::Ref Parts::reduce_once(PyObject* object) {
  const std::size_t known = tables_->reduced.find(object);
  if (known != Memo::kNew) return py::Ref::borrow(tables_->reductions[known].get());
  py::Ref reduction = reduce_shared(runtime_, object, views_);
  if (!reduction) return {};
  tables_->kept.push_back(py::Ref::borrow(object));
  tables_->reductions.push_back(py::Ref::borrow(reduction.get()));
  static_cast<void>(tables_->reduced.find_or_add(object));
  return reduction;
}

PyObject* Parts::identify(PyObject* object) {
  if (has_no_identity(Py_TYPE(object))) Py_RETURN_NONE;
  const bool is_columns = table_of(runtime_, object) != nullptr;
  const bool is_view = is_columns || PyMemoryView_Check(object) != 0;
  if (is_view || is_large(object) || is_shared_buffer(runtime_, object)) {
    const std::size_t index = attach(object);
    if (index != kNone) return PyLong_FromSize_t(index);
    if (is_view) {
      PyErr_SetString(PyExc_ValueError,
                      is_columns ? "its columns cannot be shared" : "it has been released, or its memory cannot be shared");
      return nullptr;
    }
  } else if (is_queue(object) && tables_->attached.find(object) == Memo::kNew) {
    if (views_ == Views::kNone) return PyErr_Format(PyExc_ValueError, "a queue of interpreters cannot leave the process");
    QueuePtr held = HeldQueue::of(object, *runtime_.lessor);
    if (!held) return nullptr;
    tables_->kept.push_back(py::Ref::borrow(object));
    attachments_in(out_).emplace_back(std::move(held));
    static_cast<void>(tables_->attached.find_or_add(object));
  }
  const bool is_written = tables_->written->find(object) != Memo::kNew || tables_->seen.contains(object);
  if (is_written && !cross_over(object)) return nullptr;
  Py_RETURN_NONE;
}

bool Parts::cross_over(PyObject* object) {
  if (tables_->crossing.find(object) != Memo::kNew) return true;
  if (PyList_Append(tables_->crossing_list.get(), object) < 0) return false;
  static_cast<void>(tables_->crossing.find_or_add(object));
  return true;
}

}  // namespace aiointerpreters::codec
