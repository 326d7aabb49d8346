// See tag_type.h. The object is transparent: calls go to the callable, and so do attributes that the object itself does not
// have.
#include "binding/tag_type.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "binding/carried_context.h"
#include "binding/lost_tags.h"
#include "binding/tag_doc.h"
#include "py/error.h"
#include "py/method.h"
#include "py/partial.h"

namespace aiointerpreters::binding {

namespace {

struct Tag {
  PyObject_HEAD
  PyObject* fn;
  PyObject* context;  // the context variables that its calls carry (carried_context.h), or null
  Routing routing;
  vectorcallfunc vectorcall;
  codec::CallablePtr ref;  // null until `submit` finds that it crosses by reference, or `capture` sets it
};

Tag* as_tag(PyObject* self) noexcept { return reinterpret_cast<Tag*>(self); }

PyObject* tag_vectorcall(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames) {
  return PyObject_Vectorcall(as_tag(self)->fn, args, nargsf, kwnames);
}

// The same, for a tag that may be lost.
PyObject* tag_vectorcall_watched(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames) {
  PyObject* const module = PyType_GetModuleByDef(Py_TYPE(self), &module_definition);
  const int is_known = module == nullptr ? -1 : watch_direct_call(state_of(module), as_tag(self)->fn);
  if (is_known < 0) return nullptr;
  if (is_known > 0) as_tag(self)->vectorcall = tag_vectorcall;
  return tag_vectorcall(self, args, nargsf, kwnames);
}

// In a worker, a direct call is right.
vectorcallfunc vectorcall_of(const ModuleState& state) noexcept {
  return state.warns_of_lost_tags && !state.runtime.module ? tag_vectorcall_watched : tag_vectorcall;
}

// Returns new: a tag of type `type` around `fn`. `context` may be null.
PyObject* make_tag(PyTypeObject* type, vectorcallfunc vectorcall, PyObject* fn, PyObject* context, Routing routing,
                   codec::CallablePtr ref) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  Tag* tag = as_tag(self);
  std::construct_at(&tag->ref, std::move(ref));
  tag->fn = Py_NewRef(fn);
  tag->context = Py_XNewRef(context);
  tag->routing = routing;
  tag->vectorcall = vectorcall;
  return self;
}

// The context variables of a tag that is `fn`, or that is inside partials. Returns null without an exception if there are
// none.
py::Ref declared_inside(const ModuleState& state, PyObject* fn) {
  const py::Ref inside = py::inside_partials(fn);
  return inside && is_tag(state, inside.get()) ? py::Ref::borrow(as_tag(inside.get())->context) : py::Ref();
}

// Returns new; null with TypeError set if `fn` cannot be tagged.
PyObject* tag_callable(PyTypeObject* type, PyObject* fn, PyObject* context, Routing routing = {}) {
  PyObject* module = PyType_GetModuleByDef(type, &module_definition);
  if (module == nullptr) return nullptr;
  const ModuleState& state = state_of(module);
  py::Ref declared = declared_inside(state, fn);
  if (context != nullptr) {
    declared = py::Ref::steal(declared ? PySequence_Concat(declared.get(), context) : Py_NewRef(context));
    if (!declared) return nullptr;
  }
  if (is_tag(state, fn)) {  // do not nest tags
    if (!routing.is_set()) routing = as_tag(fn)->routing;
    fn = as_tag(fn)->fn;
  }
  if (!PyCallable_Check(fn) && !PyObject_TypeCheck(fn, &PyClassMethod_Type)) {
    return PyErr_Format(PyExc_TypeError, "interpreter() takes a callable, not %R", fn);
  }
  return make_tag(type, vectorcall_of(state), fn, declared.get(), routing, nullptr);
}

// Reads the keyword arguments of `interpreter`. False with an exception set.
bool read_routing(PyObject* fallback, PyObject* lane, Routing& routing) {
  if (!read_fallback(fallback, routing.fallback) || !read_lane(lane, routing.in_process)) return false;
  if (!routing.in_process || routing.fallback == Fallback::kUnset) return true;
  PyErr_SetString(PyExc_ValueError, "a function with lane='process' has no fallback");
  return false;
}

// The decorator that `interpreter(fallback=..., lane=...)` and `with_context` return. `options` is a tuple of the type, the
// declared variables or None, and the two arguments.
PyObject* tag_with_options(PyObject* options, PyObject* fn) {
  Routing routing;
  if (!read_routing(PyTuple_GET_ITEM(options, 2), PyTuple_GET_ITEM(options, 3), routing)) return nullptr;
  PyObject* const context = PyTuple_GET_ITEM(options, 1);
  return tag_callable(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(options, 0)), fn,
                      context == Py_None ? nullptr : context, routing);
}

