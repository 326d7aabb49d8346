// See words.h.
#include "binding/words.h"

#include <utility>

#include "binding/log_call.h"
#include "binding/module.h"
#include "binding/record_fields.h"
#include "binding/waiting.h"
#include "codec/array_memory.h"
#include "codec/codec.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

using Kind = pool::Word::Kind;

// ---- Home's side

// The object of a part of a word: None if there is none, or if it cannot be rebuilt, which is reported. Null with an
// exception set that the thread has to raise.
py::Ref decode_part(codec::Runtime& runtime, const codec::Message* part, bool is_exception) {
  if (part == nullptr) return py::Ref::borrow(Py_None);
  py::Ref object = is_exception ? codec::decode_exception(runtime, *part) : codec::decode_value(runtime, *part);
  if (object || PyErr_ExceptionMatches(PyExc_Exception) == 0) return object;
  PyErr_WriteUnraisable(nullptr);
  return py::Ref::borrow(Py_None);
}

bool handle_decoded(const pool::Word& word) {
  ModuleState* const state = find_state();
  if (state == nullptr) return false;
  codec::Runtime& runtime = state->runtime;
  const py::Ref content = codec::decode_value(runtime, word.content);
  const py::Ref extra = content ? decode_part(runtime, word.extra.get(), false) : py::Ref();
  const py::Ref exception = extra ? decode_part(runtime, word.exception.get(), true) : py::Ref();
  const py::Ref python_half = exception ? py::Ref::steal(PyImport_ImportModule("aiointerpreters._words_home")) : py::Ref();
  return python_half && py::Ref::steal(PyObject_CallMethod(python_half.get(), "handle", "iOOO", static_cast<int>(word.kind),
                                                           content.get(), extra.get(), exception.get()));
}

bool handle_word(const pool::Word& word) {
  if (py::guarded(false, [&] { return handle_decoded(word); })) return true;
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return false;
  PyErr_WriteUnraisable(nullptr);
  return true;
}

// ---- The side of a worker, or of home for a process

// Writes a dict of attributes. Values that cannot cross are replaced by their repr.
bool encode_extra(codec::Runtime& runtime, PyObject* extra, codec::Message& out) {
  if (codec::encode_value(runtime, extra, out)) return true;
  if (!py::clear_ordinary_exception()) return false;
  const py::Ref items = py::Ref::steal(PyDict_Items(extra));
  const py::Ref safe = items ? py::Ref::steal(PyDict_New()) : py::Ref();
  if (!safe) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const key = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 0);
    py::Ref value = py::Ref::borrow(PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 1));
    codec::Message alone;
    if (!codec::encode_value(runtime, value.get(), alone)) {
      if (!py::clear_ordinary_exception()) return false;
      value = py::Ref::steal(PyObject_Repr(value.get()));
    }
    if (!value && !py::clear_ordinary_exception()) return false;
    if (value && PyDict_SetItem(safe.get(), key, value.get()) < 0) return false;
  }
  out.clear();
  return codec::encode_value(runtime, safe.get(), out);
}

void settle(const codec::Runtime& runtime, codec::Message& message) {
  if (codec::has_own_memory(message)) codec::settle_own_memory(runtime, message);
}

// Posts the word that the arguments describe.
PyObject* post(codec::Runtime& runtime, PyObject* args, const std::shared_ptr<pool::Relay>& relay) {
  int kind = 0;
  PyObject* content = nullptr;
  PyObject* extra = Py_None;
  PyObject* exception = Py_None;
  if (!PyArg_ParseTuple(args, "iO!|OO:post_word", &kind, &PyTuple_Type, &content, &extra, &exception)) return nullptr;
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (!relay) return PyErr_Format(PyExc_RuntimeError, "this interpreter has no way to post words to another one");
    auto word = std::make_unique<pool::Word>();
    word->kind = static_cast<Kind>(kind);
    if (!codec::encode_value(runtime, content, word->content)) return nullptr;
    if (PyDict_Check(extra) && PyDict_GET_SIZE(extra) > 0) {
      word->extra = std::make_unique<codec::Message>();
      if (!encode_extra(runtime, extra, *word->extra)) return nullptr;
      settle(runtime, *word->extra);
    }
    if (PyExceptionInstance_Check(exception)) {
      word->exception = std::make_unique<codec::Message>();
      PyErr_SetRaisedException(Py_NewRef(exception));
      codec::encode_exception(runtime, *word->exception);
      settle(runtime, *word->exception);
    }
    relay->post(std::move(word));
    Py_RETURN_NONE;
  });
}

