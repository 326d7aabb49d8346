// See decoder_target.h.
#include "decoder_target.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <utility>

#include "binding/module.h"
#include "codec/attachment.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "memory_checks.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::fuzz {

namespace {

using codec::Message;

// Shows the Python exception that is set, if any, and ends the process.
[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "fuzz target: %s\n", what);
  if (PyErr_Occurred() != nullptr) PyErr_Print();
  std::fflush(nullptr);
  std::abort();
}

// Clears the exception that is set. It must be one of these.
void expect(std::initializer_list<PyObject*> errors, const char* otherwise) {
  for (PyObject* const error : errors) {
    if (PyErr_ExceptionMatches(error) == 0) continue;
    PyErr_Clear();
    return;
  }
  fail(otherwise);
}

void expect_refusal() {
  expect({PyExc_ValueError, PyExc_TypeError, PyExc_RecursionError, PyExc_MemoryError, PyExc_OverflowError},
         "decoding ended with another error than those it may end with");
}

void expect_exhaustion(const char* otherwise) { expect({PyExc_MemoryError, PyExc_RecursionError}, otherwise); }

class Target {
 public:
  // `carried`: a mixed message with attachments. Inputs may refer to these and to objects in its pickle. `layouts`: the end
  // of a message with instances, as bytes.
  Target(codec::Runtime& runtime, Message carried, py::Ref layouts)
      : runtime_(runtime), carried_(std::move(carried)), layouts_(std::move(layouts)) {
    static PyMethodDef definition = {"encode_arguments",
                                     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(encode_arguments)),
                                     METH_FASTCALL | METH_KEYWORDS, nullptr};
    const py::Ref self = py::Ref::steal(PyCapsule_New(this, nullptr, nullptr));
    arguments_encoder_ = self ? py::Ref::steal(PyCFunction_New(&definition, self.get())) : py::Ref();
    if (!arguments_encoder_) fail("no function");
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // All decodings of an input: as a value and as a call; alone, with attachments, with attachments and parts,
  // with instances.
  void run(const std::uint8_t* data, std::size_t size) {
    for (const bool has_attachments : {false, true}) {
      Message message;
      message.form = Message::Form::kNative;
      message.bytes.append(data, size);
      if (has_attachments) attach(message);
      const OutOfBounds beyond(message.bytes.data() + size, message.bytes.room());
      check_value(message);
      check_call(message);
    }
    Message message;
    message.form = Message::Form::kMixed;
    message.bytes.append(data, size);
    append_parts(message);
    attach(message);
    check_value(message);
    check_call(message);
    Message instances;
    instances.form = Message::Form::kInstances;
    instances.bytes.append(data, size);
    instances.bytes.append(PyBytes_AS_STRING(layouts_.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(layouts_.get())));
    check_value(instances);
    check_call(instances);
  }

  // Frees the objects that were left for other threads to free.
  void settle() {
    runtime_.lessor->take_back();
    PyGC_Collect();
  }

 private:
  void attach(Message& message) const {
    const auto attachments = codec::attachments_of(carried_);
    codec::attachments_in(message).assign(attachments.begin(), attachments.end());
  }

  // The pickle of a mixed message, and its start (codec/format.h).
  void append_parts(Message& message) const {
    const unsigned char* const end = carried_.bytes.data() + carried_.bytes.size() - sizeof(std::uint64_t);
    std::uint64_t native;
    std::memcpy(&native, end, sizeof native);
    const unsigned char* const pickle = carried_.bytes.data() + native;
    native = message.bytes.size();
    message.bytes.append(pickle, static_cast<std::size_t>(end - pickle));
    message.bytes.append(&native, sizeof native);
  }

  void check_value(const Message& message) {
    const py::Ref value = codec::decode_value(runtime_, message);
    if (!value) return expect_refusal();
    check_str(value.get());
    Message second;
    if (!encode(value, second)) return;
    const py::Ref same = codec::decode_value(runtime_, second);
    if (!same) return expect_exhaustion("what was decoded and encoded again is refused");
    Message third;
    if (encode(same, third)) compare(second, third);
  }

  [[nodiscard]] bool encode(const py::Ref& value, Message& out) {
    if (codec::encode_value(runtime_, value.get(), out, "value", codec::Views::kLend)) return true;
    expect_exhaustion("what was decoded cannot be encoded");
    return false;
  }

