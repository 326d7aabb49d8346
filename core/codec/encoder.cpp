// The encoder; see encoder.h for its contract and format.h for what it writes.
#include "codec/encoder.h"

#include <algorithm>

#include "codec/format.h"

namespace aiointerpreters::codec {

namespace {

PyObject* const* items_of_list(PyObject* list) { return reinterpret_cast<PyListObject*>(list)->ob_item; }
PyObject* const* items_of_tuple(PyObject* tuple) { return reinterpret_cast<PyTupleObject*>(tuple)->ob_item; }

}  // namespace

Encoder::Encoder(base::Bytes& out, Parts& parts, Instances* instances) noexcept
    : out_(out),
      parts_(parts),
      instances_(instances),
      at_(out.data() + out.size()),
      limit_(out.data() + out.size() + out.room()) {}

Encoder::~Encoder() {
  for (const Frame& frame : frames_) {
    if (frame.kind == Frame::Kind::kSet) Py_DECREF(frame.other);
  }
}

void Encoder::finish() noexcept { out_.advance(static_cast<std::size_t>(at_ - (out_.data() + out_.size()))); }

void Encoder::grow(std::size_t size) {
  finish();
  at_ = out_.reserve(size);
  limit_ = at_ + out_.room();
}

void Encoder::write_varint(std::size_t number) {
  (void)room(kVarintMax);
  put_varint(number);
}

void Encoder::put_varint(std::size_t number) noexcept {
  while (number >= 0x80) {
    *at_++ = static_cast<unsigned char>(number | 0x80);
    number >>= 7;
  }
  *at_++ = static_cast<unsigned char>(number);
}

void Encoder::write_header(unsigned char tag, std::size_t count, bool shared) {
  *room(1 + kVarintMax) = tag;
  ++at_;
  put_varint(count << 1 | (shared ? 1 : 0));
}

void Encoder::write_tagged(unsigned char tag, std::size_t index) {
  *room(1 + kVarintMax) = tag;
  ++at_;
  put_varint(index);
}

bool Encoder::write_known_to_parts(PyObject* object, bool shared) {
  if (parts_.any_crossing()) {
    const std::size_t part = parts_.find_crossing(object);
    if (part != Parts::kNone) return write_tagged(kPart, part), true;
  }
  if (!shared) parts_.see(object);
  return shared && write_reference(object);
}

bool Encoder::write_reference(PyObject* object) {
  const std::size_t index = memo_.find_or_add(object);
  if (index == Memo::kNew) return false;
  write_tagged(kReference, index);
  return true;
}

bool Encoder::write_attached(PyObject* object) {
  const std::size_t index = parts_.attach(object);
  if (index == Parts::kNone) return false;
  write_tagged(kAttachment, index);
  return true;
}

Encoder::Step Encoder::write_part(PyObject* object) {
  if (!parts_.open()) return Step::kFailed;
  const std::size_t index = parts_.add(object);
  if (index == Parts::kNone) return Step::kFailed;
  for (std::size_t i = frames_.size(); i > 0 && !frames_[i - 1].watched; --i) {
    frames_[i - 1].watched = true;
    parts_.watch(frames_[i - 1].container);
  }
  write_tagged(kPart, index);
  return Step::kWritten;
}

bool Encoder::write(PyObject* value) {
  Step step = parts_.is_ruled(value) ? write_part(value) : write_one(value, true);
  while (step == Step::kOpened || (step == Step::kWritten && !frames_.empty())) {
    switch (frames_.top().kind) {
      case Frame::Kind::kSequence:
        step = fill_sequence();
        break;
      case Frame::Kind::kDict:
        step = fill_dict();
        break;
      case Frame::Kind::kRecord:
        step = fill_record();
        break;
      case Frame::Kind::kSet:
        step = fill_set();
        break;
    }
  }
  return step != Step::kFailed;
}

Encoder::Step Encoder::write_one(PyObject* object, bool shared) {
  PyTypeObject* const type = Py_TYPE(object);
  if (type == &PyUnicode_Type) return write_str(object, shared);
  if (type == &PyLong_Type) return write_long(object);
  if (type == &PyFloat_Type) {
    write_float(PyFloat_AS_DOUBLE(object));
    return Step::kWritten;
  }
  if (type == &PyDict_Type) return open_dict(object, shared);
  if (type == &PyList_Type) {
    if (parts_.is_ruled(object)) return write_part(object);
    return open_sequence(kList, object, items_of_list(object), PyList_GET_SIZE(object), shared);
  }
  if (type == &PyTuple_Type) {
    return open_sequence(kTuple, object, items_of_tuple(object), PyTuple_GET_SIZE(object), shared);
  }
  return write_other(object, shared);
}

void Encoder::push_frame(Frame::Kind kind, PyObject* container, PyObject* const* items, Py_ssize_t count, PyObject* other) {
  Frame& frame = frames_.emplace();
  frame.kind = kind;
  frame.watched = false;
  frame.container = container;
  frame.items = items;
  frame.next = 0;
  frame.count = count;
  frame.other = other;
}

Encoder::Step Encoder::open_sequence(unsigned char tag, PyObject* object, PyObject* const* items, Py_ssize_t count,
                                     bool shared) {
  // The empty tuple is one object in each interpreter.
  const bool has_identity = tag != kTuple || count != 0;
  if (has_identity && write_known(object, shared)) return tag == kTuple ? referred(object) : Step::kWritten;
  write_header(tag, static_cast<std::size_t>(count), shared && has_identity);
  if (count == 0) return Step::kWritten;
  push_frame(Frame::Kind::kSequence, object, items, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_dict(PyObject* dict, bool shared) {
  if (parts_.is_ruled(dict)) return write_part(dict);
  if (write_known(dict, shared)) return Step::kWritten;
  if (!frames_.empty()) {
    const std::size_t known = shapes_.size();
    const auto is_written = [this](PyObject* key) { return !may_be_shared(key) || memo_.find(key) != Memo::kNew; };
    const std::size_t shape = shapes_.find(dict, is_written);
    if (shape != Shapes::kNone) return open_record(dict, shape, shape == known, shared);
  }
  const Py_ssize_t count = PyDict_GET_SIZE(dict);
  write_header(kDict, static_cast<std::size_t>(count), shared);
  if (count == 0) return Step::kWritten;
  push_frame(Frame::Kind::kDict, dict, nullptr, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_record(PyObject* dict, std::size_t shape, bool is_new, bool shared) {
  const Py_ssize_t count = PyDict_GET_SIZE(dict);
  write_header(kRecord, shape, shared);
  if (is_new) {
    write_varint(static_cast<std::size_t>(count));
    Py_ssize_t position = 0;
    PyObject* key;
    while (PyDict_Next(dict, &position, &key, nullptr) != 0) {
      const Step step = write_str(key, may_be_shared(key));
      if (step != Step::kWritten) return step;
    }
  }
  push_frame(Frame::Kind::kRecord, dict, nullptr, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_set(unsigned char tag, PyObject* set, bool shared) {
  if (parts_.is_ruled(set)) return write_part(set);
  if (write_known(set, shared)) return tag == kFrozenset ? referred(set) : Step::kWritten;
  const Py_ssize_t count = PySet_GET_SIZE(set);
  write_header(tag, static_cast<std::size_t>(count), shared);
  if (count == 0) return Step::kWritten;
  py::Ref iterator = py::Ref::steal(PyObject_GetIter(set));
  if (!iterator) return Step::kFailed;
  push_frame(Frame::Kind::kSet, set, nullptr, count, iterator.get());
  (void)iterator.release();  // the frame owns it
  return Step::kOpened;
}

Encoder::Step Encoder::open_instance(PyObject* object, bool shared) {
  if (instances_ == nullptr) return write_part(object);
  if (shared && write_reference(object)) return Step::kWritten;
  Instances::Form form;
  if (!instances_->describe(object, form)) return write_part(object);
  write_header(kInstance, form.index, shared);
  if (form.count == 0) return Step::kWritten;
  const auto count = static_cast<Py_ssize_t>(form.count);
  if (form.dict != nullptr) {
    push_frame(Frame::Kind::kRecord, form.dict, nullptr, count, nullptr);
  } else {
    push_frame(Frame::Kind::kSequence, object, form.slots, count, nullptr);
  }
  return Step::kOpened;
}

bool Encoder::is_open(PyObject* container) {
  constexpr std::size_t kDepthMax = 1000;  // deeper containers are assumed to be open
  if (frames_.size() > kDepthMax) return true;
  return std::any_of(frames_.begin(), frames_.end(), [&](const Frame& frame) { return frame.container == container; });
}

Encoder::Step Encoder::fill_sequence() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const* const items = frames_.top().items;
  const Py_ssize_t count = frames_.top().count;
  Py_ssize_t i = frames_.top().next;
  while (i < count) {
    PyObject* const item = items[i];
    if (PyLong_CheckExact(item)) {
      const Py_ssize_t written = write_ints(items + i, count - i);
      if (written != 0) {
        i += written;
        continue;
      }
    } else if (PyFloat_CheckExact(item)) {
      i += write_floats(items + i, count - i);
      continue;
    }
    ++i;
    const Step step = write_one(item, may_be_shared(item));
    if (step == Step::kWritten) continue;
    frames_[depth].next = i;
    return step;
  }
  frames_.pop();
  return Step::kWritten;
}

Encoder::Step Encoder::fill_dict() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const dict = frames_.top().container;
  Py_ssize_t position = frames_.top().next;
  PyObject* key;
  PyObject* value = frames_.top().other;
  for (;;) {
    if (value == nullptr) {
      if (!PyDict_Next(dict, &position, &key, &value)) break;
      hashes_others_ |= !PyUnicode_CheckExact(key) && !PyLong_CheckExact(key);
      const Step step = write_one(key, may_be_shared(key));
      if (step != Step::kWritten) {
        frames_[depth].next = position;
        frames_[depth].other = value;
        return step;
      }
    }
    const Step step = write_one(value, may_be_shared(value));
    value = nullptr;
    if (step != Step::kWritten) {
      frames_[depth].next = position;
      frames_[depth].other = nullptr;
      return step;
    }
  }
  frames_.pop();
  return Step::kWritten;
}

Encoder::Step Encoder::fill_record() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const dict = frames_.top().container;
  Py_ssize_t position = frames_.top().next;
  PyObject* value;
  while (PyDict_Next(dict, &position, nullptr, &value) != 0) {
    const Step step = write_one(value, may_be_shared(value));
    if (step != Step::kWritten) {
      frames_[depth].next = position;
      return step;
    }
  }
  frames_.pop();
  return Step::kWritten;
}

Encoder::Step Encoder::fill_set() {
  PyObject* const iterator = frames_.top().other;
  while (PyObject* const element = PyIter_Next(iterator)) {
    Py_DECREF(element);  // the set keeps it; may_be_shared must count only references in the graph
    hashes_others_ |= !PyUnicode_CheckExact(element) && !PyLong_CheckExact(element);
    const Step step = write_one(element, may_be_shared(element));
    if (step != Step::kWritten) return step;
  }
  if (PyErr_Occurred() != nullptr) return Step::kFailed;
  frames_.pop();
  Py_DECREF(iterator);
  return Step::kWritten;
}

}  // namespace aiointerpreters::codec
