// See function_survey.h.
#include "codec/function_survey.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/memo.h"
#include "codec/module_versions.h"
#include "codec/qualified_name.h"
#include "codec/text.h"
#include "py/compat.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// The limits on the values that one function refers to. Larger ones are pickled.
constexpr std::size_t kValuesMax = std::size_t{1} << 14;
constexpr int kNestingMax = 50;

// The names that relative imports in a function need.
constexpr const char* kModuleNames[] = {"__package__", "__name__", "__path__", "__file__"};

PyFunctionObject* as_function(PyObject* object) noexcept { return reinterpret_cast<PyFunctionObject*>(object); }

class Survey {
 public:
  using Graph = FunctionGraph;
  using Slot = Graph::Slot;

  Survey(Runtime& runtime, CodeTable& codes) : runtime_(runtime), codes_(codes) {}

  // Each returns false if the function has to be pickled.
  bool survey(PyObject* function) {
    graph_.main_is_nowhere = runtime_.main_is_nowhere;
    static_cast<void>(add_function(function));
    for (std::size_t i = 0; i < functions_.size(); ++i) {  // grows during the loop
      if (!survey_one(i)) return false;
    }
    return true;
  }
  Graph take() { return std::move(graph_); }

 private:
  std::uint32_t add_function(PyObject* function) {
    const std::size_t known = function_memo_.find_or_add(function);
    if (known != Memo::kNew) return static_cast<std::uint32_t>(known);
    functions_.push_back(py::Ref::borrow(function));
    return static_cast<std::uint32_t>(functions_.size() - 1);
  }

  bool survey_one(std::size_t index) {
    PyObject* const object = functions_[index].get();
    PyFunctionObject* const function = as_function(object);
    auto* const code = reinterpret_cast<PyCodeObject*>(function->func_code);
    PyObject* const type_parameters = function->func_typeparams;
    if (type_parameters != nullptr && PyTuple_GET_SIZE(type_parameters) > 0) return false;
    if (!has_usual_builtins(function)) return false;
    Graph::Function found;
    found.object = weak(object);
    found.code = py::Ref::borrow(function->func_code);
    found.facts = codes_.facts(function->func_code);
    if (!found.object || !found.facts) return false;
    if (!take_text(function->func_name, code->co_name, found.name)) return false;
    if (!take_text(function->func_qualname, code->co_qualname, found.qualname)) return false;
    if (!take_text(function->func_module, nullptr, found.module)) return false;
    if (!py::is_doc_of_code(code, function->func_doc) && !take_text(function->func_doc, nullptr, found.doc)) return false;
    if (!take_tuple(function->func_defaults, found.defaults) ||
        !take_dict(function->func_kwdefaults, found.keyword_defaults) ||
        !take_attributes(function->func_dict, found.attributes) || !take_annotations(function, found) ||
        !take_cells(function->func_closure, found.cells)) {
      return false;
    }
    found.globals = globals_of(function->func_globals, static_cast<std::uint32_t>(index));
    if (!take_globals(function->func_globals, *found.facts, found.globals)) return false;
    find_submodules(code, found);
    graph_.is_constant = graph_.is_constant && only_calls_functions(code, found);
    graph_.functions.push_back(std::move(found));
    return true;
  }

  // Whether its globals have no `__builtins__` of their own.
  bool has_usual_builtins(PyFunctionObject* function) {
    if (!builtins_) builtins_ = py::Ref::steal(PyImport_ImportModule("builtins"));
    return builtins_ && function->func_builtins == PyModule_GetDict(builtins_.get());
  }

