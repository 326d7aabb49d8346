// The decoder; see decoder.h for its contract and format.h for the format.
//
// Why no incomplete object is ever hashed, whatever the message contains:
//
// Hashing looks into tuples and frozensets only. At a list, dict or set it stops with TypeError. At an instance it stops
// without an error, because it does not look at the attributes. (If the class has a hash of its own, Python code may look
// at anything: see hide.) So in this proof an instance is treated like a list, with two differences: it may be in a key,
// and its contents do not count as inside that key.
//
// Nothing can refer to a frozenset before it is complete. References to an incomplete tuple are allowed, because cycles
// need them, but only (a) outside of keys, and (b) from below a list, dict or set that is below that tuple. Inside keys
// only tuples and frozensets open frames. Assume that hashing reaches an incomplete tuple T. Among the elements that T has
// so far, it meets the list, dict or set of (b) first, and stops there. This container is on the path of open frames, all
// of which are already stored in their tuple, or it is in a complete element before that path.
//
// The recursion of hashing is bounded too. Every cycle goes through such a T. (A forged message can create a cycle of
// tuples alone, but that closes behind the list.) The nesting of tuples and frozensets is counted (height).
#include "codec/decoder.h"

#include <algorithm>
#include <utility>

#include "codec/class_facts.h"
#include "codec/format.h"

namespace aiointerpreters::codec {

namespace {

bool is_by_pickle(const Blueprint* blueprint) noexcept {
  return blueprint != nullptr && blueprint->how == Blueprint::How::kByPickle;
}

// Creates an instance as an unpickler does; its state is set later. The class may have changed since its blueprint was
// created.
py::Ref make_instance(const Buildable& of) {
  const py::Ref nothing = py::Ref::steal(PyTuple_New(0));
  auto* const type = reinterpret_cast<PyTypeObject*>(of.type.get());
  const newfunc make = is_by_pickle(of.blueprint.get()) ? type->tp_new : PyBaseObject_Type.tp_new;
  return nothing ? py::Ref::steal(make(type, nothing.get(), nullptr)) : py::Ref();
}

// A list that Python code cannot find.
py::Ref make_hidden_list() {
  py::Ref list = py::Ref::steal(PyList_New(0));
  if (list) PyObject_GC_UnTrack(list.get());
  return list;
}

}  // namespace

Decoder::~Decoder() {
  // Show all of them first. An instance in a key may refer to a tuple around it, and only the collector can free such a
  // cycle.
  for (PyObject* const container : kept_) show(container);
  for (const Frame& frame : frames_) show_owned(frame);
  for (const Frame& frame : frames_) {
    Py_XDECREF(frame.key);
    Py_XDECREF(frame.instance);
    if (frame.owned || is_by_pickle(frame.blueprint)) Py_DECREF(frame.object);
  }
  for (PyObject* const container : kept_) Py_DECREF(container);
  for (PyObject* const key : keys_) Py_DECREF(key);
  for (const Entry& entry : memo_) Py_XDECREF(entry.object);
  Py_XDECREF(root_);
}

bool Decoder::finish() { return at_ == end_ || corrupt(); }

bool Decoder::read_varint(std::size_t& number) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const unsigned char byte = *at_++;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      number = static_cast<std::size_t>(value);
      return true;
    }
  }
  return corrupt();
}

bool Decoder::read_header(std::size_t width, std::size_t& count, bool& shared) {
  std::size_t header;
  if (!read_varint(header)) return false;
  count = header >> 1;
  shared = (header & 1) != 0;
  return count <= bytes_left() / width || corrupt();
}

template <typename Put>
Decoder::Step Decoder::fill(Put&& put) {
  Frame& frame = frames_.top();
  while (frame.left != 0) {
    unsigned char tag;
    if (!next_tag(tag)) return Step::kFailed;
    --frame.left;
    if (is_container(tag)) {
      const Step step = open(tag);
      if (step != Step::kDone) return step;
      continue;
    }
    PyObject* const leaf = read_leaf(tag);
    if (leaf == nullptr || !put(frame, leaf)) return Step::kFailed;
  }
  return Step::kDone;
}

