// See attendant.h.
#include "pool/attendant.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace aiointerpreters::pool {

namespace {

// Whoever uses the engine takes back what is his at the next occasion, at no cost; a visit needs the interpreter's GIL.
constexpr std::chrono::milliseconds kGrace{50};
// So often a visitor looks whether a task that is to be interrupted still imports a module.
constexpr std::chrono::milliseconds kImportInterval{2};
// A task that begins further ones will not stop by itself.
constexpr unsigned kImportsSpared = 20;
// So often it looks after a task that has been interrupted.
constexpr std::chrono::milliseconds kLookInterval{100};
// A task that goes on for so long after its interrupt will not stop by itself.
constexpr std::chrono::seconds kPatience{5};

bool is_over(const base::Deadline& deadline) { return deadline && base::Clock::now() >= *deadline; }

// The thread of an event loop does what the loop is for; or it waits.
bool runs_asyncio(const py::Interruptible& loop) { return loop.runs_code_of({"asyncio", "selectors"}); }

base::Deadline earlier(const base::Deadline& one, const base::Deadline& other) {
  return one && other ? std::min(one, other) : one ? one : other;
}

}  // namespace

void stop_work(codec::Runtime& runtime) {
  runtime.interruptible.stop(runtime.task_interrupted.get());
  py::end_other_threads({runtime.interruptible.thread(), runtime.loop_interruptible.thread()});
}

std::shared_ptr<Attendant> Attendant::serve(codec::Runtime& runtime) {
  auto attendant = std::make_shared<Attendant>(runtime);
  runtime.lessor->set_bell(attendant);
  return attendant;
}

bool Attendant::call(std::atomic<bool>& errand) noexcept {
  if (stopping_.load(std::memory_order_relaxed)) return true;
  const bool was_called = errand.exchange(true, std::memory_order_acq_rel);
  if (thread_.running()) {
    if (!was_called) parker_.unpark();
    return true;
  }
  return thread_.start([this] { run(); });
}

void Attendant::ring() noexcept {
  base::Lock lock(mutex_);
  if (!call(returns_)) returns_.store(false, std::memory_order_release);  // the next one tries again
}

bool Attendant::interrupt(TaskPtr task) noexcept { return add(std::move(task), false); }

bool Attendant::watch(TaskPtr task) noexcept { return add(std::move(task), true); }

bool Attendant::add(TaskPtr task, bool in_loop) noexcept {
  base::Lock lock(mutex_);
  try {
    added_.push_back({.task = std::move(task), .in_loop = in_loop, .report_at = base::Clock::now() + kPatience});
  } catch (const std::bad_alloc&) {
    return false;
  }
  return call(interrupt_);
}

bool Attendant::interrupt_all() noexcept {
  base::Lock lock(mutex_);
  return call(interrupt_all_);
}

void Attendant::set_loop(LoopPortPtr loop) noexcept {
  base::Lock lock(mutex_);
  loop_.swap(loop);
}

LoopPortPtr Attendant::loop() noexcept {
  base::Lock lock(mutex_);
  return loop_;
}

void Attendant::halt() noexcept {
  {
    base::Lock lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  parker_.unpark();
  if (thread_.running()) thread_.join();
}

void Attendant::stop() noexcept {
  halt();
  lessor_->set_bell(nullptr);
}

void Attendant::pause() noexcept {
  halt();
  base::Lock lock(mutex_);
  stopping_.store(false, std::memory_order_release);
}

std::vector<Attendant::Target> Attendant::take_added() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(added_, {});
}

void Attendant::run() {
  base::Deadline returns_at;
  while (!stopping_.load(std::memory_order_acquire)) {
    // Each flag is lowered before its visit: what is asked for from then on raises it again, and what was asked for before is
    // seen inside.
    if (interrupt_.load(std::memory_order_acquire) || interrupt_all_.load(std::memory_order_acquire)) {
      visit_to_interrupt();
    } else if (is_over(look_at_)) {
      look_after_interrupted();
    } else if (is_over(returns_at)) {
      returns_at.reset();
      returns_.exchange(false, std::memory_order_acq_rel);
      if (lessor_->has_returns()) lessor_->door().visit([this] { lessor_->take_back(); });
    } else if (!returns_at && returns_.load(std::memory_order_acquire)) {
      returns_at = base::Clock::now() + kGrace;
    } else {
      parker_.park(earlier(returns_at, look_at_));  // cut short by `stop`
    }
  }
}

