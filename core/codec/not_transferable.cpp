// The path finder; see not_transferable.h.
#include "codec/not_transferable.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/message_encoder.h"
#include "codec/pickling.h"
#include "py/error.h"
#include "py/ref.h"
#include "py/text.h"

namespace aiointerpreters::codec {

namespace {

constexpr std::size_t kDepthMax = 64;
constexpr std::size_t kReprMax = 60;
constexpr std::size_t kReasonMax = 300;

// The text of str(object) or repr(object), cut to `most` bytes; empty if there is none.
std::string cut_text_of(PyObject* (*convert)(PyObject*), PyObject* object, std::size_t most) {
  const py::Ref str = py::Ref::steal(convert(object));
  PyErr_Clear();
  std::string text = py::utf8_of(str.get());
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;  // do not cut a character in two
  return text.substr(0, most) + "...";
}

std::string type_name(PyObject* object) {
  const py::Ref name = py::Ref::steal(PyType_GetFullyQualifiedName(Py_TYPE(object)));
  std::string text = name ? cut_text_of(PyObject_Str, name.get(), kReasonMax) : std::string();
  PyErr_Clear();
  return text.empty() ? Py_TYPE(object)->tp_name : text;
}

bool ends_with_changed_size(PyObject* exception) {
  return cut_text_of(PyObject_Str, exception, kReasonMax).ends_with("changed size during iteration");
}

// Whether an exception says nothing about the value.
bool passes_unchanged(PyObject* exception) {
  return PyErr_GivenExceptionMatches(exception, PyExc_Exception) == 0 ||
         PyErr_GivenExceptionMatches(exception, PyExc_RecursionError) != 0 ||
         PyErr_GivenExceptionMatches(exception, PyExc_MemoryError) != 0 ||
         (Py_IS_TYPE(exception, reinterpret_cast<PyTypeObject*>(PyExc_RuntimeError)) && ends_with_changed_size(exception));
}

// Whether a class was created by a class statement or by type().
bool is_written_in_python(PyTypeObject* type) {
  if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) return false;
  const py::Ref own = py::Ref::steal(PyType_GetDict(type));
  for (const char* const name : {"__firstlineno__", "__dict__", "__slots__"}) {
    if (own && PyDict_ContainsString(own.get(), name) == 1) return true;
  }
  PyErr_Clear();
  return false;
}

// The first items of an iterable, up to the limit of the search, because some iterables never end. Returns new.
py::Ref first_items(PyObject* iterable) {
  constexpr Py_ssize_t kMost = 1'000'000;
  const py::Ref iterator = py::Ref::steal(PyObject_GetIter(iterable));
  py::Ref items = iterator ? py::Ref::steal(PyList_New(0)) : py::Ref();
  while (items && PyList_GET_SIZE(items.get()) < kMost) {
    const py::Ref item = py::Ref::steal(PyIter_Next(iterator.get()));
    if (!item) break;
    if (PyList_Append(items.get(), item.get()) < 0) return {};
  }
  return PyErr_Occurred() == nullptr ? std::move(items) : py::Ref();
}

// Adds the globals that some code and the code inside it may use to a dict, except for names that the dict has.
void add_globals(PyObject* object, PyObject* globals, PyObject* out) {
  const auto* const code = reinterpret_cast<PyCodeObject*>(object);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(code->co_names, i);
    PyObject* const held = PyDict_GetItemWithError(globals, name);
    if (held != nullptr && PyDict_Contains(out, name) == 0) (void)PyDict_SetItem(out, name, held);
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
    PyObject* const constant = PyTuple_GET_ITEM(code->co_consts, i);
    if (PyCode_Check(constant)) add_globals(constant, globals, out);
  }
}

// A part of a value, and the path to it.
struct Part {
  py::Ref object;
  std::string step;
};

class PathFinder {
 public:
  PathFinder(Runtime& runtime, py::Ref reason) : runtime_(runtime), reason_(std::move(reason)) {}

  // Whether an object crosses by itself. If it does not, the reason is recorded.
  bool crosses(PyObject* object);
  // Finds the smallest part that does not cross. Requires: `value` does not cross.
  void descend(PyObject* value, std::string path);
  // Raises NotTransferableError for the place where `descend` ended.
  void raise(py::Ref cause) const;

