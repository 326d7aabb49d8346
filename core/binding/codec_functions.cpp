// `_core.encode` and `_core.decode`; see codec_functions.h. A message as bytes starts with a byte for its form.
#include "binding/codec_functions.h"

#include "binding/module_state.h"
#include "codec/codec.h"
#include "codec/message_bytes.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

PyDoc_STRVAR(
    encode_doc,
    "encode($module, value, /)\n--\n\n"
    "Return the message that carries `value` to another interpreter, as bytes. The first byte is its form: 1 if it is\n"
    "in the native format, 2 if it is a pickle. For tests and benchmarks.\n\n"
    "Raises NotTransferableError if the value cannot cross.");

PyObject* encode(PyObject* module, PyObject* value) {
  codec::Message message;
  if (!codec::encode_value(state_of(module).runtime, value, message)) return nullptr;
  return codec::message_to_bytes(message).release();
}

PyDoc_STRVAR(decode_doc,
             "decode($module, data, /)\n--\n\n"
             "Return the value in `data`, bytes that `encode` returned. For tests and benchmarks.\n\n"
             "Raises ValueError if the message is corrupt; a pickle in it may raise anything.");

PyObject* decode(PyObject* module, PyObject* data) {
  return py::guarded(static_cast<PyObject*>(nullptr), [&]() -> PyObject* {
    codec::Message message;
    if (!codec::message_from_bytes(data, message)) return nullptr;
    return codec::decode_value(state_of(module).runtime, message).release();
  });
}

PyMethodDef functions[] = {
    {"encode", encode, METH_O, encode_doc},
    {"decode", decode, METH_O, decode_doc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_codec_functions(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace aiointerpreters::binding
