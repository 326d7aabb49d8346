// See callable_cache.h.
#include "codec/callable_cache.h"

#include <algorithm>
#include <string>
#include <utility>

#include "codec/codec.h"
#include "codec/import_hint.h"
#include "codec/qualified_name.h"
#include "codec/recipe.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

constexpr std::size_t kFirstSweep = 64;

// Some builtins (eval, exec, globals, dir) use the Python frame that calls them, and a worker's loop has none. Wraps such a
// builtin in a Python function. Returns new.
py::Ref with_frame(Runtime& runtime, py::Ref builtin) {
  if (!runtime.caller) {
    py::Ref main = py::Ref::steal(PyImport_AddModuleRef("__main__"));
    py::Ref code = py::Ref::steal(
        Py_CompileString("lambda fn, /, *args, **kwargs: fn(*args, **kwargs)", "<aiointerpreters>", Py_eval_input));
    if (!main || !code) return {};
    PyObject* const names = PyModule_GetDict(main.get());  // borrowed
    runtime.caller = py::Ref::steal(PyEval_EvalCode(code.get(), names, names));
  }
  return runtime.caller ? py::Ref::steal(PyMethod_New(runtime.caller.get(), builtin.get())) : py::Ref();
}

// For the exception that is set: drops what a package says at length about an extension module that has refused.
void shorten_refusals(Runtime& runtime) {
  if (!runtime.refused_imports) return;
  py::Ref error = py::take_exception();
  static_cast<void>(hint_about_imports(*runtime.refused_imports, error.get()));
  py::restore_exception(std::move(error));
}

// Finds or loads the callable. Returns new; null with InterpreterError set.
py::Ref load_callable(Runtime& runtime, const CallableRef& ref) {
  py::Ref callable;
  std::string name;
  if (ref.by_reference()) {
    name = ref.module + '.' + ref.qualname;
    callable = without_tag(runtime, follow(runtime.modules.import_module(ref.module, ref.module_version), ref.qualname));
  } else {
    name = "the function";
    callable = ref.is_recipe ? follow_recipe(runtime, ref.value) : without_tag(runtime, decode_value(runtime, ref.value));
  }
  if (!callable) {
    shorten_refusals(runtime);
    py::raise_from_current(runtime.interpreter_error.get(),
                           (name + " could not be loaded in a worker's interpreter").c_str());
    return callable;
  }
  return ref.module == "builtins" && PyCFunction_Check(callable.get()) ? with_frame(runtime, std::move(callable))
                                                                       : std::move(callable);
}

}  // namespace

PyObject* CallableCache::find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached) {
  if (id == last_id_ && last_ != nullptr) return last_;
  if (id != CallableRef::kUncached) {
    if (const auto entry = entries_.find(id); entry != entries_.end()) {
      last_id_ = id;
      return last_ = entry->second.callable.get();
    }
  }
  py::Ref callable = load_callable(runtime, *ref);
  if (!callable || id == CallableRef::kUncached) {
    uncached = std::move(callable);
    return uncached.get();
  }
  return remember(id, ref, std::move(callable));
}

PyObject* CallableCache::remember(std::uint64_t id, const CallablePtr& ref, py::Ref callable) {
  bytes_ += ref->value.bytes.size();
  if (entries_.size() >= sweep_at_ || bytes_ > CallableRef::kSweepBytes) {
    bytes_ = 0;
    last_ = nullptr;
    std::erase_if(entries_, [](const auto& entry) { return entry.second.ref.expired(); });
    sweep_at_ = std::max(kFirstSweep, entries_.size() * 2);
  }
  last_id_ = id;
  last_ = callable.get();
  entries_.insert_or_assign(id, Entry{std::move(callable), ref});
  return last_;
}

void CallableCache::clear() {
  last_ = nullptr;
  entries_.clear();
}

}  // namespace aiointerpreters::codec
