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

// Lets the cached functions in a pickle be those of `caches`, as far as it has some, and adds the others to it.
class CachesScope {
 public:
  explicit CachesScope(const py::Ref& caches) : module_(py::Ref::steal(PyImport_ImportModule(kModule))) {
    if (module_) token_ = py::Ref::steal(PyObject_CallMethod(module_.get(), "use_caches", "O", caches.get()));
  }
  CachesScope(const CachesScope&) = delete;
  CachesScope& operator=(const CachesScope&) = delete;
  ~CachesScope() {
    if (!token_) return;
    py::Ref error = py::take_exception();
    const py::Ref done = py::Ref::steal(PyObject_CallMethod(module_.get(), "stop_using_caches", "O", token_.get()));
    PyErr_Clear();
    py::restore_exception(std::move(error));
  }
  explicit operator bool() const noexcept { return static_cast<bool>(token_); }

 private:
  static constexpr char kModule[] = "aiointerpreters._by_value_rebuild";
  py::Ref module_;
  py::Ref token_;
};

py::Ref load_pickle(Runtime& runtime, const CallableRef& ref, py::Ref& caches) {
  if (ref.id == CallableRef::kUncached) return without_tag(runtime, decode_value(runtime, ref.value));
  if (!caches) caches = py::Ref::steal(PyList_New(0));
  if (!caches) return {};
  const CachesScope scope(caches);
  return scope ? without_tag(runtime, decode_value(runtime, ref.value)) : py::Ref();
}

}  // namespace

bool CallableCache::load(Runtime& runtime, const CallableRef& ref, Entry& entry) {
  py::Ref callable;
  std::string name;
  entry.is_constant = ref.by_reference() || ref.is_constant;
  if (ref.by_reference()) {
    name = ref.module + '.' + ref.qualname;
    callable = without_tag(runtime, follow(runtime.modules.import_module(ref.module, ref.module_version), ref.qualname));
  } else {
    name = "the function";
    callable = ref.is_recipe ? follow_recipe(runtime, ref.value, entry.codes) : load_pickle(runtime, ref, entry.caches);
  }
  if (callable && ref.module == "builtins" && PyCFunction_Check(callable.get())) {
    callable = with_frame(runtime, std::move(callable));
  } else if (!callable) {
    std::string text = name + " could not be loaded in a worker's interpreter";
    if (is_main(ref.module) && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
      text += ", which runs the script without the part under `if __name__ == \"__main__\":`. Define it above that part";
    }
    raise_interpreter_error(runtime, text);
  }
  if (!callable) return false;
  const bool is_new = !entry.callable;
  const py::Ref old = std::exchange(entry.callable, std::move(callable));  // dropped last
  if (!entry.is_constant && (is_new || entry.state.is_known())) entry.state.note(runtime, entry.callable.get());
  return true;
}

PyObject* CallableCache::find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached) {
  if (id == last_id_ && last_ != nullptr && is_fresh(*last_)) return last_->callable.get();
  if (id != CallableRef::kUncached) {
    if (const auto found = entries_.find(id); found != entries_.end()) {
      last_id_ = id;
      last_ = &found->second;
      return is_fresh(*last_) || load(runtime, *ref, *last_) ? found->second.callable.get() : nullptr;
    }
  }
  Entry entry;
  if (!load(runtime, *ref, entry)) return nullptr;
  if (id != CallableRef::kUncached) return remember(id, ref, std::move(entry));
  uncached = std::move(entry.callable);
  return uncached.get();
}

PyObject* CallableCache::remember(std::uint64_t id, const CallablePtr& ref, Entry entry) {
  bytes_ += ref->value.bytes.size();
  if (entries_.size() >= sweep_at_ || bytes_ > CallableRef::kSweepBytes) {
    bytes_ = 0;
    last_ = nullptr;
    std::erase_if(entries_, [](const auto& each) { return each.second.ref.expired(); });
    sweep_at_ = std::max(kFirstSweep, entries_.size() * 2);
  }
  entry.ref = ref;
  last_id_ = id;
  last_ = &entries_.insert_or_assign(id, std::move(entry)).first->second;
  return last_->callable.get();
}

void CallableCache::clear() {
  last_ = nullptr;
  entries_.clear();
}

}  // namespace aiointerpreters::codec
