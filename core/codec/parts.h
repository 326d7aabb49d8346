// Parts: the objects of one message that the native format does not know, on their way into it.
//
// A message is native as far as it goes. An object of another type becomes a *part*: a tag with its index stands in its
// place, and all parts together are one pickle behind the native bytes, so that what they share stays pickle's business.
// What native containers and parts share *crosses* over: the pickler shows each object that it meets to `identify`, which
// knows those that the encoder has written; they are added to the pickle as parts too, and the native bytes are written
// again, with tags in their places. A container from which a part leads back to it is *ruled* to be a part as a whole, since
// the order in which pickle makes such things matters to them. Views, large strings and the like are attached to the message
// (attachment.h). message_encoder.cpp has the passes that all this takes.
//
// Owner: one encoding. Requires: attached. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "codec/address_set.h"
#include "codec/attachment.h"
#include "codec/memo.h"
#include "codec/message.h"
#include "codec/pickling.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class Parts {
 public:
  // Attachments are added to those that `out` has already.
  Parts(Runtime& runtime, Views views, Message& out) noexcept : runtime_(runtime), views_(views), out_(out) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  static constexpr std::size_t kNone = Memo::kNew;

  // ---- For the encoder. No Python runs.

  // Attaches a memoryview, SharedBuffer, ArrowStream, or large bytes or str, once, and returns its index; kNone if it is of
  // another type or cannot be attached.
  [[nodiscard]] std::size_t attach(PyObject* object);
  // Makes an object a part, once, and returns its index. Errors: kNone with an exception set.
  [[nodiscard]] std::size_t add(PyObject* object);
  // Whether parts can be added already; before that, a message is taken to be native altogether.
  [[nodiscard]] bool open() const noexcept { return open_; }
  // While parts are added: an object with an identity of its own that the encoder does not keep in its memo.
  void see(PyObject* object) {
    if (open_ && !tables_->pickle.content) tables_->seen.add(object);
  }
  // Whether a container or a root is to be a part as a whole.
  [[nodiscard]] bool is_ruled(PyObject* object) const noexcept {
    return open_ && tables_->ruled.size() != 0 && tables_->ruled.find(object) != Memo::kNew;
  }
  // The index of an object that crosses over; kNone if it does not. Requires: any_crossing.
  [[nodiscard]] std::size_t find_crossing(PyObject* object) const noexcept {
    const std::size_t index = tables_->crossing.find(object);
    return index == Memo::kNew ? kNone : tables_->parts.size() + index;
  }
  // A container with a part in it: it must not change its size until the end.
  void watch(PyObject* container);

  // ---- For who encodes a message.

  // Forgets the parts of an earlier pass and lets them be added from now on.
  void begin();
  // After `pickle`: whether containers have been ruled to be parts, so that one has to begin again.
  [[nodiscard]] bool rule_cycles();
  // Whether the roots are parts already, or nothing with an identity.
  [[nodiscard]] bool are_all(const Memo& written) const noexcept { return written.size() == 0 && tables_->seen.size() == 0; }
  // Whether the value consists of parts for the most part, so that one pickle of it all is the shortest way: pickle then
  // need not show what it meets. `written`: as below.
  [[nodiscard]] bool dominate(const Memo& written) const noexcept;
  // Rules a root to be a part; or nothing any more.
  void rule(PyObject* root);
  void rule_nothing();
  // Known after `pickle`.
  [[nodiscard]] bool any_crossing() const noexcept { return open_ && tables_->crossing.size() != 0; }
  // Pickles all parts. `written`: what the encoder has in its memo. Runs Python. Errors: false with an exception set.
  [[nodiscard]] bool pickle(const Memo& written, ByValue by_value);
  // Pickles all parts, which are the whole value, unless there is something in it that would have to be attached, or it
  // cannot be done so easily for another reason. Runs Python. Returns whether it is done; if not, with an exception set only
  // if that ends everything.
  [[nodiscard]] bool pickle_plainly();
  // Whether the containers with parts in them are as large as they were. Errors: false with RuntimeError set.
  [[nodiscard]] bool unchanged() const;
  // Appends the pickle to the native bytes, after which nothing may follow. Errors: false with RuntimeError set if another
  // part has come since it was made.
  [[nodiscard]] bool append_pickle();

 private:
  struct Watched {
    py::Ref container;
    Py_ssize_t size;
  };

  static PyObject* persistent_id(PyObject* capsule, PyObject* object);
  static PyObject* reduce(PyObject* capsule, PyObject* object);
  // What the pickler is to write for an object: the index of an attachment, or None for its usual way. Returns new.
  [[nodiscard]] PyObject* identify(PyObject* object);
  [[nodiscard]] bool attach_new(PyObject* object, Attachment& out);
  [[nodiscard]] bool cross_over(PyObject* object);
  // How an object of a shared type is made again (shared_types.h); the same each time it is pickled. Returns new.
  [[nodiscard]] py::Ref reduce_once(PyObject* object);

  // Most messages have neither parts nor attachments and do without this.
  struct Tables {
    Memo attached;  // in the order of the attachments, from first_attachment on
    std::size_t first_attachment;
    Memo parts;
    Memo crossing;
    AddressSet seen;
    Memo ruled;
    Memo reduced;
    std::vector<py::Ref> reductions;  // of these
    const Memo* written = nullptr;    // while pickling
    std::size_t pickled_parts = 0;
    // What the memos above know by address stays alive.
    std::vector<py::Ref> kept;
    py::Ref part_list;
    py::Ref crossing_list;
    std::vector<Watched> watched;
    Pickle pickle;
  };
  [[nodiscard]] Tables& tables();

  Runtime& runtime_;
  const Views views_;
  Message& out_;
  std::unique_ptr<Tables> tables_;  // null until needed
  bool open_ = false;
};

}  // namespace aiointerpreters::codec
