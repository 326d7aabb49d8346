// See refused_imports.h.
#include "extensions/refused_imports.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "py/error.h"
#include "py/frame.h"
#include "py/method.h"
#include "py/ref.h"
#include "py/text.h"

namespace aiointerpreters::extensions {

namespace {

constexpr std::string_view kRefusalBegin = "module ";
constexpr std::string_view kRefusalEnd = " does not support loading in subinterpreters";
constexpr std::size_t kMostRefusals = 100;

// The functions of an interpreter's `_imp` that import an extension module: the original ones.
struct Watch {
  std::shared_ptr<RefusedImports> refused;
  py::Ref create;
  py::Ref execute;
};

void destroy_watch(PyObject* capsule) {
  std::unique_ptr<Watch>(static_cast<Watch*>(PyCapsule_GetPointer(capsule, nullptr))).reset();
}

// Whether a module says in its own words that it refuses this interpreter, as checks of Cython, PyO3, pybind11 and NumPy do.
bool is_own_refusal(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("interpreter") != std::string::npos || text.find("more than once per process") != std::string::npos;
}

// The modules whose code is being executed, outermost first.
std::vector<std::string> modules_being_imported() {
  std::vector<std::string> modules;
  py::Ref frame = py::Ref::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame) {
    if (py::utf8_of(py::code_attribute(frame.get(), "co_name").get()) == "<module>") {
      std::string module = py::module_of(frame.get());
      if (module == "__mp_main__") module = "__main__";
      if (!module.empty() && (modules.empty() || modules.back() != module)) modules.push_back(std::move(module));
    }
    frame = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()))));
  }
  std::ranges::reverse(modules);
  return modules;
}

// Records the exception that is set if it is a refusal. It stays set.
void note_failure(Watch& watch, PyObject* spec) {
  if (PyErr_ExceptionMatches(PyExc_ImportError) == 0) return;
  py::Ref error = py::take_exception();
  RefusedImport refused;
  refused.text = py::str_of(error.get());
  const bool is_cpythons = !refused_module(refused.text).empty();
  if (is_cpythons || is_own_refusal(refused.text)) {
    refused.module = py::str_of_attribute(spec, "name");
    refused.chain = modules_being_imported();
    if (refused.chain.empty() || refused.chain.back() != refused.module) refused.chain.push_back(refused.module);
    refused.path = py::str_of_attribute(spec, "origin");
    refused.support = is_cpythons ? declared_support_of_refused(refused.module, refused.path) : Support::kOwnCheck;
    if (!refused.module.empty()) watch.refused->note(std::move(refused));
  }
  PyErr_Clear();
  py::restore_exception(std::move(error));
}

PyObject* create_and_note(PyObject* capsule, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Watch& watch = *static_cast<Watch*>(PyCapsule_GetPointer(capsule, nullptr));
    PyObject* const made = PyObject_Vectorcall(watch.create.get(), args, static_cast<std::size_t>(nargs), nullptr);
    if (made == nullptr && nargs > 0) note_failure(watch, args[0]);
    return made;
  });
}

PyObject* execute_and_note(PyObject* capsule, PyObject* module) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Watch& watch = *static_cast<Watch*>(PyCapsule_GetPointer(capsule, nullptr));
    PyObject* const done = PyObject_CallOneArg(watch.execute.get(), module);
    if (done != nullptr) return done;
    py::Ref error = py::take_exception();
    const py::Ref spec = py::Ref::steal(PyObject_GetAttrString(module, "__spec__"));
    PyErr_Clear();
    py::restore_exception(std::move(error));
    if (spec) note_failure(watch, spec.get());
    return nullptr;
  });
}

PyMethodDef kCreateAndNote = {"create_dynamic", py::as_method(create_and_note), METH_FASTCALL, nullptr};
PyMethodDef kExecuteAndNote = {"exec_dynamic", execute_and_note, METH_O, nullptr};

}  // namespace

void RefusedImports::note(RefusedImport refused) {
  std::erase_if(refused_, [&](const RefusedImport& known) { return known.module == refused.module; });
  if (refused_.size() >= kMostRefusals) refused_.erase(refused_.begin());
  refused_.push_back(std::move(refused));
}

std::optional<RefusedImport> RefusedImports::find(const std::function<bool(const RefusedImport&)>& is_it) const {
  const auto found = std::find_if(refused_.rbegin(), refused_.rend(), is_it);
  return found != refused_.rend() ? std::optional(*found) : std::nullopt;
}

std::string_view refused_module(std::string_view text) noexcept {
  if (!text.starts_with(kRefusalBegin) || !text.ends_with(kRefusalEnd) ||
      text.size() <= kRefusalBegin.size() + kRefusalEnd.size())
    return {};
  return text.substr(kRefusalBegin.size(), text.size() - kRefusalBegin.size() - kRefusalEnd.size());
}

std::string_view package_of(std::string_view module) noexcept { return module.substr(0, module.find('.')); }

std::string reason_text(const RefusedImport& refused) {
  std::string reason = reason_text(refused.support);
  if (refused.support != Support::kOwnCheck) return reason;
  const std::size_t begin = std::min(refused.text.find_first_not_of(" \n"), refused.text.size());
  return reason + " (" + refused.text.substr(begin, refused.text.find('\n', begin) - begin) + ")";
}

std::string chain_text(const RefusedImport& refused) {
  const std::vector<std::string>& chain = refused.chain;
  std::string text;
  for (std::size_t at = 0; at < chain.size();) {
    std::size_t last = at;
    while (last + 1 < chain.size() && package_of(chain[last + 1]) == package_of(chain[at])) ++last;
    const bool is_first = at == 0;
    const bool is_end = last + 1 == chain.size();
    if (!is_first) text += " -> ";
    if (is_end) return text += chain[last];
    text += is_first ? chain[at] : std::string(package_of(chain[at]));
    if (is_first && !chain[last].starts_with(chain[at])) text += " -> " + chain[last];
    at = last + 1;
  }
  return text;
}

bool note_refused_imports(std::shared_ptr<RefusedImports> refused) {
  const py::Ref imp = py::Ref::steal(PyImport_ImportModule("_imp"));
  if (!imp) return false;
  auto watch = std::make_unique<Watch>();
  watch->refused = std::move(refused);
  watch->create = py::Ref::steal(PyObject_GetAttrString(imp.get(), kCreateAndNote.ml_name));
  watch->execute = py::Ref::steal(PyObject_GetAttrString(imp.get(), kExecuteAndNote.ml_name));
  if (!watch->create || !watch->execute) return false;
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(watch.get(), nullptr, destroy_watch));
  if (!capsule) return false;
  static_cast<void>(watch.release());
  for (PyMethodDef* const method : {&kCreateAndNote, &kExecuteAndNote}) {
    const py::Ref function = py::Ref::steal(PyCFunction_New(method, capsule.get()));
    if (!function || PyObject_SetAttrString(imp.get(), method->ml_name, function.get()) < 0) return false;
  }
  return true;
}

}  // namespace aiointerpreters::extensions
