// Lessor: keeps objects of one interpreter alive while others use their memory. Each object stays until its last user has
// given it back.
//
// A Loan is held by the user: plain data that any thread may give back. The loan then waits in a list until a thread that
// is attached to the interpreter drops its object. This is the owner's own thread when it next uses the engine. If that
// does not happen soon, it is the thread that the bell wakes (hazard 25).
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

// The way from an ending interpreter to its home, which outlives it. Borrowers move there.
class Refuge {
 public:
  // Calls `use` with home's lessor, attached to home. Requires: attached to the ending interpreter. Attaches to it again
  // afterwards. Blocks. Runs Python.
  virtual void visit(const std::function<void(Lessor&)>& use) = 0;

 protected:
  ~Refuge() = default;
};

// An object that uses a loan, but can continue without it. It has to hold the Loan itself, as a member.
class Borrower : public base::Counted {
 public:
  // Called when the interpreter is about to end. Copies the memory that is still needed, or takes a loan of home instead,
  // and gives its own loan back. Requires: attached to the lessor's interpreter. Blocks. Runs Python. Leaves no exception
  // set.
  virtual void move_out(Refuge& refuge) = 0;
};

// Rings when a loan has come back. Thread: any.
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
  // Whether `lessor` has granted it.
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
  // Requires: attached to the interpreter whose objects it will lend.
  Lessor() : door_(std::make_shared<py::Door>()) {}

  // Keeps `object` alive until the loan is given back. A closed lessor grants no loans. `borrower` will hold the loan, and
  // is asked to move out when the interpreter ends. If there is no borrower and the loan is not back by then, the object is
  // never freed. Requires: attached. Errors: std::bad_alloc.
  [[nodiscard]] Loan lend(PyObject* object, Borrower* borrower = nullptr);

  // Whether a loan has come back. Thread: any. relaxed: a hint to look; returned loans are taken under the lock.
  [[nodiscard]] bool has_returns() const noexcept { return has_returns_.load(std::memory_order_relaxed); }
  // The way into the interpreter for threads that have no state of it; closed before it ends.
  [[nodiscard]] py::Door& door() const noexcept { return *door_; }

  // Drops the objects of returned loans. Requires: attached. Runs Python. An exception that is set stays set.
  void take_back() {
    if (has_returns()) take_back_now();
  }
  // Rings at each return from now on, until `close` or another call of set_bell. Requires: attached, or no other thread can
  // use it yet.
  void set_bell(std::shared_ptr<Bell> bell) AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool has_bell() AIOI_EXCLUDES(mutex_);

  // Call it when the interpreter is about to end. Asks borrowers to move out, takes back all returned loans, and closes the
  // door. Requires: attached. Blocks: detached, for visitors. Runs Python.
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
  Entry* lent_ AIOI_GUARDED_BY(mutex_) = nullptr;                 // linked in both directions
  Entry* returned_ AIOI_GUARDED_BY(mutex_) = nullptr;             // linked by `next`
  enum class Phase : unsigned char { kOpen, kClosing, kClosed };  // kClosing: grants no loans, but still takes them back
  Phase phase_ AIOI_GUARDED_BY(mutex_) = Phase::kOpen;
  std::shared_ptr<Bell> bell_ AIOI_GUARDED_BY(mutex_);
};

}  // namespace aiointerpreters::codec