  // Whether an exception has ended the search that is not an answer to it.
  [[nodiscard]] bool interrupted() const noexcept { return static_cast<bool>(interruption_); }
  [[nodiscard]] py::Ref take_interruption() noexcept { return std::move(interruption_); }

 private:
  // The index of the first object that does not cross, or -1. Objects that are already on the path are skipped.
  Py_ssize_t first_failing(PyObject* objects);
  bool find_part(PyObject* value, Part& part);
  bool find_item(PyObject* sequence, Part& part);
  bool find_entry(PyObject* dict, Part& part);
  bool find_element(PyObject* set, Part& part);
  bool find_state(PyObject* instance, Part& part);
  bool find_in_class(PyObject* type, Part& part);
  bool find_in_function(PyObject* function, Part& part);
  // Whether one object that the value refers to does not cross. It is `part` then, and `step` is the path to it.
  bool find_alone(py::Ref object, std::string step, Part& part);
  bool find_attribute(PyObject* attributes, Part& part);
  bool find_in_partial(PyObject* partial, Part& part);
  bool find_in_wrapper(PyObject* wrapper, Part& part);

  Runtime& runtime_;
  ByValue by_value_ = ByValue::kIfNeeded;  // inside of what crosses by value, everything may
  py::Ref reason_;                         // why the last tried object did not cross
  py::Ref interruption_;
  std::vector<py::Ref> seen_;  // the values on the path; a cycle ends the search
  std::string path_;
};

bool PathFinder::crosses(PyObject* object) {
  Message scratch;
  if (encode_message(runtime_, Roots(object), Views::kLend, by_value_, scratch)) return true;
  py::Ref raised = py::take_exception();
  if (PyErr_GivenExceptionMatches(raised.get(), PyExc_Exception) == 0) {
    interruption_ = std::move(raised);
  } else {
    reason_ = std::move(raised);
  }
  return false;
}

// Halves the candidates repeatedly, so it costs only a few times as much as pickling all of them.
Py_ssize_t PathFinder::first_failing(PyObject* objects) {
  const Py_ssize_t count = PyTuple_GET_SIZE(objects);
  const py::Ref candidates = py::Ref::steal(PyTuple_New(count));
  for (Py_ssize_t i = 0; candidates && i < count; ++i) {
    PyObject* const object = PyTuple_GET_ITEM(objects, i);
    const bool seen = std::any_of(seen_.begin(), seen_.end(), [&](const py::Ref& ref) { return ref.get() == object; });
    PyTuple_SET_ITEM(candidates.get(), i, Py_NewRef(seen ? Py_None : object));
  }
  if (!candidates || crosses(candidates.get())) {
    PyErr_Clear();
    return -1;
  }
  Py_ssize_t first = 0;
  Py_ssize_t end = count;
  while (end - first > 1 && !interrupted()) {
    const Py_ssize_t middle = first + (end - first) / 2;
    const py::Ref half = py::Ref::steal(PyTuple_GetSlice(candidates.get(), first, middle));
    if (!half || crosses(half.get())) {
      PyErr_Clear();
      first = middle;
    } else {
      end = middle;
    }
  }
  return interrupted() ? -1 : first;
}

void PathFinder::descend(PyObject* value, std::string path) {
  path_ = std::move(path);
  seen_.push_back(py::Ref::borrow(value));
  Part part;
  while (seen_.size() < kDepthMax && find_part(seen_.back().get(), part)) {
    path_ += part.step;
    seen_.push_back(std::move(part.object));
  }
}

bool PathFinder::find_part(PyObject* value, Part& part) {
  if (PyTuple_Check(value) || PyList_Check(value)) {
    if (find_item(value, part)) return true;
    if (PyTuple_CheckExact(value) || PyList_CheckExact(value)) return false;
  } else if (PyDict_Check(value)) {
    if (find_entry(value, part)) return true;
    if (PyDict_CheckExact(value)) return false;
  } else if (PyAnySet_Check(value)) {
    if (find_element(value, part)) return true;
    if (PyAnySet_CheckExact(value)) return false;
  } else if (PyMethod_Check(value)) {
    part = {py::Ref::borrow(PyMethod_GET_SELF(value)), ".__self__"};
    const py::Ref self = py::Ref::steal(PyTuple_Pack(1, part.object.get()));
    return self && first_failing(self.get()) == 0;
  } else if (PyType_Check(value)) {
    return find_in_class(value, part);
  } else if (PyFunction_Check(value)) {
    return find_in_function(value, part);
  } else if (find_in_wrapper(value, part)) {
    return true;
  }
  if (find_state(value, part)) return true;
  // A class that cannot be found by name crosses by value, with all its contents.
  py::Ref type = py::Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(value)));
  if (!is_written_in_python(Py_TYPE(value)) || !find_alone(py::Ref::borrow(type.get()), "", part)) return false;
  seen_.push_back(std::move(type));
  if (find_in_class(seen_.back().get(), part)) return part.step.insert(0, ".__class__"), true;
  seen_.pop_back();
  return false;
}