  // Whether no call can change this function or the functions that it refers to.
  bool only_calls_functions(PyCodeObject* code, const Graph::Function& function) {
    const auto is_function = [](const Slot& slot) {
      return slot.kind == Slot::Kind::kFunction || slot.kind == Slot::Kind::kTag;
    };
    const auto has_function = [&](const Graph::Items& items) {
      return std::ranges::any_of(items.list, [&](const Graph::Item& item) { return is_function(item.slot); });
    };
    if (function.facts->stores || has_function(function.defaults) || has_function(function.keyword_defaults) ||
        has_function(function.attributes) || has_function(function.annotations)) {
      return false;
    }
    const auto may_leave = [&](PyObject* name) {
      return std::ranges::any_of(function.facts->not_only_called, [&](const py::Ref& one) { return one.get() == name; });
    };
    for (const Graph::Item& item : graph_.globals[function.globals].list) {
      if (is_function(item.slot) && may_leave(item.key.get())) return false;
    }
    const py::Ref names = py::Ref::steal(PyCode_GetFreevars(code));
    for (std::size_t i = 0; names && i < function.cells.size(); ++i) {
      PyObject* const name = PyTuple_GET_ITEM(names.get(), static_cast<Py_ssize_t>(i));
      if (is_function(graph_.cells[function.cells[i]]) && may_leave(name)) return false;
    }
    return static_cast<bool>(names);
  }

  // Takes a str unless it is the usual one.
  static bool take_text(PyObject* text, PyObject* usual, py::Ref& out) {
    if (text != nullptr && text == usual) return true;
    if (text == nullptr || (!PyUnicode_CheckExact(text) && text != Py_None)) return false;
    out = py::Ref::borrow(text);
    return true;
  }