// Null arguments stand for None. Returns new.
PyObject* make_decorator(PyObject* type, PyObject* context, PyObject* fallback, PyObject* lane) {
  static PyMethodDef decorator = {"interpreter", tag_with_options, METH_O, nullptr};
  const auto given = [](PyObject* value) { return value == nullptr ? Py_None : value; };
  const py::Ref options = py::Ref::steal(PyTuple_Pack(4, type, given(context), given(fallback), given(lane)));
  return options ? PyCFunction_New(&decorator, options.get()) : nullptr;
}

PyObject* tag_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const kKeywords[] = {"fn", "fallback", "lane", nullptr};
  PyObject* fn = nullptr;
  PyObject* fallback = nullptr;
  PyObject* lane = nullptr;
  Routing routing;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$OO:interpreter", const_cast<char**>(kKeywords), &fn, &fallback,
                                   &lane) ||
      !read_routing(fallback, lane, routing)) {
    return nullptr;
  }
  const bool has_options = fallback != nullptr || lane != nullptr;
  if (fn != nullptr && (fn != Py_None || !has_options)) return tag_callable(type, fn, nullptr, routing);
  if (!has_options) {
    PyErr_SetString(PyExc_TypeError, "interpreter() missing required argument 'fn' (pos 1)");
    return nullptr;
  }
  return make_decorator(reinterpret_cast<PyObject*>(type), nullptr, fallback, lane);
}

PyObject* tag_type_with_context(PyObject* type, PyObject* variables, PyObject* kwargs) {
  static const char* const kKeywords[] = {"fallback", "lane", nullptr};
  PyObject* fallback = nullptr;
  PyObject* lane = nullptr;
  Routing routing;
  const py::Ref nothing = py::Ref::steal(PyTuple_New(0));
  if (!nothing ||
      PyArg_ParseTupleAndKeywords(nothing.get(), kwargs, "|$OO:with_context", const_cast<char**>(kKeywords), &fallback,
                                  &lane) == 0 ||
      !read_routing(fallback, lane, routing)) {
    return nullptr;
  }
  const py::Ref context = declare_context(variables);
  if (!context && PyErr_Occurred() != nullptr) return nullptr;
  return make_decorator(type, context.get(), fallback, lane);
}

int tag_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_tag(self)->fn);
  Py_VISIT(as_tag(self)->context);
  return PyObject_VisitManagedDict(self, visit, arg);
}

int tag_clear(PyObject* self) {
  Py_CLEAR(as_tag(self)->fn);
  Py_CLEAR(as_tag(self)->context);
  PyObject_ClearManagedDict(self);
  return 0;
}

void tag_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  PyObject_ClearWeakRefs(self);
  tag_clear(self);
  std::destroy_at(&as_tag(self)->ref);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* tag_repr(PyObject* self) {
  const Routing routing = as_tag(self)->routing;
  PyObject* const fn = as_tag(self)->fn;
  if (routing.in_process) return PyUnicode_FromFormat("interpreter(%R, lane='process')", fn);
  const char* const fallback = fallback_name(routing.fallback);
  return fallback == nullptr ? PyUnicode_FromFormat("interpreter(%R)", fn)
                             : PyUnicode_FromFormat("interpreter(%R, fallback='%s')", fn, fallback);
}

PyObject* tag_getattro(PyObject* self, PyObject* name) {
  PyObject* const fn = as_tag(self)->fn;
  // These two are read from the type: there they describe the tag, not its callable.
  if (PyUnicode_EqualToUTF8(name, "__doc__") || PyUnicode_EqualToUTF8(name, "__module__")) return PyObject_GetAttr(fn, name);
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  return PyObject_GetAttr(fn, name);
}

