// See exporter.h. Neither type holds a Python object, so they do not need the garbage collector.
#include "codec/exporter.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

struct Exporter {
  PyObject_HEAD
  PyObject* weak_references;
  BlockView view;
};

BlockView& view_of(PyObject* self) noexcept { return reinterpret_cast<Exporter*>(self)->view; }

py::Ref make_exporter(PyTypeObject* type, BlockView view) {
  py::Ref self = py::Ref::steal(type->tp_alloc(type, 0));
  if (self) std::construct_at(&view_of(self.get()), std::move(view));
  return self;
}

void exporter_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_ClearWeakRefs(self);
  std::destroy_at(&view_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// Always exposes everything. memoryview reduces it to what the consumer requests.
int exporter_getbuffer(PyObject* self, Py_buffer* out, int flags) {
  if ((flags & PyBUF_FULL_RO) != PyBUF_FULL_RO) {
    const py::Ref view = py::Ref::steal(PyMemoryView_FromObject(self));
    return view ? PyObject_GetBuffer(view.get(), out, flags) : -1;
  }
  Geometry& geometry = view_of(self).geometry;
  if ((flags & PyBUF_WRITABLE) != 0 && geometry.readonly) {
    out->obj = nullptr;
    PyErr_SetString(PyExc_BufferError, "a writable buffer was requested, but the memory is read-only");
    return -1;
  }
  const bool scalar = geometry.shape.empty();
  *out = {
      .buf = geometry.start,
      .obj = Py_NewRef(self),
      .len = geometry.size,
      .itemsize = geometry.item_size,
      .readonly = geometry.readonly ? 1 : 0,
      .ndim = static_cast<int>(geometry.shape.size()),
      .format = geometry.format.data(),
      .shape = scalar ? nullptr : geometry.shape.data(),
      .strides = scalar ? nullptr : geometry.strides.data(),
      .suboffsets = geometry.suboffsets.empty() ? nullptr : geometry.suboffsets.data(),
      .internal = nullptr,
  };
  return 0;
}

// ---- SharedBuffer

PyObject* buffer_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const kKeywords[] = {"nbytes", nullptr};
  Py_ssize_t size = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n:SharedBuffer", const_cast<char**>(kKeywords), &size)) return nullptr;
  if (size < 0) {
    PyErr_SetString(PyExc_ValueError, "nbytes must be 0 or more");
    return nullptr;
  }
  return py::guarded<PyObject*>(nullptr, [&] {
    BlockPtr block(std::make_unique<SharedBlock>(static_cast<std::size_t>(size)).release());
    Geometry geometry{.start = block->data(), .size = size, .shape = {size}, .strides = {1}, .suboffsets = {}};
    return make_exporter(type, {std::move(block), std::move(geometry)}).release();
  });
}

Py_ssize_t buffer_length(PyObject* self) { return view_of(self).geometry.size; }

PyObject* buffer_nbytes(PyObject* self, void*) { return PyLong_FromSsize_t(view_of(self).geometry.size); }

PyObject* buffer_repr(PyObject* self) {
  return PyUnicode_FromFormat("<SharedBuffer of %zd bytes at %p>", view_of(self).geometry.size,
                              view_of(self).geometry.start);
}

PyObject* buffer_reduce(PyObject*, PyObject*) {
  PyErr_SetString(
      PyExc_TypeError,
      "a SharedBuffer cannot be pickled, because it is memory of this process: pass the SharedBuffer itself to the task");
  return nullptr;
}

PyMethodDef kBufferMethods[] = {
    {"__reduce__", buffer_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kBufferGetSet[] = {
    {"nbytes", buffer_nbytes, nullptr, "The size in bytes.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

constexpr const char* kBufferDoc =
    "SharedBuffer(nbytes)\n--\n\n"
    "Writable memory that every interpreter of the process can see. At first it is filled with zeros.\n\n"
    "Pass it to a task or return it from one, alone or inside other objects. It arrives as a SharedBuffer over the same\n"
    "memory, and a memoryview of it arrives as a view of the same memory. Nothing is copied. The memory is freed when\n"
    "the last SharedBuffer and the last view of it are gone, in every interpreter.\n\n"
    "It supports the buffer protocol (PEP 688): `memoryview(buffer)` reads and writes it. It has no lock. If several\n"
    "interpreters write to the same part at the same time, you have to synchronize them. It cannot be pickled.\n\n"
    "Args:\n"
    "    nbytes: Size in bytes, 0 or more.\n\n"
    "Raises:\n"
    "    ValueError: `nbytes` is negative.\n"
    "    MemoryError: The system does not have enough memory.";

PyMemberDef kMembers[] = {
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(Exporter, weak_references), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kBufferSlots[] = {
    {Py_tp_members, kMembers},
    {Py_tp_doc, const_cast<char*>(kBufferDoc)},
    {Py_tp_new, reinterpret_cast<void*>(buffer_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(exporter_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(buffer_repr)},
    {Py_tp_methods, kBufferMethods},
    {Py_tp_getset, kBufferGetSet},
    {Py_sq_length, reinterpret_cast<void*>(buffer_length)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(exporter_getbuffer)},
    {0, nullptr},
};

PyType_Spec kBufferSpec = {
    .name = "aiointerpreters.SharedBuffer",
    .basicsize = sizeof(Exporter),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kBufferSlots,
};

// ---- Lease

PyType_Slot kLeaseSlots[] = {
    {Py_tp_members, kMembers},
    {Py_tp_doc, const_cast<char*>("Memory of another interpreter. A memoryview that has crossed is a view of it.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(exporter_dealloc)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(exporter_getbuffer)},
    {0, nullptr},
};

PyType_Spec kLeaseSpec = {
    .name = "aiointerpreters._core.Lease",
    .basicsize = sizeof(Exporter),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kLeaseSlots,
};

PyTypeObject* type_in(const py::Ref& ref) noexcept { return reinterpret_cast<PyTypeObject*>(ref.get()); }

}  // namespace

py::Ref make_shared_buffer_type(PyObject* module) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kBufferSpec, nullptr));
}

py::Ref make_lease_type(PyObject* module) { return py::Ref::steal(PyType_FromModuleAndSpec(module, &kLeaseSpec, nullptr)); }

const BlockView* exported_view(const Runtime& runtime, PyObject* object) noexcept {
  const bool exports = is_shared_buffer(runtime, object) || Py_IS_TYPE(object, type_in(runtime.lease_type));
  return exports ? &view_of(object) : nullptr;
}

bool is_shared_buffer(const Runtime& runtime, PyObject* object) noexcept {
  return Py_IS_TYPE(object, type_in(runtime.shared_buffer_type));
}

py::Ref make_shared_buffer(const Runtime& runtime, BlockView view) {
  return make_exporter(type_in(runtime.shared_buffer_type), std::move(view));
}

py::Ref make_view(const Runtime& runtime, BlockView view) {
  const py::Ref lease = make_exporter(type_in(runtime.lease_type), std::move(view));
  return lease ? py::Ref::steal(PyMemoryView_FromObject(lease.get())) : py::Ref();
}

}  // namespace aiointerpreters::codec
