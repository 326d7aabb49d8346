// See arrays.h.
#include "codec/arrays.h"

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "codec/exporter.h"
#include "codec/imported_type.h"
#include "codec/pickling.h"

namespace aiointerpreters::codec {

namespace {

// The fields of `__array_struct__` (The array interface protocol, version 3, in NumPy's documentation).
struct ArrayInterface {
  int two;
  int dimensions;
  char kind;
  int item_size;
  int flags;
  Py_ssize_t* shape;
  Py_ssize_t* strides;
  void* data;
};
constexpr int kWriteable = 0x400;

// The kinds of elements that are only bytes. 'V' is not among them, because it may contain others.
constexpr char kPlainKinds[] = "biufcmMSU";
constexpr char kStructured = 'V';

// The limit of views on views. NumPy and memoryview themselves refer to the lowest one.
constexpr int kViewsMax = 8;

// Whether the elements are only bytes. -1: an exception is set.
int is_plain_dtype(PyObject* dtype, char kind) {
  if (kind != kStructured) return kind != '\0' && std::strchr(kPlainKinds, kind) != nullptr ? 1 : 0;
  const py::Ref has_object = py::Ref::steal(PyObject_GetAttrString(dtype, "hasobject"));
  return has_object ? PyObject_Not(has_object.get()) : -1;
}

// Whether the elements may be written to. -1: an exception is set.
int is_writeable(PyObject* array, const ArrayInterface& facts) {
  // NumPy clears all flags if it describes fields.
  if (facts.kind != kStructured) return (facts.flags & kWriteable) != 0 ? 1 : 0;
  const py::Ref flags = py::Ref::steal(PyObject_GetAttrString(array, "flags"));
  const py::Ref writeable = flags ? py::Ref::steal(PyObject_GetAttrString(flags.get(), "writeable")) : py::Ref();
  return writeable ? PyObject_IsTrue(writeable.get()) : -1;
}

// The Lease or SharedBuffer whose memory an array uses. Null without an exception if there is none.
py::Ref exporter_below(const Runtime& runtime, PyObject* array) {
  py::Ref below = py::Ref::borrow(array);
  for (int i = 0; i < kViewsMax; ++i) {
    if (exported_view(runtime, below.get()) != nullptr) return below;
    if (PyMemoryView_Check(below.get())) {
      below = py::Ref::borrow(PyMemoryView_GET_BASE(below.get()));
    } else if (PyObject_TypeCheck(below.get(), reinterpret_cast<PyTypeObject*>(runtime.array_type.get())) != 0) {
      below = py::Ref::steal(PyObject_GetAttrString(below.get(), "base"));
      PyErr_Clear();
    } else {
      return {};
    }
    if (!below) return {};
  }
  return {};
}

bool contains(const Geometry& geometry, const Extent& extent) {
  if (geometry.size == 0 || !geometry.suboffsets.empty()) return false;
  const Extent all = extent_of(geometry);
  return all.begin <= extent.begin && extent.begin + extent.size <= all.begin + all.size;
}

py::Ref tuple_of_sizes(const std::vector<std::ptrdiff_t>& numbers) {
  py::Ref tuple = py::Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(numbers.size())));
  for (std::size_t i = 0; tuple && i < numbers.size(); ++i) {
    PyObject* const number = PyLong_FromSsize_t(numbers[i]);
    if (number == nullptr) return {};
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), number);
  }
  return tuple;
}

// NumPy's own reduction. An array over a file (memmap) is reduced as a plain array.
py::Ref reduce_plainly(const Runtime& runtime, PyObject* array) {
  const py::Ref plain = Py_IS_TYPE(array, reinterpret_cast<PyTypeObject*>(runtime.array_type.get()))
                            ? py::Ref::borrow(array)
                            : py::Ref::steal(PyObject_CallMethod(array, "view", "O", runtime.array_type.get()));
  return plain ? py::Ref::steal(PyObject_CallMethod(plain.get(), "__reduce_ex__", "i", kPickleProtocol)) : py::Ref();
}

// Whether NumPy itself defines the element type. -1: an exception is set.
int is_numpys_own(PyObject* dtype) {
  // Registered by another package. Its text may be the same as that of one of NumPy's own types, or NumPy may not be able
  // to read it.
  constexpr long kRegistered = 2;
  const py::Ref kind = py::Ref::steal(PyObject_GetAttrString(dtype, "isbuiltin"));
  const long number = kind ? PyLong_AsLong(kind.get()) : -1;
  return number == -1 && PyErr_Occurred() != nullptr ? -1 : number != kRegistered ? 1 : 0;
}