py::Ref Decoder::read() {
  unsigned char tag;
  if (!next_tag(tag)) return {};
  if (!is_container(tag)) return py::Ref::steal(read_leaf(tag));
  Step step = open(tag);
  while (step != Step::kFailed) {
    if (step == Step::kDone) {
      if (frames_.empty()) return py::Ref::steal(std::exchange(root_, nullptr));
      if (frames_.top().left == 0 && !close()) break;
      if (frames_.empty()) continue;
    }
    switch (frames_.top().tag) {
      case kDict:
        step = fill([](Frame& frame, PyObject* leaf) { return put_entry(frame, leaf); });
        break;
      case kInstance:
        step = frames_.top().blueprint->how == Blueprint::How::kAttributes
                   ? fill([](const Frame& frame, PyObject* leaf) { return set_attribute(frame, leaf); })
                   : fill_sequence();
        break;
      case kRecord:
        step = fill([this](const Frame& frame, PyObject* leaf) { return set_field(frame, leaf); });
        break;
      case kSet:
      case kFrozenset:
        step = fill([](const Frame& frame, PyObject* leaf) { return put_element(frame, leaf); });
        break;
      default:
        step = fill_sequence();
        break;
    }
  }
  return {};
}

// Requires: if there is a top frame, its `left` has already been decreased for the new container.
Decoder::Step Decoder::open(unsigned char tag) {
  std::size_t count;
  std::size_t keys_end = 0;
  bool shared;
  const Buildable* of = nullptr;  // set for an instance
  if (tag == kInstance) {
    of = read_class(shared);
    if (of == nullptr) return Step::kFailed;
    count = of->blueprint->size();
  } else if (tag == kRecord ? !read_shape(count, keys_end, shared) : !read_header(1, count, shared)) {
    return Step::kFailed;
  }
  Frame* const parent = frames_.empty() ? nullptr : &frames_.top();
  const std::size_t values = tag == kDict ? 2 * count : count;
  const std::size_t owed = owed_ + (parent == nullptr ? 0 : parent->left);
  const bool is_key = parent != nullptr && at_key(*parent);
  const bool in_key = is_key || (parent != nullptr && parent->in_key);
  if (bytes_left() < owed || values > bytes_left() - owed || (in_key && !immutable(tag) && of == nullptr)) {
    corrupt();
    return Step::kFailed;
  }
  py::Ref object;
  PyObject** items = nullptr;
  const auto size = static_cast<Py_ssize_t>(count);
  switch (tag) {
    case kList:
      object = py::Ref::steal(PyList_New(careful_ ? 0 : size));
      if (object && !careful_) items = reinterpret_cast<PyListObject*>(object.get())->ob_item;
      break;
    case kTuple:
      object = py::Ref::steal(PyTuple_New(size));
      if (object) items = reinterpret_cast<PyTupleObject*>(object.get())->ob_item;
      break;
    case kDict:
    case kRecord:
      object = py::Ref::steal(PyDict_New());
      break;
    case kSet:
      object = py::Ref::steal(PySet_New(nullptr));
      break;
    case kInstance:
      object = make_instance(*of);
      if (object && of->blueprint->how == Blueprint::How::kSlots) items = slots_of(object.get());
      break;
    default:
      object = py::Ref::steal(PyFrozenSet_New(nullptr));
      break;
  }
  if (!object) return Step::kFailed;

  const std::size_t depth = frames_.size() + 1;
  const bool open = count != 0;
  const bool owned = open && (is_key || tag == kFrozenset);
  const Blueprint* const blueprint = of == nullptr ? nullptr : of->blueprint.get();
  const bool by_pickle = open && is_by_pickle(blueprint);
  py::Ref values_of = by_pickle ? make_hidden_list() : py::Ref();
  if (by_pickle && !values_of) return Step::kFailed;
  if (open && careful_ && of == nullptr) hide(object.get(), items, count, owned);
  std::size_t entry = kNoEntry;
  if (shared) {
    entry = memo_.size();
    const bool hidden = open && tag == kFrozenset;
    memo_.push({hidden ? nullptr : object.get(), open ? depth : 0, !open && immutable(tag) ? 1U : 0U});
    if (!hidden) Py_INCREF(object.get());
  }
  const std::size_t parent_left = parent == nullptr ? 0 : parent->left;
  const std::size_t last_mutable = !immutable(tag) ? depth : parent == nullptr ? 0 : parent->last_mutable;
  PyObject* const container = object.get();
  py::Ref instance = of != nullptr && open && careful_ ? py::Ref::borrow(container) : py::Ref();
  if (!owned && !place(object.release(), open ? 0 : 1)) return Step::kFailed;
  if (!open) return Step::kDone;
  Frame& frame = frames_.emplace();
  frame.tag = tag;
  frame.owned = owned;
  frame.in_key = in_key && of == nullptr;  // hashing an instance ignores its attributes, or runs Python code
  frame.height = 0;
  frame.object = by_pickle ? values_of.release() : container;
  frame.blueprint = blueprint;
  frame.instance = instance.release();
  frame.items = items;
  frame.left = values;
  frame.key = nullptr;
  frame.keys_end = keys_end;
  frame.memo = entry;
  frame.last_mutable = last_mutable;
  if (!by_pickle) (void)object.release();  // if it has not been stored in its parent, the frame owns it
  owed_ += parent_left;
  return Step::kOpened;
}

