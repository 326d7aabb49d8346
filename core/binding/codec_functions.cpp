// See codec_functions.h.
#include "binding/codec_functions.h"

#include <cstring>
#include <memory>
#include <utility>

#include "base/memory.h"
#include "binding/module_state.h"
#include "codec/attachment.h"
#include "codec/codec.h"
#include "codec/exporter.h"
#include "codec/message_bytes.h"
#include "codec/message_decoder.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

struct MessageObject {
  PyObject_HEAD
  codec::Message message;
};

codec::Message& message_of(PyObject* self) noexcept { return reinterpret_cast<MessageObject*>(self)->message; }

void message_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  std::destroy_at(&message_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* message_form(PyObject* self, void*) { return PyLong_FromLong(static_cast<long>(message_of(self).form)); }

PyObject* message_data(PyObject* self, void*) {
  const base::Bytes& bytes = message_of(self).bytes;
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()), static_cast<Py_ssize_t>(bytes.size()));
}

PyObject* message_attachments(PyObject* self, void*) {
  return PyLong_FromSize_t(codec::attachments_of(message_of(self)).size());
}

PyGetSetDef kMessageGetSet[] = {
    {"form", message_form, nullptr, "1: all of it is native; 2: there is a pickle in it; 3: there are instances of classes.",
     nullptr},
    {"data", message_data, nullptr, "Its bytes.", nullptr},
    {"attachments", message_attachments, nullptr, "The number of attachments beside the bytes.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kMessageSlots[] = {
    {Py_tp_doc, const_cast<char*>("A message from one interpreter to another. For tests and benchmarks.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(message_dealloc)},
    {Py_tp_getset, kMessageGetSet},
    {0, nullptr},
};

PyType_Spec kMessageSpec = {
    .name = "aiointerpreters._core.Message",
    .basicsize = sizeof(MessageObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kMessageSlots,
};

PyDoc_STRVAR(encode_doc,
             "encode($module, value, /)\n--\n\n"
             "Return the Message that carries `value` to another interpreter. For tests and benchmarks.\n\n"
             "Memoryviews are lent, as in the arguments of a call.\n\n"
             "Args:\n"
             "    value: Any object.\n\n"
             "Returns:\n"
             "    A Message.\n\n"
             "Raises:\n"
             "    NotTransferableError: The value cannot cross.");

PyObject* encode(PyObject* module, PyObject* value) {
  codec::Message message;
  ModuleState& state = state_of(module);
  state.runtime.lessor->take_back();
  if (!codec::encode_value(state.runtime, value, message, "result", codec::Views::kLend)) return nullptr;
  auto* const type = reinterpret_cast<PyTypeObject*>(state.message_type.get());
  PyObject* const self = type->tp_alloc(type, 0);
  if (self != nullptr) std::construct_at(&message_of(self), std::move(message));
  return self;
}

PyDoc_STRVAR(decode_doc,
             "decode($module, message, form=1, /)\n--\n\n"
             "Return the value in a message. For tests and benchmarks.\n\n"
             "Args:\n"
             "    message: A Message that `encode` has returned, or the `data` of a Message without attachments.\n"
             "    form: The `form` of that Message, if `message` is its data.\n\n"
             "Returns:\n"
             "    The value, a new object.\n\n"
             "Raises:\n"
             "    ValueError: The message is corrupt. A pickle in the message can raise any other exception.");

PyObject* decode(PyObject* module, PyObject* args) {
  PyObject* object = nullptr;
  auto form = static_cast<unsigned char>(codec::Message::Form::kNative);
  if (!PyArg_ParseTuple(args, "O|b:decode", &object, &form)) return nullptr;
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of(module);
    if (Py_IS_TYPE(object, reinterpret_cast<PyTypeObject*>(state.message_type.get()))) {
      return codec::decode_value(state.runtime, message_of(object)).release();
    }
    char* data = nullptr;
    Py_ssize_t length = 0;
    if (PyBytes_AsStringAndSize(object, &data, &length) < 0) return nullptr;
    // Copied to memory of exactly that size, so that sanitizers detect any read beyond the end.
    const auto size = static_cast<std::size_t>(length);
    const base::Memory copy = base::Memory::uninitialized(size);
    std::memcpy(copy.data(), data, size);
    const codec::MessageView message(copy.data(), size, static_cast<codec::Message::Form>(form), {});
    return codec::decode_value(state.runtime, message).release();
  });
}

PyDoc_STRVAR(encode_exception_doc,
             "encode_exception($module, exception, /)\n--\n\n"
             "Return the bytes that carry an exception to another process, as one that a call raises goes home.\n\n"
             "Its traceback is dropped. What cannot cross is left out, and a note says so. Never fails, unless there is no "
             "memory.");

PyObject* encode_exception(PyObject* module, PyObject* exception) {
  if (PyExceptionInstance_Check(exception) == 0) return PyErr_Format(PyExc_TypeError, "not an exception: %R", exception);
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    codec::Message message;
    message.stands_alone = true;
    PyErr_SetRaisedException(Py_NewRef(exception));
    codec::encode_exception(state_of(module).runtime, message);
    codec::Message none;
    return codec::pack_message(message, none).release();
  });
}

PyDoc_STRVAR(decode_exception_doc,
             "decode_exception($module, packed, /)\n--\n\n"
             "Return the exception in what `encode_exception` has returned, in this process or another one.\n\n"
             "Its innermost cause is a RemoteTraceback. If its class is not found here, it is an InterpreterError.");

PyObject* decode_exception(PyObject* module, PyObject* packed) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const auto view = codec::view_packed(packed, {});
    if (!view) return nullptr;
    codec::Message message;
    message.bytes.append(view->data, view->size);
    message.form = view->form;
    return codec::decode_exception(state_of(module).runtime, message).release();
  });
}

PyDoc_STRVAR(read_only_doc,
             "read_only($module, buffer, /)\n--\n\n"
             "Return a SharedBuffer of the same memory that refuses writes.");

PyObject* read_only(PyObject* module, PyObject* buffer) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const codec::Runtime& runtime = state_of(module).runtime;
    if (!codec::is_shared_buffer(runtime, buffer)) return PyErr_Format(PyExc_TypeError, "not a SharedBuffer: %R", buffer);
    codec::BlockView view = *codec::exported_view(runtime, buffer);
    view.geometry.readonly = true;
    return codec::make_shared_buffer(runtime, std::move(view)).release();
  });
}

PyMethodDef kCodecFunctions[] = {
    {"read_only", read_only, METH_O, read_only_doc},
    {"encode_exception", encode_exception, METH_O, encode_exception_doc},
    {"decode_exception", decode_exception, METH_O, decode_exception_doc},
    {"encode", encode, METH_O, encode_doc},
    {"decode", decode, METH_VARARGS, decode_doc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_codec_functions(PyObject* module) {
  py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(module, &kMessageSpec, nullptr));
  if (!type || PyModule_AddObjectRef(module, "Message", type.get()) < 0) return false;
  state_of(module).message_type = std::move(type);
  return PyModule_AddFunctions(module, kCodecFunctions) == 0;
}

}  // namespace aiointerpreters::binding