void Attendant::visit_to_interrupt() {
  interrupt_.exchange(false, std::memory_order_acq_rel);
  const bool all = interrupt_all_.exchange(false, std::memory_order_acq_rel);
  std::vector<Target> added = take_added();
  lessor_->door().visit([&] {
    for (Target& target : added) interrupt(target);
    if (all) stop_work(runtime_);
    if (all && stops_loop_) end_loops_turn();  // told for the second time
    wake();
    loops_turn_ = runtime_.loop_interruptible.turns();
  });
  stops_loop_ |= all;
  if (const LoopPortPtr loop = this->loop()) loop->mailbox->remind();  // it has another turn, unless it is stuck
  for (Target& target : added) {
    const auto is_same = [&](const Target& known) { return known.task.get() == target.task.get(); };
    if (std::ranges::none_of(targets_, is_same)) targets_.push_back(std::move(target));  // or its patience runs already
  }
  look_at_ = next_look();
}

bool Attendant::spares_import(Target& target, py::Interruptible& interruptible) {
  const unsigned import = interruptible.import_of(target.task.get());
  if (import == 0 || !target.report_at) return false;
  if (std::exchange(target.import, import) != import) ++target.spared;
  return target.spared <= kImportsSpared;
}

void Attendant::interrupt(Target& target) {
  if (target.in_loop) {  // which cancels it, if it comes to that
    target.turn = runtime_.loop_interruptible.turn_of(target.task.get());
    return;
  }
  if (spares_import(target, runtime_.interruptible)) return;
  runtime_.interruptible.interrupt(target.task.get(), runtime_.task_interrupted.get());
  target.is_raised = true;
}

void Attendant::wake() {
  if (runtime_.wake_waiting != nullptr) runtime_.wake_waiting(runtime_);
}

base::Deadline Attendant::next_look() const {
  if (targets_.empty() && !stops_loop_) return base::Deadline();
  const bool imports =
      std::ranges::any_of(targets_, [](const Target& target) { return !target.in_loop && !target.is_raised; });
  return base::Clock::now() + (imports ? kImportInterval : kLookInterval);
}

void Attendant::look_after_interrupted() {
  look_at_.reset();
  std::erase_if(targets_, [](const Target& target) { return target.task->done(); });
  for (Target& target : targets_) {
    if (!is_over(target.report_at)) continue;
    target.report_at.reset();
    target.task->report_ignored_interrupt();
  }
  const LoopPortPtr loop = this->loop();
  stops_loop_ = stops_loop_ && loop;
  if (targets_.empty() && !stops_loop_) return;
  lessor_->door().visit([this] {
    for (Target& target : targets_) insist(target);
    if (stops_loop_) insist_on_loops_end();
    wake();
  });
  if (loop) loop->mailbox->remind();
  look_at_ = next_look();
}

void Attendant::insist(Target& target) {
  const pool::Task* const task = target.task.get();
  PyObject* const exception = runtime_.task_interrupted.get();
  if (!target.in_loop && !target.is_raised) return interrupt(target);
  if (!target.in_loop) return runtime_.interruptible.insist(task, exception);
  // It has had the loop all the time since the last look, so the loop could not cancel it; or what it has left to the loop has.
  py::Interruptible& loop = runtime_.loop_interruptible;
  const unsigned turn = loop.turn_of(task);
  const bool is_stuck = turn != 0 && turn == target.turn && (loop.is_busy() || !runs_asyncio(loop));
  if (is_stuck && !spares_import(target, loop)) loop.interrupt(task, exception);
  target.turn = turn;
}

void Attendant::insist_on_loops_end() {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  const unsigned before = std::exchange(loops_turn_, loop.turns());
  if (before != loops_turn_ || loop.thread() == 0) return;
  // A step cleans up once it has been told; of what the loop runs beside, one may follow the other in the same turn.
  if (loop.is_busy() ? std::exchange(ended_turn_, before) != before : !runs_asyncio(loop)) end_loops_turn();
}

void Attendant::end_loops_turn() {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  if (loop.thread() == 0) return;
  // What is no step of a task of home's is asyncio's, which lets SystemExit out.
  loop.raise_in_thread(loop.is_busy() ? runtime_.task_interrupted.get() : PyExc_SystemExit);
}

}  // namespace aiointerpreters::pool