bool PathFinder::find_alone(py::Ref object, std::string step, Part& part) {
  const py::Ref alone = object ? py::Ref::steal(PyTuple_Pack(1, object.get())) : py::Ref();
  PyErr_Clear();
  if (!alone || first_failing(alone.get()) < 0) return false;
  part = {std::move(object), std::move(step)};
  return true;
}

// The contents of a class that crosses by value: its attributes, except those that every class has, its bases, and its
// metaclass.
bool PathFinder::find_in_class(PyObject* type, Part& part) {
  if (!is_written_in_python(reinterpret_cast<PyTypeObject*>(type))) return false;
  by_value_ = ByValue::kAtOnce;
  const py::Ref own = py::Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(type)));
  const py::Ref attributes = own ? py::Ref::steal(PyDict_Copy(own.get())) : py::Ref();
  const py::Ref names = attributes ? py::Ref::steal(PyDict_Keys(attributes.get())) : py::Ref();
  for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names.get()); ++i) {
    PyObject* const name = PyList_GET_ITEM(names.get(), i);
    PyObject* const value = PyDict_GetItemWithError(attributes.get(), name);
    const bool is_made =
        value != nullptr && (Py_IS_TYPE(value, &PyGetSetDescr_Type) || Py_IS_TYPE(value, &PyMemberDescr_Type));
    const bool is_table = PyUnicode_Check(name) && PyUnicode_EqualToUTF8(name, "_abc_impl") != 0;
    if (is_made || is_table) (void)PyDict_Pop(attributes.get(), name, nullptr);
  }
  PyErr_Clear();
  if (attributes && find_attribute(attributes.get(), part)) return true;
  py::Ref bases = py::Ref::steal(PyObject_GetAttrString(type, "__bases__"));
  PyErr_Clear();
  if (bases && find_item(bases.get(), part)) return part.step.insert(0, ".__bases__"), true;
  return find_alone(py::Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(type))), ".__class__", part);
}

// The contents of a function that crosses by value: its captured variables and its defaults.
bool PathFinder::find_in_function(PyObject* function, Part& part) {
  by_value_ = ByValue::kAtOnce;
  PyObject* const closure = PyFunction_GET_CLOSURE(function);
  const py::Ref free_names = py::Ref::steal(PyObject_GetAttrString(PyFunction_GET_CODE(function), "co_freevars"));
  const py::Ref variables = py::Ref::steal(PyDict_New());
  if (!free_names || !variables) return PyErr_Clear(), false;
  for (Py_ssize_t i = 0; closure != nullptr && i < PyTuple_GET_SIZE(closure); ++i) {
    const py::Ref held = py::Ref::steal(PyCell_Get(PyTuple_GET_ITEM(closure, i)));
    if (held) (void)PyDict_SetItem(variables.get(), PyTuple_GET_ITEM(free_names.get(), i), held.get());
  }
  add_globals(PyFunction_GET_CODE(function), PyFunction_GET_GLOBALS(function), variables.get());
  PyErr_Clear();
  if (find_entry(variables.get(), part)) {
    const std::string& step = part.step;
    if (step.starts_with("['") && step.ends_with("']")) part.step = " variable " + step.substr(1, step.size() - 2);
    return true;
  }
  for (const char* const name : {"__defaults__", "__kwdefaults__"}) {
    if (find_alone(py::Ref::steal(PyObject_GetAttrString(function, name)), std::string(".") + name, part)) return true;
  }
  return false;
}