PyObject* tag_richcompare(PyObject* self, PyObject* other, int operation) {
  PyObject* module = PyType_GetModuleByDef(Py_TYPE(self), &module_definition);
  if (module == nullptr) return nullptr;
  if (!is_tag(state_of(module), other)) Py_RETURN_NOTIMPLEMENTED;
  return PyObject_RichCompare(as_tag(self)->fn, as_tag(other)->fn, operation);
}

Py_hash_t tag_hash(PyObject* self) { return PyObject_Hash(as_tag(self)->fn); }

PyObject* tag_descr_get(PyObject* self, PyObject* instance, PyObject* owner) {
  PyObject* const fn = as_tag(self)->fn;
  const descrgetfunc get = Py_TYPE(fn)->tp_descr_get;
  if (get == nullptr) return Py_NewRef(self);
  py::Ref bound = py::Ref::steal(get(fn, instance, owner));
  if (!bound) return nullptr;
  if (bound.get() == fn) return Py_NewRef(self);
  const Tag& like = *as_tag(self);
  return make_tag(Py_TYPE(self), like.vectorcall, bound.get(), like.context, like.routing, nullptr);
}

PyObject* tag_get_fn(PyObject* self, void*) { return Py_NewRef(as_tag(self)->fn); }

// Reduced to its name if its module's name leads back to the tag, as for any global; otherwise to its content.
PyObject* tag_reduce(PyObject* self, PyObject*) {
  py::Ref module_name = py::Ref::steal(PyObject_GetAttrString(as_tag(self)->fn, "__module__"));
  py::Ref qualname = module_name ? py::Ref::steal(PyObject_GetAttrString(as_tag(self)->fn, "__qualname__")) : py::Ref();
  if (qualname && PyUnicode_Check(module_name.get()) && PyUnicode_Check(qualname.get())) {
    py::Ref found = py::Ref::steal(PyImport_GetModule(module_name.get()));
    py::Ref dot = py::Ref::steal(PyUnicode_FromString("."));
    py::Ref parts = found && dot ? py::Ref::steal(PyUnicode_Split(qualname.get(), dot.get(), -1)) : py::Ref();
    for (Py_ssize_t i = 0; parts && found && i < PyList_GET_SIZE(parts.get()); ++i) {
      found = py::Ref::steal(PyObject_GetAttr(found.get(), PyList_GET_ITEM(parts.get(), i)));
    }
    if (parts && found.get() == self) return qualname.release();
  }
  PyErr_Clear();
  if (const Routing routing = as_tag(self)->routing; routing.is_set()) {
    const py::Ref plain = py::Ref::steal(
        make_tag(Py_TYPE(self), as_tag(self)->vectorcall, as_tag(self)->fn, as_tag(self)->context, {}, nullptr));
    const py::Ref tags = py::Ref::steal(PyImport_ImportModule("aiointerpreters._context"));
    return plain && tags ? PyObject_CallMethod(tags.get(), "reduce_routing", "OOzz", Py_TYPE(self), plain.get(),
                                               fallback_name(routing.fallback), routing.in_process ? "process" : nullptr)
                         : nullptr;
  }
  PyObject* const context = as_tag(self)->context;
  if (context == nullptr) return Py_BuildValue("O(O)", Py_TYPE(self), as_tag(self)->fn);
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._context"));
  return module ? PyObject_CallMethod(module.get(), "reduce", "OOO", Py_TYPE(self), as_tag(self)->fn, context) : nullptr;
}

