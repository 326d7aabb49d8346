// See attachment.h.
#include "codec/attachment.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/pages.h"
#include "codec/array_memory.h"
#include "codec/arrow_stream.h"
#include "codec/exporter.h"
#include "py/attach.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

constexpr char kQueueModule[] = "concurrent.interpreters._queues";  // defines the class; its parent exports it

// Copies in C order. Errors: false with an exception set.
bool copy_in_order(const Geometry& from, void* to) {
  const auto changeable = [](const std::vector<std::ptrdiff_t>& numbers) {
    return const_cast<std::ptrdiff_t*>(numbers.data());
  };
  const Py_buffer buffer{
      .buf = from.start,
      .obj = nullptr,
      .len = from.size,
      .itemsize = from.item_size,
      .readonly = 1,
      .ndim = static_cast<int>(from.shape.size()),
      .format = const_cast<char*>(from.format.c_str()),
      .shape = changeable(from.shape),
      .strides = changeable(from.strides),
      .suboffsets = from.suboffsets.empty() ? nullptr : changeable(from.suboffsets),
      .internal = nullptr,
  };
  return PyBuffer_ToContiguous(to, &buffer, buffer.len, 'C') == 0;
}

// Copies the exposed part of the memory into a block of the process: either the bytes unchanged, or the elements one after
// the other, whichever is less. False with an exception set.
bool copy_shown(const Geometry& from, BlockView& out) {
  Geometry geometry = from;
  const bool has_extent = from.size != 0 && from.suboffsets.empty();
  const Extent extent = has_extent ? extent_of(from) : Extent{};
  const bool as_it_lies = has_extent && extent.size <= from.size;
  const std::ptrdiff_t size = as_it_lies ? extent.size : from.size;
  BlockPtr block(std::make_unique<SharedBlock>(static_cast<std::size_t>(size)).release());
  if (as_it_lies) {
    std::memcpy(block->data(), extent.begin, static_cast<std::size_t>(extent.size));
    geometry.start = block->data() + extent.first;
  } else {
    if (!copy_in_order(from, block->data())) return false;
    geometry.start = block->data();
    geometry.suboffsets.clear();
    std::ptrdiff_t stride = geometry.item_size;
    for (std::size_t i = geometry.shape.size(); i-- > 0;) {
      geometry.strides[i] = stride;
      stride *= geometry.shape[i];
    }
  }
  out = {std::move(block), std::move(geometry)};
  return true;
}

// The block that belongs to this interpreter's arrays and contains this memory, or null.
ArrayBlockPtr own_block(const Runtime& runtime, const Py_buffer& buffer) {
  if (!runtime.array_memory || buffer.len == 0 || buffer.suboffsets != nullptr) return {};
  const Extent extent = extent_of(geometry_of(buffer));
  return runtime.array_memory->find(extent.begin, static_cast<std::size_t>(extent.size));
}

// Fills a new object from held content. Detaches meanwhile if the content is large.
bool fill(void* destination, std::size_t size, HeldContent& content) {
  constexpr std::size_t kMuch = std::size_t{1} << 20;
  const base::LargePages fresh(destination, size);
  const auto copy = [&] { return content.copy_to(destination); };
  if (size < kMuch ? copy() : py::detached(copy)) return true;
  PyErr_NoMemory();
  return false;
}

struct Rebuilder {
  const Runtime& runtime;

  py::Ref operator()(const BlockView& view) const { return make_view(runtime, {view.block, view.geometry}); }
  py::Ref operator()(const WholeBuffer& buffer) const { return make_shared_buffer(runtime, buffer.view); }
  py::Ref operator()(const HeldBytes& held) const {
    py::Ref bytes = py::Ref::steal(PyBytes_FromStringAndSize(nullptr, held.size));
    if (bytes && !fill(PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(held.size), *held.content)) return {};
    return bytes;
  }
  py::Ref operator()(const HeldStr& held) const {
    py::Ref str = py::Ref::steal(PyUnicode_New(held.length, held.max_char));
    const std::size_t size = static_cast<std::size_t>(held.length) * held.width;
    if (str && !fill(PyUnicode_DATA(str.get()), size, *held.content)) return {};
    return str;
  }
  py::Ref operator()(const ArrowTablePtr& table) const { return make_arrow_stream(runtime, table); }
  py::Ref operator()(const QueuePtr&) const { return py::Ref::borrow(Py_None); }
};

}  // namespace