// A container that no frame owns stays hidden until the whole message has been read. The collector assumes that untracked
// objects are in no cycle. If a complete tuple were shown while it contains a hidden one, the collector would untrack it.
// Before 3.14 it would do the same with a dict.
void Decoder::hide(PyObject* container, PyObject** items, std::size_t count, bool owned) {
  if (items != nullptr) {
    PyObject_GC_UnTrack(container);
    std::fill_n(items, count, Py_None);  // immortal
  }
  if (owned) return;
  kept_.push(container);
  Py_INCREF(container);
}

void Decoder::show(PyObject* container) noexcept {
  if (!PyObject_GC_IsTracked(container)) PyObject_GC_Track(container);
}

void Decoder::show_owned(const Frame& frame) const noexcept {
  if (frame.owned && careful_ && frame.items != nullptr && frame.blueprint == nullptr) show(frame.object);
}

bool Decoder::close() {
  const Frame& frame = frames_.top();
  const bool by_pickle = is_by_pickle(frame.blueprint);
  if (by_pickle && !build_by_pickle(*frame.blueprint, frame.instance, frame.object)) return false;
  show_owned(frame);
  const std::uint32_t height = immutable(frame.tag) ? frame.height + 1 : 0;
  if (frame.memo != kNoEntry) {
    Entry& entry = memo_[frame.memo];
    entry.open_depth = 0;
    entry.height = height;
    if (entry.object == nullptr) entry.object = Py_NewRef(frame.object);
  }
  const py::Ref values = py::Ref::steal(by_pickle ? frame.object : nullptr);
  py::Ref instance = py::Ref::steal(frame.instance);
  PyObject* const owned = !frame.owned ? nullptr : by_pickle ? instance.release() : frame.object;
  frames_.pop();
  if (!frames_.empty()) owed_ -= frames_.top().left;
  if (owned != nullptr) return place(owned, height);
  if (!frames_.empty()) frames_.top().height = std::max(frames_.top().height, height);
  return true;
}

