// See interrupts.h.
#include "pool/interrupts.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "py/other_threads.h"

namespace aiointerpreters::pool {

namespace {

// How often to check whether a task that must be interrupted is still importing a module.
constexpr std::chrono::milliseconds kImportInterval{2};
// After this many imports in succession, a task is interrupted inside an import.
constexpr unsigned kImportsSpared = 20;
// The time between two looks at interrupted tasks. A step that takes longer prevents the loop from cancelling its task.
constexpr std::chrono::milliseconds kLookInterval{100};
// The time after which code that a task has left in the event loop counts as blocking the loop. Importing a module should
// never take so long.
constexpr std::chrono::milliseconds kLeftoversTime{1000};
// If a task still runs this long after its interrupt, it will not end by itself.
constexpr std::chrono::seconds kPatience{5};
// If the loop cancels a task in one pass, the task gets CancelledError in the next pass, and has handled it when a third
// begins.
constexpr unsigned kPassesToTell = 2;

// Whether the thread of an event loop runs asyncio's own code, or waits in it.
bool runs_asyncio(const py::Interruptible& loop) { return loop.runs_code_of({"asyncio", "selectors"}); }

bool is_told(const Task& task, const py::Interruptible& loop) {
  return task.cancelling.pass != 0 && loop.passes() - task.cancelling.pass >= kPassesToTell;
}

void begin_patience(Interrupt& interrupt, base::Clock::time_point now) {
  if (!interrupt.patience) interrupt.patience = now + kPatience;
}

}  // namespace

void stop_work(codec::Runtime& runtime) {
  runtime.interruptible.stop(runtime.task_interrupted.get());
  py::end_other_threads(runtime.interruptible.thread());
}

void Interrupts::add(std::list<Interrupt> added) noexcept {
  while (!added.empty()) {
    const auto first = added.begin();
    const auto is_same = [&](const Interrupt& known) { return known.task == first->task; };
    if (first->task->done()) {
      added.erase(first);
    } else if (first->in_loop) {  // the port sends each task only once
      in_loop_.splice(in_loop_.end(), added, first);
    } else if (const auto known = std::ranges::find_if(in_thread_, is_same); known != in_thread_.end()) {
      known->is_raised = false;  // it is raised again; its deadline stays
      added.erase(first);
    } else {
      in_thread_.splice(in_thread_.end(), added, first);
    }
  }
}

bool Interrupts::review(bool has_loop) {
  for (std::list<Interrupt>* const list : {&in_thread_, &in_loop_}) {
    std::erase_if(*list, [](const Interrupt& interrupt) { return interrupt.task->done(); });
    for (Interrupt& interrupt : *list) {
      if (interrupt.is_reported || !base::is_over(interrupt.patience)) continue;
      interrupt.is_reported = true;
      interrupt.task->report_ignored_interrupt();
    }
  }
  stops_loop_ = stops_loop_ && has_loop;
  return !in_thread_.empty() || !in_loop_.empty() || stops_loop_;
}

base::Deadline Interrupts::next_look() const {
  if (in_thread_.empty() && in_loop_.empty() && !stops_loop_) return base::Deadline();
  const bool imports = std::ranges::any_of(in_thread_, [](const Interrupt& interrupt) { return !interrupt.is_raised; });
  return base::Clock::now() + (imports ? kImportInterval : kLookInterval);
}

void Interrupts::pursue(bool stops_all) {
  const Time now = base::Clock::now();
  observe_loop(now);
  for (Interrupt& interrupt : in_thread_) pursue_in_thread(interrupt, now);
  pursue_in_loop(now);
  if (stops_all) {
    stop_work(runtime_);
    if (std::exchange(stops_loop_, true)) interrupt_loop();  // the second request
    since_ = now;
  } else if (stops_loop_) {
    pursue_loops_end(now);
  }
  wake();
}

bool Interrupts::spares_import(Interrupt& interrupt, py::Interruptible& thread, const void* what) {
  const unsigned import = thread.import_of(what);
  if (import == 0 || interrupt.is_reported) return false;
  if (std::exchange(interrupt.import, import) != import) ++interrupt.spared;
  return interrupt.spared <= kImportsSpared;
}

void Interrupts::pursue_in_thread(Interrupt& interrupt, Time now) {
  py::Interruptible& thread = runtime_.interruptible;
  const Task* const task = interrupt.task.get();
  if (thread.does(task)) begin_patience(interrupt, now);
  if (!interrupt.is_raised) {
    if (spares_import(interrupt, thread, task)) return;
    thread.interrupt(task, runtime_.task_interrupted.get());
    interrupt.is_raised = true;
  } else if (now - interrupt.raised_at < kLookInterval) {
    return;
  } else {
    thread.insist(task, runtime_.task_interrupted.get());
  }
  interrupt.raised_at = now;
}

void Interrupts::observe_loop(Time now) {
  const unsigned stretch = runtime_.loop_interruptible.stretches();
  if (std::exchange(stretch_, stretch) != stretch) since_ = now;
}

void Interrupts::pursue_in_loop(Time now) {
  if (in_loop_.empty()) return;
  const py::Interruptible& loop = runtime_.loop_interruptible;
  for (Interrupt& interrupt : in_loop_) {
    if (is_told(*interrupt.task, loop)) begin_patience(interrupt, now);
  }
  if (loop.is_busy()) {
    pursue_step(now);
  } else {
    pursue_leftovers(now);
  }
}

void Interrupts::pursue_step(Time now) {
  py::Interruptible& loop = runtime_.loop_interruptible;
  const auto is_there = [&](const Interrupt& interrupt) { return loop.does(interrupt.task.get()); };
  const auto stuck = std::ranges::find_if(in_loop_, is_there);
  if (stuck == in_loop_.end() || now - since_ < kLookInterval || now - stuck->asked_at < kLookInterval) return;
  begin_patience(*stuck, now);
  // A step that was told to end may clean up until the deadline.
  if (loop.is_cleaning_up() && !stuck->is_reported) return;
  if (spares_import(*stuck, loop, stuck->task.get())) return;
  loop.interrupt(stuck->task.get(), runtime_.task_interrupted.get());
  since_ = now;
}

void Interrupts::pursue_leftovers(Time now) {
  py::Interruptible& loop = runtime_.loop_interruptible;
  const void* const what = py::Interruptible::between();
  // Nobody knows which task has left the code that runs. This does not matter if all of the loop's tasks must be stopped.
  if (!loop.does(what) || loop.beside() > in_loop_.size() || now - since_ < kLeftoversTime) return;
  Interrupt& oldest = in_loop_.front();
  if (now - oldest.asked_at < kLeftoversTime || runs_asyncio(loop) || spares_import(oldest, loop, what)) return;
  loop.interrupt(what, runtime_.task_interrupted.get());
  since_ = now;
}

void Interrupts::pursue_loops_end(Time now) {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  if (now - since_ < kLookInterval) return;
  // A step gets the exception once, because it may clean up. Between steps, different code of the loop may run in the same
  // stretch.
  if (loop.is_busy() ? std::exchange(ended_stretch_, stretch_) == stretch_ : runs_asyncio(loop)) return;
  interrupt_loop();
  since_ = now;
}

void Interrupts::interrupt_loop() {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  if (loop.thread() == 0) return;
  // Between steps the code belongs to asyncio, which lets SystemExit pass.
  loop.raise_in_thread(loop.is_busy() ? runtime_.task_interrupted.get() : PyExc_SystemExit);
}

void Interrupts::wake() {
  if (runtime_.wake_waiting != nullptr) runtime_.wake_waiting(runtime_);
}

}  // namespace aiointerpreters::pool