base::IntrusivePtr<HeldContent> HeldContent::of(PyObject* object, const void* content, std::size_t size, Lessor& lessor) {
  base::IntrusivePtr<HeldContent> held(std::make_unique<HeldContent>(content, size).release());
  held->loan_ = lessor.lend(object, held.get());
  return held->loan_ ? held : base::IntrusivePtr<HeldContent>();
}

bool HeldContent::copy_to(void* destination) noexcept {
  base::Lock lock(mutex_);
  if (content_ == nullptr) return false;
  std::memcpy(destination, content_, size_);
  return true;
}

void HeldContent::move_out(Refuge&) {
  {
    base::Lock lock(mutex_);
    try {
      moved_ = base::Memory::uninitialized(size_);
      std::memcpy(moved_.data(), content_, size_);
    } catch (const std::bad_alloc&) {  // no memory to keep the copy
    }
    content_ = moved_.data();
  }
  loan_ = Loan();
}

QueuePtr HeldQueue::of(PyObject* queue, Lessor& lessor) {
  const py::Ref id = py::Ref::steal(PyObject_GetAttrString(queue, "id"));
  const long long number = id ? PyLong_AsLongLong(id.get()) : -1;
  if (number == -1 && PyErr_Occurred() != nullptr) return {};
  QueuePtr held(std::make_unique<HeldQueue>(number).release());
  held->loan_ = lessor.lend(queue, held.get());
  return held;
}

void HeldQueue::move_out(Refuge& refuge) {
  // Creates the queue by its number, as unpickling does. It lives here until the message has been read.
  refuge.visit([this](Lessor& home) {
    const py::Ref module = py::Ref::steal(PyImport_ImportModule(kQueueModule));
    const py::Ref queue = module ? py::Ref::steal(PyObject_CallMethod(module.get(), "Queue", "L", id_)) : py::Ref();
    PyErr_Clear();  // the reader of the message learns that the queue does not exist
    Loan own = queue ? home.lend(queue.get()) : Loan();
    std::swap(loan_, own);
  });
}

Geometry geometry_of(const Py_buffer& buffer) {
  Geometry geometry{.start = buffer.buf,
                    .size = buffer.len,
                    .item_size = buffer.itemsize,
                    .readonly = buffer.readonly != 0,
                    .format = buffer.format == nullptr ? "B" : buffer.format,
                    .shape = {buffer.shape, buffer.shape + buffer.ndim},
                    .strides = {buffer.strides, buffer.strides + buffer.ndim},
                    .suboffsets = {}};
  if (buffer.suboffsets != nullptr) geometry.suboffsets.assign(buffer.suboffsets, buffer.suboffsets + buffer.ndim);
  return geometry;
}

bool share_memory(const Runtime& runtime, PyObject* owner, const Py_buffer& buffer, const BlockView* known, Views views,
                  BlockView& out) {
  // If this interpreter had lent the memory to a pool of its own and got it back, it counts as memory of this interpreter.
  if (known != nullptr && (views == Views::kLend || !known->block->lent_by(runtime.lessor))) {
    out = {known->block, geometry_of(buffer), known->is_own};
    return true;
  }
  if (views == Views::kCopy) {
    if (const ArrayBlockPtr own = own_block(runtime, buffer)) {
      out = {own, geometry_of(buffer), true};
      return true;
    }
    return copy_shown(geometry_of(buffer), out);
  }
  Loan loan = runtime.lessor->lend(owner);
  if (!loan) {
    PyErr_SetString(PyExc_RuntimeError, "the memory cannot be shared: its interpreter is about to end");
    return false;
  }
  out = {BlockPtr(std::make_unique<SharedBlock>(std::move(loan)).release()), geometry_of(buffer)};
  return true;
}

bool has_own_memory(const Message& message) noexcept {
  const std::span<const Attachment> all = attachments_of(message);
  return std::any_of(all.begin(), all.end(), [](const Attachment& attachment) {
    const auto* const view = std::get_if<BlockView>(&attachment);
    return view != nullptr && view->is_own;
  });
}

void settle_own_memory(const Runtime& runtime, Message& message) {
  for (Attachment& attachment : attachments_in(message)) {
    auto* const view = std::get_if<BlockView>(&attachment);
    if (view == nullptr || !view->is_own) continue;
    auto& block = static_cast<ArrayBlock&>(*view->block);
    if (runtime.array_memory->is_used(block) || !block.claim()) {
      BlockView copy;
      if (!copy_shown(view->geometry, copy)) {
        PyErr_Clear();
        throw std::bad_alloc();
      }
      *view = std::move(copy);
    }
    view->is_own = false;
  }
}

