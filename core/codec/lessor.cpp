// See lessor.h.
#include "codec/lessor.h"

#include "py/error.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// One object on loan. The lessor owns the entry, and its lock guards the content. The object is used only while its
// interpreter is attached.
struct Loan::Entry {
  PyObject* object;    // owned
  Borrower* borrower;  // the holder of the loan; null: it cannot move out, or has already been asked to
  Entry* next = nullptr;
  Entry* previous = nullptr;
};

Loan::~Loan() {
  if (entry_ != nullptr) lessor_->give_back(entry_);
}

Loan Lessor::lend(PyObject* object, Borrower* borrower) {
  auto entry = std::make_unique<Entry>(Entry{object, borrower});
  base::Lock lock(mutex_);
  if (phase_ != Phase::kOpen) return {};
  Py_INCREF(object);
  entry->next = lent_;
  if (lent_ != nullptr) lent_->previous = entry.get();
  lent_ = entry.get();
  return Loan(LessorPtr(this), entry.release());
}

void Lessor::give_back(Entry* entry) noexcept {
  std::shared_ptr<Bell> bell;
  {
    base::Lock lock(mutex_);
    *(entry->previous == nullptr ? &lent_ : &entry->previous->next) = entry->next;
    if (entry->next != nullptr) entry->next->previous = entry->previous;
    if (phase_ == Phase::kClosed) {  // the object must not be touched any more; it stays until the end of its interpreter
      std::unique_ptr<Entry> forgotten(entry);
      return;
    }
    bell = bell_;
    entry->next = std::exchange(returned_, entry);
    has_returns_.store(true, std::memory_order_relaxed);
  }
  if (bell) bell->ring();
}

void Lessor::take_back_now() {
  Entry* taken = nullptr;
  {
    base::Lock lock(mutex_);
    taken = std::exchange(returned_, nullptr);
    has_returns_.store(false, std::memory_order_relaxed);
  }
  py::Ref pending = py::take_exception();
  while (taken != nullptr) {
    const std::unique_ptr<Entry> entry(taken);
    taken = entry->next;
    Py_DECREF(entry->object);
  }
  py::restore_exception(std::move(pending));
}

void Lessor::set_bell(std::shared_ptr<Bell> bell) {
  base::Lock lock(mutex_);
  bell_.swap(bell);
}

bool Lessor::has_bell() {
  base::Lock lock(mutex_);
  return bell_ != nullptr;
}

base::IntrusivePtr<Borrower> Lessor::next_borrower() {
  base::Lock lock(mutex_);
  for (Entry* entry = lent_; entry != nullptr; entry = entry->next) {
    Borrower* const borrower = std::exchange(entry->borrower, nullptr);
    // The memory of a borrower that is being destroyed is still valid: it waits for this lock to return its loan.
    if (borrower == nullptr) continue;
    if (auto alive = base::IntrusivePtr<Borrower>::if_alive(borrower)) return alive;
  }
  return {};
}

void Lessor::close(Refuge& refuge) {
  {
    base::Lock lock(mutex_);
    phase_ = Phase::kClosing;
  }
  door_->close();
  while (const auto borrower = next_borrower()) borrower->move_out(refuge);
  std::shared_ptr<Bell> bell;
  for (bool done = false; !done;) {
    take_back();
    base::Lock lock(mutex_);
    done = returned_ == nullptr;
    if (done) {
      phase_ = Phase::kClosed;
      bell.swap(bell_);
    }
  }
}

}  // namespace aiointerpreters::codec
