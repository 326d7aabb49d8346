// `_fuzz`, an extension module: the loop around the fuzz target on systems without libFuzzer. It contains the engine, built
// from the same sources as `_core`, and replaces `_core` in its process. fuzz_decoder.py uses it.
// Thread: one, attached to the main interpreter. Errors: the target ends the process.
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "coverage.h"
#include "decoder_target.h"
#include "mutator.h"
#include "py/error.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::fuzz {

namespace {

constexpr unsigned kSecondsForOne = 30;  // an input that takes longer ends the process by SIGALRM

// An input is written here before it is tried. If the process dies, a process that shares this memory can read it: 8 bytes
// for the size, then the input.
class Note {
 public:
  explicit Note(const Py_buffer& memory) noexcept : memory_(memory) {}
  // Requires: there is enough space.
  void write(const Input& input) noexcept {
    auto* const start = static_cast<unsigned char*>(memory_.buf);
    const std::uint64_t size = input.size();
    std::memcpy(start, &size, sizeof size);
    if (size != 0) std::memcpy(start + sizeof size, input.data(), input.size());
  }
  [[nodiscard]] bool has_room(std::size_t size) const noexcept {
    return memory_.len >= 0 && size + sizeof(std::uint64_t) <= static_cast<std::size_t>(memory_.len);
  }

 private:
  const Py_buffer& memory_;
};

void try_one(const Input& input, Note& note) {
  note.write(input);
  alarm(kSecondsForOne);
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// Tries the inputs, then mutations of them and of inputs that have reached new code in the decoder.
void explore(std::vector<Input>& inputs, std::size_t runs, std::uint64_t seed, Note& note) {
  for (const Input& input : inputs) try_one(input, note);
  Mutator mutator(seed);
  for (; runs != 0 && !inputs.empty(); --runs) {
    Input input = inputs[mutator.below(inputs.size())];
    mutator.mutate(input, inputs[mutator.below(inputs.size())]);
    const std::size_t seen = paths_seen();
    try_one(input, note);
    if (paths_seen() != seen) inputs.push_back(std::move(input));
  }
  alarm(0);
}

bool read_inputs(PyObject* list, const Note& note, std::vector<Input>& inputs) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(PyList_GET_ITEM(list, i), &data, &size) < 0) return false;
    inputs.emplace_back(data, data + size);
    if (note.has_room(inputs.back().size()) && note.has_room(Mutator::kMaxSize)) continue;
    PyErr_SetString(PyExc_ValueError, "no room for an input in the note");
    return false;
  }
  return true;
}

PyDoc_STRVAR(
    run_doc,
    "run($module, inputs, runs, seed, note, /)\n--\n\n"
    "Try each of `inputs`, then `runs` more that are made of them. Each is noted in the memory of `note` first: 8 bytes\n"
    "for its size, then the input.\n\n"
    "Return the number of inputs worth keeping and of different ways taken through the decoder. Ends the process if an\n"
    "input shows a fault.");

PyObject* run(PyObject*, PyObject* args) {
  PyObject* list = nullptr;
  Py_ssize_t runs = 0;
  unsigned long long seed = 0;
  Py_buffer memory;
  if (!PyArg_ParseTuple(args, "O!nKw*:run", &PyList_Type, &list, &runs, &seed, &memory)) return nullptr;
  PyObject* const result = py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Note note(memory);
    std::vector<Input> inputs;
    if (!read_inputs(list, note, inputs)) return nullptr;
    explore(inputs, runs < 0 ? 0 : static_cast<std::size_t>(runs), seed, note);
    return Py_BuildValue("nn", static_cast<Py_ssize_t>(inputs.size()), static_cast<Py_ssize_t>(paths_seen()));
  });
  PyBuffer_Release(&memory);
  return result;
}

int execute(PyObject*) { return LLVMFuzzerInitialize(nullptr, nullptr); }

PyMethodDef functions[] = {
    {"run", run, METH_VARARGS, run_doc},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(execute)},
    {0, nullptr},
};

PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_fuzz",
    .m_doc = "The fuzz target over the decoder, and the loop around it.",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = nullptr,
    .m_clear = nullptr,
    .m_free = nullptr,
};

}  // namespace

}  // namespace aiointerpreters::fuzz

extern "C" PyMODINIT_FUNC PyInit__fuzz();
PyMODINIT_FUNC PyInit__fuzz() { return PyModuleDef_Init(&aiointerpreters::fuzz::definition); }