PyObject* post_word(PyObject* module, PyObject* args) {
  codec::Runtime& runtime = state_of(module).runtime;
  return post(runtime, args, runtime.relay);
}

PyObject* pass_word(PyObject* module, PyObject* args) {
  ModuleState& home = state_of(module);
  return py::guarded<PyObject*>(nullptr, [&] { return post(home.runtime, args, relay_of(home)); });
}

PyObject* home_version(PyObject* module, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& home = state_of(module);
    if (!home.environment.refresh(home.runtime)) return nullptr;
    return PyLong_FromUnsignedLongLong(home.environment.current()->version);
  });
}

PyObject* home_settings(PyObject* module, PyObject* follow) {
  codec::Runtime& runtime = state_of(module).runtime;
  runtime.follow_settings = py::Ref::borrow(follow);
  return runtime.home_settings ? py::Ref::borrow(runtime.home_settings.get()).release() : PyDict_New();
}

PyObject* log_call_of(PyObject* module, PyObject* logging) {
  return py::guarded<PyObject*>(nullptr, [&] { return make_log_call(module, state_of(module).runtime, logging).release(); });
}

PyObject* record_fields(PyObject*, PyObject*) {
  py::Ref fields = py::Ref::steal(PyTuple_New(kRecordFields.size()));
  for (std::size_t i = 0; fields && i < kRecordFields.size(); ++i) {
    PyObject* const name = PyUnicode_InternFromString(kRecordFields[i]);
    if (name == nullptr) return nullptr;
    PyTuple_SET_ITEM(fields.get(), static_cast<Py_ssize_t>(i), name);
  }
  return fields.release();
}

PyMethodDef kWordsFunctions[] = {
    {"record_fields", record_fields, METH_NOARGS,
     "record_fields()\n--\n\nReturn the names of the parts of a log record, in the order in which a word has them."},
    {"post_word", post_word, METH_VARARGS,
     "post_word($module, kind, content, extra=None, exception=None, /)\n--\n\n"
     "Send a word of this worker to the interpreter that has created it.\n\n"
     "Args:\n"
     "    kind: 0: a log record, 1: a warning, 2: output.\n"
     "    content: A tuple that can cross.\n"
     "    extra: A dict of attributes. Values that cannot cross are replaced by their repr.\n"
     "    exception: An exception, or None."},
    {"pass_word", pass_word, METH_VARARGS,
     "pass_word($module, kind, content, extra=None, exception=None, /)\n--\n\n"
     "Have a word of another process handled here, in its turn. The arguments are those of `post_word`."},
    {"home_version", home_version, METH_NOARGS,
     "home_version()\n--\n\n"
     "Return a number that changes with what workers follow: os.environ, levels of loggers, warning filters. For home."},
    {"home_settings", home_settings, METH_O,
     "home_settings($module, follow, /)\n--\n\n"
     "Return home's levels and filters, and have `follow` called with them when they change. For workers."},
    {"log_call", log_call_of, METH_O,
     "log_call($module, logging, /)\n--\n\n"
     "Return a replacement for Logger._log of the module `logging` that sends ordinary records home. For workers."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

const std::shared_ptr<pool::Relay>& relay_of(ModuleState& home) {
  if (!home.relay) home.relay = std::make_shared<pool::Relay>(home.runtime.lessor, handle_word, log_warning);
  return home.relay;
}

bool wait_for_words(ModuleState& home, pool::Relay& relay) {
  relay.close();
  const auto wait = [&](const base::Deadline& deadline) { relay.wait_for_thread(deadline); };
  return wait_at_home(home, base::Deadline(), wait, [&] { return !relay.has_thread(); }) == Waited::kDone;
}

bool finish_words(ModuleState& home) {
  const std::shared_ptr<pool::Relay> relay = home.relay;
  return !relay || (wait_for_words(home, *relay) && hear(home));
}

bool add_words_functions(PyObject* module) { return PyModule_AddFunctions(module, kWordsFunctions) == 0; }

}  // namespace aiointerpreters::binding