  void check_call(const Message& message) {
    codec::CallArguments arguments;
    if (!codec::decode_call(runtime_, message, arguments)) return expect_refusal();
    Message second;
    if (!encode(arguments, second)) return;
    codec::CallArguments same;
    if (!codec::decode_call(runtime_, second, same)) {
      return expect_exhaustion("a call that was decoded and encoded again is refused");
    }
    Message third;
    if (encode(same, third)) compare(second, third);
  }

  [[nodiscard]] bool encode(const codec::CallArguments& arguments, Message& out) {
    encoded_call_ = &out;
    if (arguments.call(arguments_encoder_.get())) return true;
    expect_exhaustion("a call that was decoded cannot be encoded");
    return false;
  }

  // Takes the arguments of the call to encode.
  static PyObject* encode_arguments(PyObject* capsule, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
    auto* const target = static_cast<Target*>(PyCapsule_GetPointer(capsule, nullptr));
    if (!codec::encode_call(target->runtime_, args, nargs, kwnames, *target->encoded_call_)) return nullptr;
    Py_RETURN_NONE;
  }

  // If a str has another kind than its characters need, or a character beyond Unicode, it would break CPython later.
  static void check_str(PyObject* object) {
    if (!PyUnicode_CheckExact(object)) return;
    const auto kind = PyUnicode_KIND(object);
    const py::Ref copy = py::Ref::steal(
        PyUnicode_FromKindAndData(static_cast<int>(kind), PyUnicode_DATA(object), PyUnicode_GET_LENGTH(object)));
    if (!copy || PyUnicode_KIND(copy.get()) != kind || PyUnicode_IS_ASCII(copy.get()) != PyUnicode_IS_ASCII(object)) {
      fail("a str that is none");
    }
  }

  // Compares two messages of the same value, but not byte for byte, because a set has no order.
  static void compare(const Message& one, const Message& other) {
    if (one.form != other.form || one.bytes.size() != other.bytes.size() ||
        codec::attachments_of(one).size() != codec::attachments_of(other).size()) {
      fail("a value changes from message to message");
    }
  }

  codec::Runtime& runtime_;
  const Message carried_;
  const py::Ref layouts_;
  py::Ref arguments_encoder_;
  Message* encoded_call_ = nullptr;
};

// libFuzzer's interface cannot pass it. It is never destroyed, because the interpreter may end first.
Target* target = nullptr;

}  // namespace

}  // namespace aiointerpreters::fuzz

using namespace aiointerpreters;  // for the two functions outside the namespace

int LLVMFuzzerInitialize(int*, char***) {
  codec::Runtime* const runtime = binding::enter_interpreter();
  const py::Ref values = runtime != nullptr ? py::Ref::steal(PyImport_ImportModule("fuzz_values")) : py::Ref();
  const py::Ref carried = values ? py::Ref::steal(PyObject_GetAttrString(values.get(), "CARRIED")) : py::Ref();
  py::Ref layouts = values ? py::Ref::steal(PyObject_GetAttrString(values.get(), "LAYOUTS")) : py::Ref();
  if (!layouts || !PyBytes_Check(layouts.get())) fuzz::fail("fuzz_values.LAYOUTS cannot be made");
  codec::Message message;
  if (!carried || !codec::encode_value(*runtime, carried.get(), message)) fuzz::fail("what inputs refer to cannot be made");
  if (message.form != codec::Message::Form::kMixed || !message.attachments)
    fuzz::fail("fuzz_values.CARRIED has too little in it");
  fuzz::target = std::make_unique<fuzz::Target>(*runtime, std::move(message), std::move(layouts)).release();
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Memory that grows only the first time may be a cache. A leak grows each time.
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t before = fuzz::allocated_bytes();
    fuzz::target->run(data, size);
    fuzz::target->settle();
    if (fuzz::allocated_bytes() <= before) return 0;
    PyType_ClearCache();  // it keeps the names of attributes that were looked up
    if (fuzz::allocated_bytes() <= before) return 0;
  }
  // Only a forged message can make tuples that contain each other.
  // The collector finds them but cannot break the cycle.
  static Py_ssize_t stuck_before = 0;
  const Py_ssize_t stuck = PyGC_Collect();
  if (stuck <= stuck_before) fuzz::fail("memory leaks");
  stuck_before = stuck;
  return 0;
}