bool attach_view(const Runtime& runtime, PyObject* memoryview, Views views, Attachment& out) {
  // Creates another view, so the sender may release its view while this one is in use. Fails if the sender's view is
  // released.
  const py::Ref own = py::Ref::steal(PyPickleBuffer_Check(memoryview)
                                         ? PyObject_CallMethod(memoryview, "raw", nullptr)  // plain bytes, as in pickle
                                         : PyMemoryView_FromObject(memoryview));
  if (!own) return false;
  const Py_buffer& buffer = *PyMemoryView_GET_BUFFER(own.get());
  PyObject* base = PyMemoryView_GET_BASE(own.get());
  // The object of a PickleBuffer may itself be a view.
  while (base != nullptr && PyMemoryView_Check(base)) base = PyMemoryView_GET_BASE(base);
  const BlockView* const known = base == nullptr ? nullptr : exported_view(runtime, base);
  BlockView view;
  if (!share_memory(runtime, own.get(), buffer, known, views, view)) return false;
  out = std::move(view);
  return true;
}

bool attach_columns(const Runtime& runtime, PyObject* stream, Views views, Attachment& out) {
  ArrowTable* const table = table_of(runtime, stream);
  if (views == Views::kCopy) {
    out = ArrowTablePtr(table);
    return true;
  }
  Loan loan = runtime.lessor->lend(stream);
  if (!loan) {
    PyErr_SetString(PyExc_RuntimeError, "the memory cannot be shared: its interpreter is about to end");
    return false;
  }
  out = ArrowTablePtr(std::make_unique<ArrowTable>(*table, std::move(loan)).release());
  return true;
}

bool attach_bytes(const Runtime& runtime, PyObject* bytes, Attachment& out) {
  const Py_ssize_t size = PyBytes_GET_SIZE(bytes);
  auto content = HeldContent::of(bytes, PyBytes_AS_STRING(bytes), static_cast<std::size_t>(size), *runtime.lessor);
  if (!content) return false;
  out = HeldBytes{std::move(content), size};
  return true;
}

bool attach_str(const Runtime& runtime, PyObject* str, Attachment& out) {
  const Py_ssize_t length = PyUnicode_GET_LENGTH(str);
  const auto width = static_cast<std::uint8_t>(PyUnicode_KIND(str));
  auto content = HeldContent::of(str, PyUnicode_DATA(str), static_cast<std::size_t>(length) * width, *runtime.lessor);
  if (!content) return false;
  out = HeldStr{std::move(content), length, PyUnicode_MAX_CHAR_VALUE(str), width};
  return true;
}

py::Ref find_queue_type(Runtime& runtime) {
  py::Ref& name = runtime.names.queue_module;
  if (!name) name = py::Ref::steal(PyUnicode_InternFromString(kQueueModule));
  const py::Ref module = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  py::Ref type = module ? py::Ref::steal(PyObject_GetAttrString(module.get(), "Queue")) : py::Ref();
  PyErr_Clear();
  return type;
}

bool is_queue(PyObject* object) {
  if (std::strcmp(Py_TYPE(object)->tp_name, "Queue") != 0) return false;
  const py::Ref module = py::Ref::steal(PyType_GetModuleName(Py_TYPE(object)));
  PyErr_Clear();
  return module && PyUnicode_Check(module.get()) && PyUnicode_EqualToUTF8(module.get(), kQueueModule) != 0;
}

std::size_t attached_bytes(const Message& message) noexcept {
  struct Size {
    std::size_t operator()(const BlockView& view) const noexcept { return static_cast<std::size_t>(view.geometry.size); }
    std::size_t operator()(const WholeBuffer& whole) const noexcept { return (*this)(whole.view); }
    std::size_t operator()(const HeldBytes& held) const noexcept { return static_cast<std::size_t>(held.size); }
    std::size_t operator()(const HeldStr& held) const noexcept { return static_cast<std::size_t>(held.length) * held.width; }
    std::size_t operator()(const QueuePtr&) const noexcept { return 0; }
    std::size_t operator()(const ArrowTablePtr&) const noexcept { return 0; }
  };
  std::size_t sum = 0;
  for (const Attachment& each : attachments_of(message)) sum += std::visit(Size{}, each);
  return sum;
}

void copy_message(const Message& from, Message& to) {
  to.clear();
  to.bytes.append(from.bytes.data(), from.bytes.size());
  for (const Attachment& each : attachments_of(from)) attachments_in(to).push_back(each);
  to.form = from.form;
  to.needs_main = from.needs_main;
}

py::Ref rebuild(const Runtime& runtime, const Attachment& attachment) { return std::visit(Rebuilder{runtime}, attachment); }

}  // namespace aiointerpreters::codec