// The functions that a descriptor or a function with a cache holds.
bool PathFinder::find_in_wrapper(PyObject* wrapper, Part& part) {
  const PyTypeObject* const type = Py_TYPE(wrapper);
  const std::string_view name = type->tp_name;
  if (type != &PyProperty_Type && type != &PyClassMethod_Type && type != &PyStaticMethod_Type &&
      name != "functools._lru_cache_wrapper") {
    return false;
  }
  by_value_ = ByValue::kAtOnce;
  for (const char* const attribute : {"fget", "fset", "fdel", "__wrapped__"}) {
    py::Ref held;
    if (PyObject_GetOptionalAttrString(wrapper, attribute, held.out()) < 0) PyErr_Clear();
    if (held && find_alone(std::move(held), std::string(".") + attribute, part)) return true;
  }
  return false;
}

bool PathFinder::find_item(PyObject* sequence, Part& part) {
  // A snapshot, because Python code runs between the steps.
  const py::Ref list = first_items(sequence);
  const py::Ref items = list ? py::Ref::steal(PyList_AsTuple(list.get())) : py::Ref();
  const Py_ssize_t at = items ? first_failing(items.get()) : -1;
  PyErr_Clear();
  if (at < 0) return false;
  part = {py::Ref::borrow(PyTuple_GET_ITEM(items.get(), at)), "[" + std::to_string(at) + "]"};
  return true;
}

bool PathFinder::find_entry(PyObject* dict, Part& part) {
  const py::Ref key_list = py::Ref::steal(PyDict_Keys(dict));
  const py::Ref value_list = py::Ref::steal(PyDict_Values(dict));
  const py::Ref keys = key_list ? py::Ref::steal(PyList_AsTuple(key_list.get())) : py::Ref();
  const py::Ref values = value_list ? py::Ref::steal(PyList_AsTuple(value_list.get())) : py::Ref();
  Py_ssize_t at = keys ? first_failing(keys.get()) : -1;
  PyErr_Clear();
  if (at >= 0) {
    part = {py::Ref::borrow(PyTuple_GET_ITEM(keys.get(), at)), " key"};
    return true;
  }
  at = values ? first_failing(values.get()) : -1;
  PyErr_Clear();
  if (at < 0 || !keys || at >= PyTuple_GET_SIZE(keys.get())) return false;
  PyObject* const key = PyTuple_GET_ITEM(keys.get(), at);
  part = {py::Ref::borrow(PyTuple_GET_ITEM(values.get(), at)), "[" + cut_text_of(PyObject_Repr, key, kReprMax) + "]"};
  return true;
}

bool PathFinder::find_element(PyObject* set, Part& part) {
  if (!find_item(set, part)) return false;
  part.step = " element";
  return true;
}

bool PathFinder::find_attribute(PyObject* attributes, Part& part) {
  if (!PyDict_Check(attributes) || !find_entry(attributes, part)) return false;
  // The entry ['name'] is shown as the attribute .name.
  const std::string& step = part.step;
  if (step.starts_with("['") && step.ends_with("']")) part.step = "." + step.substr(2, step.size() - 4);
  return true;
}

// The state of a functools.partial is a tuple of these attributes.
bool PathFinder::find_in_partial(PyObject* partial, Part& part) {
  for (const char* const name : {"func", "args", "keywords"}) {
    if (find_alone(py::Ref::steal(PyObject_GetAttrString(partial, name)), std::string(".") + name, part)) return true;
  }
  return false;
}