bool Decoder::place(PyObject* object, std::uint32_t height) {
  if (frames_.empty()) {
    root_ = object;
    return true;
  }
  Frame& frame = frames_.top();
  switch (frame.tag) {
    case kList:
    case kTuple:
      frame.height = std::max(frame.height, height);
      return put(frame, object);
    case kDict:
      if (!put_entry(frame, object)) return false;
      if (frame.left % 2 == 0) return true;
      break;
    case kRecord:
      return set_field(frame, object);
    case kInstance:
      return frame.blueprint->how == Blueprint::How::kAttributes ? set_attribute(frame, object) : put(frame, object);
    default:
      break;
  }
  if (height > kKeyDepthMax) {
    PyErr_SetString(PyExc_RecursionError, "a dict key or set item is nested too deeply to be hashed");
    if (frame.tag != kDict) Py_DECREF(object);
    return false;
  }
  if (frame.tag == kDict) return true;
  frame.height = std::max(frame.height, height);
  return put_element(frame, object);
}

Decoder::Step Decoder::fill_sequence() {
  Frame& frame = frames_.top();
  while (frame.left != 0) {
    unsigned char tag;
    if (!next_tag(tag)) return Step::kFailed;
    if (tag >= kInt8Run && tag <= kLastRun) {
      if (!read_run(tag, frame)) return Step::kFailed;
      continue;
    }
    --frame.left;
    if (is_container(tag)) {
      const Step step = open(tag);
      if (step != Step::kDone) return step;
      continue;
    }
    PyObject* const item = read_leaf(tag);
    if (item == nullptr || !put(frame, item)) return Step::kFailed;
  }
  return Step::kDone;
}

bool Decoder::put_entry(Frame& frame, PyObject* object) {
  if (frame.left % 2 != 0) {
    frame.key = object;
    return true;
  }
  PyObject* const key = std::exchange(frame.key, nullptr);
  const int failed = PyDict_SetItem(frame.object, key, object);
  Py_DECREF(key);
  Py_DECREF(object);
  return failed == 0;
}

bool Decoder::put_element(const Frame& frame, PyObject* element) {
  const int failed = PySet_Add(frame.object, element);
  Py_DECREF(element);
  return failed == 0;
}

bool Decoder::set_field(const Frame& frame, PyObject* value) {
  const int failed = PyDict_SetItem(frame.object, keys_[frame.keys_end - frame.left - 1], value);
  Py_DECREF(value);
  return failed == 0;
}

bool Decoder::set_attribute(const Frame& frame, PyObject* value) {
  const int failed =
      PyObject_GenericSetAttr(frame.object, frame.blueprint->names[frame.blueprint->size() - frame.left - 1].get(), value);
  Py_DECREF(value);
  return failed == 0;
}

const Buildable* Decoder::read_class(bool& shared) {
  std::size_t header;
  if (!read_varint(header)) return nullptr;
  shared = (header & 1) != 0;
  if ((header >> 1) >= instances_.size()) return corrupt(), nullptr;
  return &instances_[header >> 1];
}

bool Decoder::read_shape(std::size_t& count, std::size_t& keys_end, bool& shared) {
  std::size_t header;
  if (!read_varint(header)) return false;
  shared = (header & 1) != 0;
  const std::size_t number = header >> 1;
  if (number > shapes_.size()) return corrupt();
  if (number == shapes_.size()) {
    if (!read_varint(count)) return false;
    if (count == 0 || count > kShapeMax) return corrupt();
    for (std::size_t i = 0; i < count; ++i) {
      unsigned char tag;
      if (!next_tag(tag)) return false;
      if (is_container(tag) || tag == kRange || tag == kSlice) return corrupt();
      py::Ref key = py::Ref::steal(read_leaf(tag));
      if (!key) return false;
      if (!PyUnicode_CheckExact(key.get())) return corrupt();
      keys_.push(key.get());
      (void)key.release();
    }
    shapes_.push({count, keys_.size()});
  }
  count = shapes_[number].count;
  keys_end = shapes_[number].keys_end;
  return true;
}

}  // namespace aiointerpreters::codec
