// See exception_parts.h.
#include "codec/exception_parts.h"

#include <cstring>
#include <utility>

#include "codec/message.h"
#include "py/error.h"
#include "py/text.h"

namespace aiointerpreters::codec {

namespace {

bool append_text(PyObject* list, const std::string& text) {
  const py::Ref str = py::Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  return str && PyList_Append(list, str.get()) == 0;
}

// Takes the error that is set and returns the text for a note.
std::string reason_of_error(Runtime& runtime, const std::string& root) {
  const py::Ref error = py::take_exception();
  std::string reason = py::utf8_of(exact_text(error.get(), "").get());
  PyErr_Clear();
  if (error && PyErr_GivenExceptionMatches(error.get(), runtime.not_transferable_error.get()) != 0) return reason;
  return root + ": " + (error ? Py_TYPE(error.get())->tp_name : "error") + ": " + reason;
}

bool is_leaf(PyObject* value) noexcept {
  return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
         PyBool_Check(value) || PyBytes_CheckExact(value);
}

py::Ref pack_args(Runtime& runtime, py::Ref& args, PyObject* lost, Message& outer) {
  const Py_ssize_t count = PyTuple_GET_SIZE(args.get());
  py::Ref copy = py::Ref::steal(PyTuple_New(count));
  py::Ref pieces = py::Ref::steal(PyTuple_New(count));
  if (!copy || !pieces) return {};
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const arg = PyTuple_GET_ITEM(args.get(), i);
    const std::string root = "args[" + std::to_string(i) + "]";
    py::Ref stands_for = py::Ref::borrow(arg);
    py::Ref piece = pack(runtime, arg, root.c_str(), outer);
    if (!piece) {
      // str(exception) shows a single argument as its str, so the lost argument gets a str instead of a repr.
      const bool is_single = count == 1;
      const char* const what = is_single ? "; its text is used instead" : "; its repr is used instead";
      if (!append_text(lost, reason_of_error(runtime, root) + what)) return {};
      const py::Ref shown = py::Ref::steal(is_single ? PyObject_Str(arg) : PyObject_Repr(arg));
      stands_for = exact_text(shown.get(), is_single ? "<str() failed>" : "<repr() failed>");
      piece = stands_for ? pack(runtime, stands_for.get(), nullptr, outer) : py::Ref();
      if (!piece) return {};
    }
    PyTuple_SET_ITEM(copy.get(), i, stands_for.release());
    PyTuple_SET_ITEM(pieces.get(), i, piece.release());
  }
  args = std::move(copy);
  return pieces;
}

py::Ref pack_attributes(Runtime& runtime, py::Ref& attributes, PyObject* lost, Message& outer) {
  const py::Ref items = py::Ref::steal(PyDict_Items(attributes.get()));
  py::Ref copy = py::Ref::steal(PyDict_New());
  py::Ref pieces = py::Ref::steal(PyDict_New());
  if (!items || !copy || !pieces) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 0);
    PyObject* const value = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 1);
    const std::string root = "attribute '" + py::utf8_of(exact_text(name, "?").get()) + "'";
    const py::Ref piece = PyUnicode_CheckExact(name) ? pack(runtime, value, root.c_str(), outer) : py::Ref();
    if (piece) {
      if (PyDict_SetItem(copy.get(), name, value) < 0 || PyDict_SetItem(pieces.get(), name, piece.get()) < 0) return {};
    } else if (!append_text(lost, reason_of_error(runtime, root) + "; it was left out")) {
      return {};
    }
  }
  attributes = std::move(copy);
  return pieces;
}

}  // namespace

py::Ref exact_text(PyObject* object, const char* instead) {
  py::Ref text = object == nullptr ? py::Ref() : py::Ref::steal(PyObject_Str(object));
  PyErr_Clear();
  if (text && !PyUnicode_CheckExact(text.get())) text = py::Ref::steal(PyUnicode_FromObject(text.get()));
  if (!text) {
    PyErr_Clear();
    text = py::Ref::steal(PyUnicode_DecodeUTF8(instead, static_cast<Py_ssize_t>(std::strlen(instead)), "replace"));
  }
  return text;
}

py::Ref tuple_of(const ExceptionParts& parts) {
  py::Ref tuple = py::Ref::steal(PyTuple_New(kParts));
  for (int part = 0; tuple && part < kParts; ++part) {
    PyTuple_SET_ITEM(tuple.get(), part, Py_NewRef(parts[static_cast<std::size_t>(part)].get()));
  }
  return tuple;
}

bool has_only_leaves(const ExceptionParts& parts) noexcept {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parts[kArgs].get()); ++i) {
    if (!is_leaf(PyTuple_GET_ITEM(parts[kArgs].get(), i))) return false;
  }
  for (std::size_t part = kState; part < kParts; ++part) {
    PyObject* key;
    PyObject* value;
    Py_ssize_t position = 0;
    while (PyDict_Next(parts[part].get(), &position, &key, &value) != 0) {
      if (!PyUnicode_CheckExact(key) || !is_leaf(value)) return false;
    }
  }
  return true;
}

bool is_native(const py::Ref& packed) {
  return packed && PyBytes_Check(packed.get()) && PyBytes_GET_SIZE(packed.get()) != 0 &&
         PyBytes_AS_STRING(packed.get())[0] == static_cast<char>(Message::Form::kNative);
}

py::Ref pack_pieces(Runtime& runtime, ExceptionParts& parts, PyObject* lost, Message& outer) {
  const py::Ref unwanted = py::Ref::steal(PyList_New(0));
  if (!unwanted) return {};
  ExceptionParts pieces;
  pieces[kArgs] = pack_args(runtime, parts[kArgs], lost, outer);
  pieces[kState] = pack_attributes(runtime, parts[kState], lost, outer);
  pieces[kFields] = pack_attributes(runtime, parts[kFields], lost, outer);
  pieces[kRest] = pack_attributes(runtime, parts[kRest], unwanted.get(), outer);
  for (const py::Ref& piece : pieces) {
    if (!piece) return {};
  }
  return tuple_of(pieces);
}

}  // namespace aiointerpreters::codec