// The argument of `numpy.ndarray` for the element type. This is its text if that is complete, because a text is faster to
// write and read.
py::Ref type_argument(PyObject* dtype, char kind) {
  const int has_text = kind == kStructured ? 0 : is_numpys_own(dtype);
  if (has_text < 0) return {};
  if (has_text != 0) {
    const py::Ref metadata = py::Ref::steal(PyObject_GetAttrString(dtype, "metadata"));
    if (!metadata || metadata.get() == Py_None)
      return metadata ? py::Ref::steal(PyObject_GetAttrString(dtype, "str")) : py::Ref();
  }
  return py::Ref::borrow(dtype);
}

// `numpy.ndarray(shape, dtype, memory, offset, strides)`
py::Ref reduction(const Runtime& runtime, const py::Ref& dtype, BlockView view) {
  const Extent extent = extent_of(view.geometry);
  const py::Ref shape = tuple_of_sizes(view.geometry.shape);
  const py::Ref strides = tuple_of_sizes(view.geometry.strides);
  Geometry flat{.start = extent.begin,
                .size = extent.size,
                .readonly = view.geometry.readonly,
                .shape = {extent.size},
                .strides = {1},
                .suboffsets = {}};
  const py::Ref memory = make_view(runtime, {std::move(view.block), std::move(flat), view.is_own});
  if (!dtype || !shape || !strides || !memory) return {};
  return py::Ref::steal(Py_BuildValue("O(OOOnO)", runtime.array_type.get(), shape.get(), dtype.get(), memory.get(),
                                      extent.first, strides.get()));
}

}  // namespace

bool knows_arrays(Runtime& runtime) {
  if (runtime.array_type) return true;
  py::Ref mapped = imported_type(runtime.names.numpy, "numpy", "memmap");
  py::Ref plain = mapped ? imported_type(runtime.names.numpy, "numpy", "ndarray") : py::Ref();
  if (!plain) return false;
  runtime.mapped_array_type = std::move(mapped);
  runtime.array_type = std::move(plain);
  return true;
}

py::Ref reduce_array(const Runtime& runtime, PyObject* array, Views views) {
  const py::Ref capsule = py::Ref::steal(PyObject_GetAttrString(array, "__array_struct__"));
  const py::Ref dtype = capsule ? py::Ref::steal(PyObject_GetAttrString(array, "dtype")) : py::Ref();
  const auto* const facts =
      dtype ? static_cast<const ArrayInterface*>(PyCapsule_GetPointer(capsule.get(), nullptr)) : nullptr;
  const int plain = facts == nullptr ? -1 : is_plain_dtype(dtype.get(), facts->kind);
  const int writeable = plain < 0 ? -1 : is_writeable(array, *facts);
  if (writeable < 0) return {};
  Py_ssize_t size = facts->item_size;
  for (int i = 0; i < facts->dimensions; ++i) size *= facts->shape[i];
  if (plain == 0 || size == 0 || views == Views::kNone) return reduce_plainly(runtime, array);
  const py::Ref exporter = exporter_below(runtime, array);
  const BlockView* known = exporter ? exported_view(runtime, exporter.get()) : nullptr;
  const Py_buffer buffer{
      .buf = facts->data,
      .obj = nullptr,
      .len = size,
      .itemsize = facts->item_size,
      .readonly = writeable != 0 ? 0 : 1,
      .ndim = facts->dimensions,
      .format = nullptr,
      .shape = facts->shape,
      .strides = facts->strides,
      .suboffsets = nullptr,
      .internal = nullptr,
  };
  if (known != nullptr && !contains(known->geometry, extent_of(geometry_of(buffer)))) known = nullptr;
  if (known == nullptr && views == Views::kCopy && static_cast<std::size_t>(size) < kHeldMin)
    return reduce_plainly(runtime, array);
  BlockView view;
  if (!share_memory(runtime, array, buffer, known, views, view)) return {};
  return reduction(runtime, type_argument(dtype.get(), facts->kind), std::move(view));
}

}  // namespace aiointerpreters::codec