// The state that pickle would save for an instance: from its own __reduce_ex__, or from object's.
bool PathFinder::find_state(PyObject* instance, Part& part) {
  const py::Ref reduced = py::Ref::steal(PyObject_CallMethod(instance, "__reduce_ex__", "i", 5));
  PyErr_Clear();
  if (!reduced || !PyTuple_Check(reduced.get())) return false;
  const Py_ssize_t size = PyTuple_GET_SIZE(reduced.get());
  if (PyExceptionInstance_Check(instance)) {
    const py::Ref args = py::Ref::steal(PyException_GetArgs(instance));
    if (args && find_item(args.get(), part)) {
      part.step.insert(0, ".args");
      return true;
    }
  }
  PyObject* given = size > 2 ? PyTuple_GET_ITEM(reduced.get(), 2) : Py_None;
  if (PyTuple_CheckExact(given) && PyTuple_GET_SIZE(given) == 4 &&
      PyTuple_GET_ITEM(reduced.get(), 0) == reinterpret_cast<PyObject*>(Py_TYPE(instance)) &&
      find_in_partial(instance, part)) {
    return true;
  }
  const bool is_pair = PyTuple_CheckExact(given) && PyTuple_GET_SIZE(given) == 2;
  py::Ref state = py::Ref::borrow(given);
  if (!PyDict_Check(given) && !is_pair) {
    state =
        py::Ref::steal(PyObject_CallMethod(reinterpret_cast<PyObject*>(&PyBaseObject_Type), "__getstate__", "O", instance));
    PyErr_Clear();
  }
  if (state && PyTuple_CheckExact(state.get()) && PyTuple_GET_SIZE(state.get()) == 2) {
    if (find_attribute(PyTuple_GET_ITEM(state.get(), 0), part)) return true;  // __dict__
    if (find_attribute(PyTuple_GET_ITEM(state.get(), 1), part)) return true;  // __slots__
  } else if (state && find_attribute(state.get(), part)) {
    return true;
  }
  // The items of other containers (deque, OrderedDict) are iterators in the reduction.
  for (const Py_ssize_t at : {3, 4}) {
    if (size <= at || PyTuple_GET_ITEM(reduced.get(), at) == Py_None) continue;
    py::Ref items = first_items(PyTuple_GET_ITEM(reduced.get(), at));
    if (items && at == 4) {
      py::Ref dict = py::Ref::steal(PyDict_New());
      if (dict && PyDict_MergeFromSeq2(dict.get(), items.get(), 1) < 0) dict.reset();
      items = std::move(dict);
    }
    PyErr_Clear();
    if (items && (at == 3 ? find_item(items.get(), part) : find_entry(items.get(), part))) return true;
  }
  return false;
}

// The text of the exception in parentheses; empty if it says no more than "an object of this type".
std::string detail(PyObject* reason, PyObject* culprit) {
  const std::string text = cut_text_of(PyObject_Str, reason, kReasonMax);
  const std::string plain = "cannot pickle '" + std::string(Py_TYPE(culprit)->tp_name) + "' object";
  const std::string plain_qualified = "cannot pickle '" + type_name(culprit) + "' object";
  if (text == plain || text == plain_qualified) return {};
  const std::string type = type_name(reason);
  if (text.empty()) return " (" + type + ")";
  // Exceptions that pickle itself raises.
  const bool own = type == "_pickle.PicklingError" || type == "TypeError" || type == "AttributeError";
  return " (" + (own ? std::string() : type + ": ") + text + ")";
}

void PathFinder::raise(py::Ref cause) const {
  PyObject* const culprit = seen_.back().get();
  const std::string text =
      path_ + ": " + type_name(culprit) + " objects cannot cross interpreters" + detail(reason_.get(), culprit);
  py::Ref error = py::Ref::steal(PyObject_CallFunction(runtime_.not_transferable_error.get(), "s", text.c_str()));
  if (!error) return;
  PyException_SetCause(error.get(), cause.release());
  py::restore_exception(std::move(error));
}

// Restores an exception that does not describe the value. Returns false for any other exception.
bool restored(py::Ref& exception) {
  if (exception && !passes_unchanged(exception.get())) return false;
  py::restore_exception(std::move(exception));
  return true;
}

}  // namespace

void explain_value(Runtime& runtime, PyObject* value, const char* root) {
  const Retry retry(runtime);
  if (retry.nested()) return;
  py::Ref cause = py::take_exception();
  if (restored(cause)) return;
  PathFinder finder(runtime, py::Ref::borrow(cause.get()));
  finder.descend(value, root);
  if (finder.interrupted()) return py::restore_exception(finder.take_interruption());
  finder.raise(std::move(cause));
}

void explain_call(Runtime& runtime, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Retry retry(runtime);
  if (retry.nested()) return;
  py::Ref cause = py::take_exception();
  if (restored(cause)) return;
  PathFinder finder(runtime, py::Ref::borrow(cause.get()));
  const Py_ssize_t total = nargs + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
  Py_ssize_t at = 0;
  while (at < total && finder.crosses(args[at])) ++at;
  if (finder.interrupted()) return py::restore_exception(finder.take_interruption());
  // Each argument crosses by itself, so pickle's own message is all there is.
  if (at == total) return py::restore_exception(std::move(cause));
  const std::string root =
      at < nargs ? std::to_string(at) : cut_text_of(PyObject_Repr, PyTuple_GET_ITEM(kwnames, at - nargs), kReprMax);
  finder.descend(args[at], "argument " + root);
  if (finder.interrupted()) return py::restore_exception(finder.take_interruption());
  finder.raise(std::move(cause));
}

}  // namespace aiointerpreters::codec
