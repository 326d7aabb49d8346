// See tag_doc.h.
#include "binding/tag_doc.h"

#include "binding/tag_type.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

namespace {

struct TagDoc {
  PyObject_HEAD
  PyObject* text;  // the type's text: a str, or None
};

PyObject*& text_of(PyObject* self) noexcept { return reinterpret_cast<TagDoc*>(self)->text; }

PyObject* doc_get(PyObject* self, PyObject* tag, PyObject*) {
  if (tag == nullptr || tag == Py_None) return Py_NewRef(text_of(self));
  return PyObject_GetAttrString(tagged_callable(tag), "__doc__");
}

// The collector has to see the type here. At the end of an interpreter, the whole module may get only one collection.
int doc_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return 0;
}

void doc_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_CLEAR(text_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot kTagDocSlots[] = {
    {Py_tp_descr_get, reinterpret_cast<void*>(doc_get)},
    {Py_tp_dealloc, reinterpret_cast<void*>(doc_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(doc_traverse)},
    {0, nullptr},
};

PyType_Spec kTagDocSpec = {
    .name = "aiointerpreters._core.TagDoc",
    .basicsize = sizeof(TagDoc),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kTagDocSlots,
};

}  // namespace

bool add_tag_doc(PyObject* tag_type) {
  const py::Ref type = py::Ref::steal(PyType_FromSpec(&kTagDocSpec));
  py::Ref text = type ? py::Ref::steal(PyObject_GetAttrString(tag_type, "__doc__")) : py::Ref();
  if (!text) return false;
  auto* const doc_type = reinterpret_cast<PyTypeObject*>(type.get());
  const py::Ref doc = py::Ref::steal(doc_type->tp_alloc(doc_type, 0));
  if (!doc) return false;
  text_of(doc.get()) = text.release();
  return PyObject_SetAttrString(tag_type, "__doc__", doc.get()) == 0;
}

}  // namespace aiointerpreters::binding