PyMethodDef kTagMethods[] = {
    {"with_context", py::as_method(tag_type_with_context), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "with_context($type, /, *variables, fallback=None, lane=None)\n--\n\n"
     "Return a decorator that tags a callable. Context variables are then copied to the worker with its calls.\n\n"
     "During the call the variables have the values that they had when the call was submitted. Changes in the worker do\n"
     "not come back.\n\n"
     "Args:\n"
     "    variables: Objects of contextvars.ContextVar. Each must be an attribute of a module, because workers find it by\n"
     "        that name. Variables that the callable has declared before are kept.\n"
     "    fallback: As for `interpreter`.\n"
     "    lane: As for `interpreter`.\n\n"
     "Raises:\n"
     "    TypeError: An argument is not a ContextVar.\n"
     "    ValueError: A variable is not an attribute of a module, or another argument is unknown."},
    {"__reduce__", tag_reduce, METH_NOARGS, nullptr},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kTagGetSet[] = {
    {"fn", tag_get_fn, nullptr, "The callable that was tagged.", nullptr},
    {"__wrapped__", tag_get_fn, nullptr, "The callable that was tagged, for inspect.unwrap.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef kTagMembers[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Tag, vectorcall), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

constexpr const char* kDoc =
    "interpreter(fn=None, *, fallback=None, lane=None)\n--\n\n"
    "Tag a callable so that an executor runs it in a worker's own interpreter.\n\n"
    "Use it as a decorator, or where the function is used: `interpreter(fn)`. Calling the tagged object calls `fn` in\n"
    "the current interpreter, as if it were not tagged.\n\n"
    "Args:\n"
    "    fn: A function, coroutine function, builtin, class, bound method, functools.partial or callable object. Without\n"
    "        it, `interpreter(fallback=...)` returns a decorator.\n"
    "    fallback: What happens to calls that no interpreter can run: `\"error\"`, `\"thread\"` or `\"process\"`. If None, "
    "the\n"
    "        executor decides.\n"
    "    lane: Where all calls run. `\"process\"`: in other processes. `\"interpreter\"` or None: in interpreters.\n\n"
    "Raises:\n"
    "    TypeError: `fn` cannot be called, or another argument is not a string.\n"
    "    ValueError: Another argument is unknown, or both are given and the lane is `\"process\"`.";

PyType_Slot kTagSlots[] = {
    {Py_tp_doc, const_cast<char*>(kDoc)},
    {Py_tp_new, reinterpret_cast<void*>(tag_new)},
    {Py_tp_traverse, reinterpret_cast<void*>(tag_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(tag_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(tag_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(tag_repr)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_getattro, reinterpret_cast<void*>(tag_getattro)},
    {Py_tp_richcompare, reinterpret_cast<void*>(tag_richcompare)},
    {Py_tp_hash, reinterpret_cast<void*>(tag_hash)},
    {Py_tp_descr_get, reinterpret_cast<void*>(tag_descr_get)},
    {Py_tp_methods, kTagMethods},
    {Py_tp_getset, kTagGetSet},
    {Py_tp_members, kTagMembers},
    {0, nullptr},
};

PyType_Spec kTagSpec = {
    .name = "aiointerpreters.interpreter",
    .basicsize = sizeof(Tag),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF,
    .slots = kTagSlots,
};

}  // namespace

py::Ref make_tag_type(PyObject* module) {
  py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(module, &kTagSpec, nullptr));
  const py::Ref match_args = py::Ref::steal(Py_BuildValue("(s)", "fn"));  // `case interpreter(fn):`
  if (!type || !match_args || PyObject_SetAttrString(type.get(), "__match_args__", match_args.get()) < 0) return {};
  return add_tag_doc(type.get()) ? std::move(type) : py::Ref();
}

PyObject* tagged_callable(PyObject* tag) noexcept { return as_tag(tag)->fn; }

PyObject* tagged_context(PyObject* tag) noexcept { return as_tag(tag)->context; }

Routing tagged_routing(PyObject* tag) noexcept { return as_tag(tag)->routing; }

codec::CallablePtr describe_callable(ModuleState& state, PyObject* callable) {
  if (codec::CallablePtr known = state.callables.known_by_name(callable)) return known;
  // How a function of `__main__` crosses depends on what `__main__` is now.
  if (!state.environment.refresh(state.runtime)) return nullptr;
  return state.callables.describe(state.runtime, callable);
}

codec::CallablePtr describe_tagged(ModuleState& state, PyObject* tag) {
  if (as_tag(tag)->ref) return as_tag(tag)->ref;
  codec::CallablePtr ref = describe_callable(state, as_tag(tag)->fn);
  if (ref && ref->by_reference()) as_tag(tag)->ref = ref;
  return ref;
}

py::Ref capture(ModuleState& state, PyObject* tag, Fallback fallback) {
  codec::CallablePtr ref = describe_tagged(state, tag);
  const Tag& like = *as_tag(tag);
  if (!ref && like.routing.or_else(fallback).is_flexible() && py::clear_ordinary_exception()) return py::Ref::borrow(tag);
  if (!ref) return {};
  return py::Ref::steal(make_tag(Py_TYPE(tag), like.vectorcall, like.fn, like.context, like.routing, std::move(ref)));
}

}  // namespace aiointerpreters::binding
