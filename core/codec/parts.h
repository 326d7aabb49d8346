// Parts: the objects of one message that the native format does not support.
//
// The native format is used as far as possible. An object of another type becomes a *part*: a tag with its index stands for
// it. One pickle after the native bytes contains all parts, so pickle handles everything that they share. Objects that
// native containers and parts share *cross over*. The pickler shows each object that it meets to `identify`, which knows
// the objects that the encoder has written. Shared ones are added to the pickle as parts too. The native bytes are then
// written again, with tags in place of these objects. If a part leads back to a container that holds it, the whole
// container is *ruled* to be a part, because the order in which pickle creates such objects matters. Views, large strings
// and the like are attached to the message (attachment.h). message_encoder.cpp has the passes.
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
  // New attachments are added after those that `out` already has.
  Parts(Runtime& runtime, Views views, Message& out) noexcept : runtime_(runtime), views_(views), out_(out) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  static constexpr std::size_t kNone = Memo::kNew;

  // ---- For the encoder. No Python runs.

  // Attaches a memoryview, SharedBuffer, ArrowStream, or large bytes or str, once, and returns its index; kNone if it has
  // another type or cannot be attached.
  [[nodiscard]] std::size_t attach(PyObject* object);
  // Makes an object a part, once, and returns its index. Errors: kNone with an exception set.
  [[nodiscard]] std::size_t add(PyObject* object);
  // Whether parts can be added. Before that, the message is assumed to be completely native.
  [[nodiscard]] bool open() const noexcept { return open_; }
  // While parts are added: records an object that has an identity but is not in the encoder's memo.
  void see(PyObject* object) {
    if (open_ && !tables_->pickle.content) tables_->seen.add(object);
  }
  // Whether a container or a root will be a part as a whole.
  [[nodiscard]] bool is_ruled(PyObject* object) const noexcept {
    return open_ && tables_->ruled.size() != 0 && tables_->ruled.find(object) != Memo::kNew;
  }
  // The index of an object that crosses over; kNone if it does not. Requires: any_crossing.
  [[nodiscard]] std::size_t find_crossing(PyObject* object) const noexcept {
    const std::size_t index = tables_->crossing.find(object);
    return index == Memo::kNew ? kNone : tables_->parts.size() + index;
  }
  // Watches a container with a part in it: it must not change its size until the end.
  void watch(PyObject* container);

  // ---- For the code that encodes a message.

  // Forgets the parts of an earlier pass and opens the Parts.
  void begin();
  // After `pickle`: rules containers to be parts if parts lead back to them. Returns whether it has, so that the passes
  // have to be repeated.
  [[nodiscard]] bool rule_cycles();
  // Whether all roots are parts, or objects without an identity.
  [[nodiscard]] bool are_all(const Memo& written) const noexcept { return written.size() == 0 && tables_->seen.size() == 0; }
  // Whether the value consists mostly of parts. Then one pickle of the whole value is fastest, because pickle need not show
  // the objects that it meets. `written`: as below.
  [[nodiscard]] bool dominate(const Memo& written) const noexcept;
  // Rules a root to be a part; cancels all rulings.
  void rule(PyObject* root);
  void rule_nothing();
  // Whether any object crosses over. Valid after `pickle`.
  [[nodiscard]] bool any_crossing() const noexcept { return open_ && tables_->crossing.size() != 0; }
  // Pickles all parts. `written`: the encoder's memo. Runs Python. Errors: false with an exception set.
  [[nodiscard]] bool pickle(const Memo& written, ByValue by_value);
  // Pickles all parts, which are the whole value. Gives up if an object would have to be attached, or on another error.
  // Runs Python. Returns whether it has succeeded. If not, an exception is set only if it must end the encoding.
  [[nodiscard]] bool pickle_plainly();
  // Checks that the watched containers have not changed their size. Errors: false with RuntimeError set.
  [[nodiscard]] bool unchanged() const;
  // Appends the pickle to the native bytes; nothing may follow. Errors: false with RuntimeError set if another part was
  // added after the pickle was made.
  [[nodiscard]] bool append_pickle();

 private:
  struct Watched {
    py::Ref container;
    Py_ssize_t size;
  };

  static PyObject* persistent_id(PyObject* capsule, PyObject* object);
  static PyObject* reduce(PyObject* capsule, PyObject* object);
  // The persistent id of an object for the pickler: the index of an attachment, or None if it is to be pickled as usual.
  // Returns new.
  [[nodiscard]] PyObject* identify(PyObject* object);
  [[nodiscard]] bool attach_new(PyObject* object, Attachment& out);
  [[nodiscard]] bool cross_over(PyObject* object);
  // The reduction of an object of a shared type (shared_types.h). An object that is pickled again gets the same one.
  // Returns new.
  [[nodiscard]] py::Ref reduce_once(PyObject* object);

  // Most messages have neither parts nor attachments, and do not need these tables.
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
    // Keeps alive the objects that the memos above know by address.
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