  bool take_tuple(PyObject* tuple, Graph::Items& items) {
    if (tuple == nullptr) return true;
    items.exists = true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
      Slot& slot = items.list.emplace_back().slot;
      if (!take(PyTuple_GET_ITEM(tuple, i), slot)) return false;
    }
    return true;
  }

  bool take_item(PyObject* key, PyObject* value, std::vector<Graph::Item>& items) {
    if (!PyUnicode_CheckExact(key)) return false;
    Graph::Item item{py::Ref::borrow(key), {}};
    if (!take(value, item.slot)) return false;
    items.push_back(std::move(item));
    return true;
  }

  bool take_dict(PyObject* dict, Graph::Items& items) {
    if (dict == nullptr) return true;
    if (!PyDict_CheckExact(dict)) return false;
    items.exists = true;
    const py::Ref pairs = py::Ref::steal(PyDict_Items(dict));
    for (Py_ssize_t i = 0; pairs && i < PyList_GET_SIZE(pairs.get()); ++i) {
      PyObject* const pair = PyList_GET_ITEM(pairs.get(), i);
      if (!take_item(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), items.list)) return false;
    }
    return static_cast<bool>(pairs);
  }

  bool take_attributes(PyObject* dict, Graph::Items& items) {
    if (dict != nullptr && PyDict_CheckExact(dict) && PyDict_GET_SIZE(dict) == 0) return true;
    return take_dict(dict, items);
  }

  // Annotations that have been computed may have been changed, so these are sent then.
  bool take_annotations(PyFunctionObject* function, Graph::Function& found) {
    PyObject* const computed = function->func_annotations;
    PyObject* const annotate = py::annotate_of(function);
    if (computed == nullptr && annotate != nullptr) {
      if (!PyFunction_Check(annotate)) return false;
      found.annotate.kind = Slot::Kind::kFunction;
      found.annotate.index = add_function(annotate);
      found.annotate.object = weak(annotate);
      return static_cast<bool>(found.annotate.object);
    }
    if (annotate != nullptr) return false;
    if (computed == nullptr || !PyTuple_Check(computed)) return take_attributes(computed, found.annotations);
    found.annotations.exists = true;
    for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(computed); i += 2) {
      if (!take_item(PyTuple_GET_ITEM(computed, i), PyTuple_GET_ITEM(computed, i + 1), found.annotations.list)) return false;
    }
    return true;
  }

  bool take_cells(PyObject* closure, std::vector<std::uint32_t>& cells) {
    for (Py_ssize_t i = 0; closure != nullptr && i < PyTuple_GET_SIZE(closure); ++i) {
      PyObject* const cell = PyTuple_GET_ITEM(closure, i);
      const std::size_t known = cell_memo_.find_or_add(cell);
      cells.push_back(static_cast<std::uint32_t>(known == Memo::kNew ? graph_.cells.size() : known));
      if (known != Memo::kNew) continue;
      Slot slot;
      PyObject* const content = PyCell_GET(cell);
      if (content != nullptr && !take(content, slot)) return false;
      graph_.cells.push_back(std::move(slot));
    }
    return true;
  }

  std::uint32_t globals_of(PyObject* dict, std::uint32_t function) {
    const std::size_t known = globals_memo_.find_or_add(dict);
    if (known != Memo::kNew) return static_cast<std::uint32_t>(known);
    graph_.globals.push_back({function, {}});
    names_of_globals_.emplace_back();
    return static_cast<std::uint32_t>(graph_.globals.size() - 1);
  }

  bool take_global(PyObject* dict, PyObject* name, std::uint32_t index) {
    if (names_of_globals_[index].find_or_add(name) != Memo::kNew) return true;  // names in code are interned
    Slot slot;
    py::Ref value;
    if (PyDict_GetItemRef(dict, name, value.out()) < 0) return false;
    if (value && !take(value.get(), slot)) return false;
    graph_.globals[index].list.push_back({py::Ref::borrow(name), std::move(slot)});
    return true;
  }

  bool take_globals(PyObject* dict, const CodeFacts& facts, std::uint32_t index) {
    for (const char* const text : kModuleNames) {
      const py::Ref name = py::Ref::steal(PyUnicode_InternFromString(text));
      if (!name || !take_global(dict, name.get(), index)) return false;
    }
    for (const py::Ref& name : facts.globals) {
      if (!take_global(dict, name.get(), index)) return false;
    }
    return true;
  }

  bool take(PyObject* object, Slot& slot) {
    if (is_plain(object, 0)) {
      slot.kind = Slot::Kind::kValue;
      slot.object = py::Ref::borrow(object);
      return true;
    }
    slot.object = weak(object);
    if (!slot.object) return false;
    if (PyFunction_Check(object)) return take_function(object, slot);
    slot.kind = Slot::Kind::kNamed;
    if (PyType_Check(object)) return take_type(object, slot);
    if (PyCFunction_CheckExact(object)) return take_builtin(object, slot);
    if (PyModule_Check(object)) {
      py::Ref name;
      if (PyDict_GetItemStringRef(PyModule_GetDict(object), "__name__", name.out()) < 0 || !name) return false;
      return take_named(object, std::move(name), {}, slot);
    }
    if (Py_TYPE(object) == reinterpret_cast<PyTypeObject*>(runtime_.tag_type.get())) return take_tag(object, slot);
    return false;
  }

  // Whether this is a number, a string, or a container of these.
  bool is_plain(PyObject* object, int depth) {
    PyTypeObject* const type = Py_TYPE(object);
    if (object == Py_None || object == Py_Ellipsis || type == &PyUnicode_Type || type == &PyLong_Type ||
        type == &PyBool_Type || type == &PyFloat_Type || type == &PyBytes_Type || type == &PyComplex_Type) {
      return true;
    }
    const bool is_sequence = type == &PyTuple_Type || type == &PyList_Type;
    const bool is_set = type == &PyFrozenSet_Type || type == &PySet_Type;
    if ((!is_sequence && !is_set && type != &PyDict_Type) || depth == kNestingMax) return false;
    if (type != &PyTuple_Type && type != &PyFrozenSet_Type) graph_.is_lasting = graph_.is_constant = false;
    if (is_set) {
      const py::Ref elements = py::Ref::steal(PySequence_Tuple(object));
      return elements && are_plain(elements.get(), depth + 1);
    }
    if (is_sequence) return are_plain(object, depth + 1);
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    while (PyDict_Next(object, &position, &key, &value) != 0) {
      if (++values_ > kValuesMax || !is_plain(key, depth + 1) || !is_plain(value, depth + 1)) return false;
    }
    return true;
  }
  bool are_plain(PyObject* sequence, int depth) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
      if (++values_ > kValuesMax || !is_plain(PySequence_Fast_GET_ITEM(sequence, i), depth)) return false;
    }
    return true;
  }

  bool take_function(PyObject* object, Slot& slot) {
    PyFunctionObject* const function = as_function(object);
    if (function->func_module == nullptr || !PyUnicode_CheckExact(function->func_module)) return false;
    const std::string_view name = utf8_view(function->func_qualname);
    const bool is_nested = name.find('<') != std::string_view::npos;  // in a function, or a lambda
    if (!is_nested && !is_in_nowhere(function)) {
      if (name.find('.') != std::string_view::npos) return false;
      const py::Ref found = find_imported(function->func_module, function->func_qualname);
      const bool is_tag = found && Py_TYPE(found.get()) == reinterpret_cast<PyTypeObject*>(runtime_.tag_type.get());
      const py::Ref inside = is_tag ? without_tag(runtime_, py::Ref::borrow(found.get())) : py::Ref();
      if (found.get() == object || inside.get() == object) {
        const auto kind = inside ? Graph::Named::Kind::kBehindTag : Graph::Named::Kind::kMember;
        slot.kind = Slot::Kind::kNamed;
        return add_name(object, kind, py::Ref::borrow(function->func_module), py::Ref::borrow(function->func_qualname),
                        slot);
      }
      graph_.is_lasting = false;  // the name may lead back to it later
    }
    slot.kind = Slot::Kind::kFunction;
    slot.index = add_function(object);
    return true;
  }

  // Whether it is a function of a `__main__` that workers cannot run, or is beside the script that they run.
  bool is_in_nowhere(PyFunctionObject* function) {
    if (!is_main(utf8_view(function->func_module))) return false;
    return runtime_.main_is_nowhere || is_beside_script(runtime_, function->func_code);
  }

  bool take_type(PyObject* object, Slot& slot) {
    auto* const type = reinterpret_cast<PyTypeObject*>(object);
    py::Ref module = py::Ref::steal(PyType_GetModuleName(type));
    py::Ref name = module ? py::Ref::steal(PyType_GetQualName(type)) : py::Ref();
    if (!name || !PyUnicode_CheckExact(module.get()) || !PyUnicode_CheckExact(name.get())) return false;
    if (!has_ordinary_metaclass(object)) return false;
    return take_named(object, std::move(module), std::move(name), slot);
  }

  // Whether pickle finds the class by its name whatever its metaclass is.
  static bool has_ordinary_metaclass(PyObject* type) {
    if (Py_TYPE(type) == &PyType_Type) return true;
    const py::Ref copyreg = py::Ref::steal(PyImport_ImportModule("copyreg"));
    const py::Ref table = copyreg ? py::Ref::steal(PyObject_GetAttrString(copyreg.get(), "dispatch_table")) : py::Ref();
    return table && PyDict_Check(table.get()) &&
           PyDict_Contains(table.get(), reinterpret_cast<PyObject*>(Py_TYPE(type))) == 0;
  }

  bool take_builtin(PyObject* object, Slot& slot) {
    PyObject* const self = PyCFunction_GetSelf(object);
    if (self != nullptr && !PyModule_Check(self)) return false;
    py::Ref module = py::Ref::steal(PyObject_GetAttrString(object, "__module__"));
    py::Ref name = module ? py::Ref::steal(PyObject_GetAttrString(object, "__qualname__")) : py::Ref();
    if (!name || !PyUnicode_CheckExact(module.get()) || !PyUnicode_CheckExact(name.get())) return false;
    return take_named(object, std::move(module), std::move(name), slot);
  }

  bool take_tag(PyObject* tag, Slot& slot) {
    const py::Ref inside = without_tag(runtime_, py::Ref::borrow(tag));
    if (!inside || !PyFunction_Check(inside.get())) return false;
    PyFunctionObject* const function = as_function(inside.get());
    if (function->func_module == nullptr || !PyUnicode_CheckExact(function->func_module)) return false;
    if (!is_in_nowhere(function)) {
      const py::Ref reduced = py::Ref::steal(PyObject_CallMethod(tag, "__reduce__", nullptr));
      if (!reduced) return false;
      if (PyUnicode_CheckExact(reduced.get())) {
        return take_named(tag, py::Ref::borrow(function->func_module), py::Ref::borrow(reduced.get()), slot);
      }
      const bool is_plain_tag = PyTuple_Check(reduced.get()) && PyTuple_GET_SIZE(reduced.get()) == 2 &&
                                PyTuple_GET_ITEM(reduced.get(), 0) == runtime_.tag_type.get();
      if (!is_plain_tag) return false;  // its calls carry context variables
      graph_.is_lasting = false;        // the name may lead back to it later
    }
    slot.kind = Slot::Kind::kTag;
    slot.index = add_function(inside.get());
    return true;
  }

  // An object that must be found by this name.
  bool take_named(PyObject* object, py::Ref module, py::Ref name, Slot& slot) {
    if (!PyUnicode_CheckExact(module.get())) return false;
    if (runtime_.main_is_nowhere && is_main(utf8_view(module.get()))) return false;
    if (find_imported(module.get(), name.get()).get() != object) return false;
    const auto kind = name ? Graph::Named::Kind::kMember : Graph::Named::Kind::kModule;
    return add_name(object, kind, std::move(module), std::move(name), slot);
  }

  bool add_name(PyObject* object, Graph::Named::Kind kind, py::Ref module, py::Ref name, Slot& slot) {
    py::Ref reference = weak(object);
    if (!reference) return false;
    graph_.needs_main = graph_.needs_main || is_main(utf8_view(module.get()));
    slot.index = static_cast<std::uint32_t>(graph_.names.size());
    const py::Ref found = kind == Graph::Named::Kind::kModule ? spec_of(object) : py::Ref();
    py::Ref spec = found ? weak(found.get()) : py::Ref();
    if (found && !spec) return false;
    const std::uint32_t version = runtime_.modules.of(std::string(utf8_view(module.get())));
    graph_.names.push_back({kind, std::move(module), std::move(name), std::move(reference), std::move(spec), version});
    return true;
  }

  // Modules that the function may use as attributes of the packages in its globals and cells. Like cloudpickle, this takes
  // those that are imported now and whose names the code contains.
  void find_submodules(PyCodeObject* code, const Graph::Function& function) {
    const auto look = [&](const Slot& slot) {
      if (slot.kind != Slot::Kind::kNamed || graph_.names[slot.index].kind != Graph::Named::Kind::kModule) return;
      const py::Ref module = py::Ref::borrow(graph_.names[slot.index].module.get());
      if (is_package(module.get())) find_submodules_of(module.get(), code);
    };
    for (const Graph::Item& item : graph_.globals[function.globals].list) look(item.slot);
    for (const std::uint32_t cell : function.cells) look(graph_.cells[cell]);
  }
  static bool is_package(PyObject* name) {
    const py::Ref module = find_imported(name, nullptr);
    return module && PyModule_Check(module.get()) && PyDict_ContainsString(PyModule_GetDict(module.get()), "__path__") == 1;
  }
  void find_submodules_of(PyObject* package, PyCodeObject* code) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i) {
      py::Ref name = py::Ref::steal(PyUnicode_FromFormat("%U.%U", package, PyTuple_GET_ITEM(code->co_names, i)));
      const int is_imported = name ? PyDict_Contains(PyImport_GetModuleDict(), name.get()) : 0;
      if (!name || is_imported < 0) {
        graph_.is_lasting = false;
        PyErr_Clear();
        continue;
      }
      const py::Ref submodule = py::Ref::borrow(name.get());
      graph_.submodules.push_back({std::move(name), is_imported != 0});
      if (is_imported != 0 && graph_.submodules.size() < kValuesMax) find_submodules_of(submodule.get(), code);
    }
  }

  static py::Ref weak(PyObject* object) { return py::Ref::steal(PyWeakref_NewRef(object, nullptr)); }

  Runtime& runtime_;
  CodeTable& codes_;
  Graph graph_;
  std::vector<py::Ref> functions_;
  Memo function_memo_;
  Memo cell_memo_;
  Memo globals_memo_;
  std::deque<Memo> names_of_globals_;
  py::Ref builtins_;  // the module
  std::size_t values_ = 0;
};

}  // namespace

std::shared_ptr<FunctionGraph> survey_function(Runtime& runtime, CodeTable& codes, PyObject* function) {
  Survey survey(runtime, codes);
  if (!survey.survey(function)) {
    static_cast<void>(py::clear_ordinary_exception());
    return nullptr;
  }
  return std::make_shared<FunctionGraph>(survey.take());
}

}  // namespace aiointerpreters::codec
