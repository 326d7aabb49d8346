// Lessor: keeps the objects of one interpreter alive whose memory others use, each until its last user has given it back.
//
// A Loan is the user's end: plain data that any thread may give back. It then waits in a list until a thread that is
// attached to the interpreter drops its object: the owner's own thread when it next uses the engine or, if that does not
// happen soon, the thread that hears the bell (hazard 25).
// Owner: shared by the interpreter's Runtime and every Loan; it outlives the interpreter.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "base/intrusive.h"
#include "base/mutex.h"
#include "py/door.h"
#include "py/python.h"

namespace aiointerpreters::codec {

class Lessor;
using LessorPtr = base::IntrusivePtr<Lessor>;

// The place where borrowers of an ending interpreter can go: its home, which outlives it.
class Refuge {
 public:
  // Calls `use` with home's lessor, attached to home. Requires: attached to the ending interpreter; it is attached to it
  // again afterwards. Blocks. Runs Python.
  virtual void visit(const std::function<void(Lessor&)>& use) = 0;

 protected:
  ~Refuge() = default;
};

// An object that uses a loan, but can do without it. It has to hold the Loan itself, as a member.
class Borrower : public base::Counted {
 public:
  // The interpreter is about to end: copies the memory that it needs, or takes a loan of home's, and gives its own loan
  // back. Requires: attached to the lessor's interpreter. Blocks. Runs Python. Leaves no exception set.
  virtual void move_out(Refuge& refuge) = 0;
};

// Is told when a loan has come back. Any thread.
class Bell {
 public:
  virtual void ring() noexcept = 0;

 protected:
  ~Bell() = default;
};

class Loan {
 public:
  Loan() noexcept = default;
  Loan(Loan&& other) noexcept : lessor_(std::move(other.lessor_)), entry_(std::exchange(other.entry_, nullptr)) {}
  Loan& operator=(Loan&& other) noexcept {
    std::swap(lessor_, other.lessor_);
    std::swap(entry_, other.entry_);
    return *this;
  }
  // Gives it back. Thread: any.
  ~Loan();

  explicit operator bool() const noexcept { return entry_ != nullptr; }
  // Whether that lessor has granted it.
  [[nodiscard]] bool is_of(const LessorPtr& lessor) const noexcept { return lessor_.get() == lessor.get(); }

 private:
  friend class Lessor;
  struct Entry;
  Loan(LessorPtr lessor, Entry* entry) noexcept : lessor_(std::move(lessor)), entry_(entry) {}

  LessorPtr lessor_;
  Entry* entry_ = nullptr;
};

class Lessor final : public base::Counted {
 public:
  // Requires: attached to the interpreter that it is for.
  Lessor() : door_(std::make_shared<py::Door>()) {}

  // Keeps `object` alive until the loan is given back. After the lessor has been closed, no loans are granted. `borrower`,
  // which will hold the loan, is asked to move out when the interpreter ends. If there is no borrower and the loan is still
  // out then, the object is never freed. Requires: attached. Errors: std::bad_alloc.
  [[nodiscard]] Loan lend(PyObject* object, Borrower* borrower = nullptr);

  // Whether a loan has come back. Thread: any. relaxed: a hint to look; returned loans are taken under the lock.
  [[nodiscard]] bool has_returns() const noexcept { return has_returns_.load(std::memory_order_relaxed); }
  // The way into the interpreter for threads that have no state of it; closed before it ends.
  [[nodiscard]] py::Door& door() const noexcept { return *door_; }

  // Drops the objects of returned loans. Requires: attached. Runs Python. An exception that is set stays set.
  void take_back() {
    if (has_returns()) take_back_now();
  }
  // Rings at each return from now on, until `close` or another bell. Requires: attached, or nobody else can come here.
  void set_bell(std::shared_ptr<Bell> bell) AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool has_bell() AIOI_EXCLUDES(mutex_);

  // The interpreter is about to end: asks borrowers to move out, takes back all returned loans, closes the door. Requires:
  // attached. Blocks: detached, for visitors. Runs Python.
  void close(Refuge& refuge) AIOI_EXCLUDES(mutex_);

 private:
  friend class Loan;
  using Entry = Loan::Entry;

  void take_back_now() AIOI_EXCLUDES(mutex_);
  void give_back(Entry* entry) noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] base::IntrusivePtr<Borrower> next_borrower() AIOI_EXCLUDES(mutex_);

  const std::shared_ptr<py::Door> door_;
  std::atomic<bool> has_returns_{false};  // written under the lock
  base::Mutex mutex_;
  Entry* lent_ AIOI_GUARDED_BY(mutex_) = nullptr;                 // linked both ways
  Entry* returned_ AIOI_GUARDED_BY(mutex_) = nullptr;             // linked by `next`
  enum class Phase : unsigned char { kOpen, kClosing, kClosed };  // closing: lends no more, but takes loans back
  Phase phase_ AIOI_GUARDED_BY(mutex_) = Phase::kOpen;
  std::shared_ptr<Bell> bell_ AIOI_GUARDED_BY(mutex_);
};

}  // namespace aiointerpreters::codec
