// See relay.h.
#include "pool/relay.h"

#include <chrono>
#include <limits>
#include <new>
#include <utility>

#include "base/thread.h"
#include "codec/attachment.h"
#include "py/attach.h"

namespace aiointerpreters::pool {

namespace {

// How long the thread collects words after a batch.
constexpr std::chrono::milliseconds kNap{10};
// How many words the thread handles before other threads get the turn and the GIL.
constexpr std::size_t kBatch = 64;
// How long a thread of home waits for one word that another thread handles.
constexpr std::chrono::milliseconds kPatience{200};
constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

std::size_t size_of(const codec::Message& message) noexcept {
  return sizeof(codec::Message) + message.bytes.size() + codec::attached_bytes(message);
}

std::size_t size_of(const Word& word) noexcept {
  return sizeof(Word) + size_of(word.content) + (word.extra ? size_of(*word.extra) : 0) +
         (word.exception ? size_of(*word.exception) : 0);
}

void drop_all(Word* word) noexcept {
  while (word != nullptr) std::unique_ptr<Word>(std::exchange(word, word->next)).reset();
}

}  // namespace

Relay::~Relay() {
  drop_all(first_in_hand_);
  drop_all(last_.load(std::memory_order_acquire));
}

void Relay::post(std::unique_ptr<Word> word) noexcept {
  word->size = size_of(*word);
  if (bytes_.fetch_add(word->size, std::memory_order_relaxed) > kMaxBytes) {
    bytes_.fetch_sub(word->size, std::memory_order_relaxed);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Word* const added = word.release();
  added->next = last_.load(std::memory_order_relaxed);
  // seq_cst, as the next load: the thread first says that it sleeps and then looks for words.
  while (!last_.compare_exchange_weak(added->next, added, std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  std::uint32_t bell = bell_.load(std::memory_order_seq_cst);
  if (bell == kNoThread) return start();
  if (bell == kAsleep && bell_.compare_exchange_strong(bell, kAwake, std::memory_order_seq_cst)) base::wake_one(&bell_);
}

void Relay::start() noexcept {
  base::Lock lock(mutex_);
  if (is_closing_.load(std::memory_order_acquire) || has_thread()) return;
  bell_.store(kAwake, std::memory_order_seq_cst);
  base::Thread thread;
  bool is_started = false;
  try {
    is_started = thread.start("aioi-words", [self = shared_from_this()] { self->run(); });
  } catch (const std::bad_alloc&) {
    is_started = false;
  }
  if (is_started) return thread.detach();
  bell_.store(kNoThread, std::memory_order_seq_cst);  // the words wait for a flush, or for the next attempt
}

void Relay::close() noexcept {
  base::Lock lock(mutex_);
  is_closing_.store(true, std::memory_order_seq_cst);
  if (!has_thread()) return;
  bell_.store(kAwake, std::memory_order_seq_cst);
  base::wake_all(&bell_);
}

void Relay::wait_for_thread(const base::Deadline& deadline) const noexcept {
  for (;;) {
    const std::uint32_t bell = bell_.load(std::memory_order_acquire);
    if (bell == kNoThread || base::wait_on(bell_, bell, deadline) != base::Wake::kChanged) return;
  }
}

void Relay::leave_to_parent() noexcept {
  ++forks_;
  first_in_hand_ = last_in_hand_ = nullptr;
  last_.store(nullptr, std::memory_order_relaxed);
  bytes_.store(0, std::memory_order_relaxed);
  dropped_.store(0, std::memory_order_relaxed);
  turn_.store(0, std::memory_order_relaxed);
  bell_.store(kNoThread, std::memory_order_relaxed);
  is_slow_.store(false, std::memory_order_relaxed);
  std::construct_at(&mutex_);
}

// ---- Its thread

void Relay::run() {
  do {
    while (has_words()) {
      if (!visit_home()) break;
      nap();
    }
  } while (sleep());
  bell_.store(kNoThread, std::memory_order_seq_cst);
  base::wake_all(&bell_);
}

bool Relay::visit_home() {
  if (!home_->door().is_open()) {
    is_closing_.store(true, std::memory_order_seq_cst);
    return false;
  }
  static_cast<void>(wait_for_turn({}));
  const bool visited = home_->door().visit([this] {
    if (!handle_some(kBatch)) PyErr_WriteUnraisable(nullptr);
  });
  give_turn_back();
  return visited;
}

void Relay::nap() noexcept {
  if (last_.load(std::memory_order_relaxed) != nullptr && bytes_.load(std::memory_order_relaxed) > kMaxBytes / 16) return;
  std::uint32_t awake = kAwake;
  if (is_closing_.load(std::memory_order_seq_cst)) return;
  if (!bell_.compare_exchange_strong(awake, kNapping, std::memory_order_seq_cst)) return;
  const base::Deadline end = base::Clock::now() + kNap;
  while (!is_closing_.load(std::memory_order_seq_cst) && !base::is_over(end)) {
    if (base::wait_on(bell_, kNapping, end) == base::Wake::kTimedOut) break;
  }
  bell_.store(kAwake, std::memory_order_seq_cst);
}

bool Relay::sleep() noexcept {
  std::uint32_t awake = kAwake;
  if (!bell_.compare_exchange_strong(awake, kAsleep, std::memory_order_seq_cst)) return true;
  for (;;) {
    if (is_closing_.load(std::memory_order_seq_cst)) return false;
    if (last_.load(std::memory_order_seq_cst) != nullptr) break;
    if (bell_.load(std::memory_order_seq_cst) != kAsleep) return true;
    static_cast<void>(base::wait_on(bell_, kAsleep, {}));
  }
  bell_.store(kAwake, std::memory_order_seq_cst);
  return true;
}

// ---- The turn

bool Relay::try_take_turn() noexcept {
  std::uint32_t free = 0;
  if (!turn_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed)) return false;
  holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  return true;
}

bool Relay::wait_for_turn(const base::Deadline& deadline) noexcept {
  while (!try_take_turn()) {
    static_cast<void>(base::wait_on(turn_, 1, deadline));
    if (base::is_over(deadline)) return try_take_turn();
  }
  return true;
}

void Relay::give_turn_back() noexcept {
  holder_.store(std::thread::id(), std::memory_order_relaxed);
  turn_.store(0, std::memory_order_release);
  base::wake_all(&turn_);
}

bool Relay::flush() {
  if (!has_words()) return true;
  if (!try_take_turn()) {
    // relaxed: only this thread can have stored its own id.
    if (holder_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return true;
    if (is_slow_.load(std::memory_order_relaxed)) return true;
    const base::Deadline deadline = base::Clock::now() + kPatience;
    if (!py::detached([&] { return wait_for_turn(deadline); })) {
      is_slow_.store(true, std::memory_order_relaxed);
      return true;
    }
  }
  const bool handled = handle_some(kUnlimited);
  give_turn_back();
  return handled;
}

bool Relay::handle_some(std::size_t limit) {
  take_posted();
  for (; limit > 0; --limit) {
    const std::unique_ptr<Word> word = next();
    if (!word) break;
    const unsigned forks = forks_;
    const bool handled = handle_(*word);
    if (forks != forks_) return handled;  // a handler has forked, and this is the child
    is_slow_.store(false, std::memory_order_relaxed);
    bytes_.fetch_sub(word->size, std::memory_order_relaxed);
    if (!handled) return false;
  }
  const std::size_t dropped = dropped_.exchange(0, std::memory_order_relaxed);
  if (dropped > 0)
    warn_(std::to_string(dropped) +
          " log records, warnings and lines of workers were dropped: they came "
          "faster than handlers could process them");
  return true;
}

std::unique_ptr<Word> Relay::next() noexcept {
  std::unique_ptr<Word> word(first_in_hand_);
  if (word) first_in_hand_ = std::exchange(word->next, nullptr);
  if (first_in_hand_ == nullptr) last_in_hand_ = nullptr;
  return word;
}

void Relay::take_posted() noexcept {
  Word* newest = last_.exchange(nullptr, std::memory_order_acquire);
  if (newest == nullptr) return;
  Word* const last = newest;
  Word* first = nullptr;
  while (newest != nullptr) {
    Word* const older = newest->next;
    newest->next = first;
    first = std::exchange(newest, older);
  }
  (last_in_hand_ == nullptr ? first_in_hand_ : last_in_hand_->next) = first;
  last_in_hand_ = last;
}

}  // namespace aiointerpreters::pool
