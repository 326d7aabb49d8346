// See targets.h.
#include "pool/targets.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "py/other_threads.h"

namespace aiointerpreters::pool {

namespace {

// So often a visitor looks whether a task that is to be interrupted still imports a module.
constexpr std::chrono::milliseconds kImportInterval{2};
// A task that begins further ones will not stop by itself.
constexpr unsigned kImportsSpared = 20;
// So often it looks after a task that has been interrupted.
constexpr std::chrono::milliseconds kLookInterval{100};
// At so many of those looks something that a task has left in the event loop has not let the loop go on: more than a module that
// keeps something there should need.
constexpr unsigned kLooksAtLeftovers = 10;
// A task that goes on for so long after its interrupt will not stop by itself.
constexpr std::chrono::seconds kPatience{5};

// The thread of an event loop does what the loop is for; or it waits.
bool runs_asyncio(const py::Interruptible& loop) { return loop.runs_code_of({"asyncio", "selectors"}); }

}  // namespace

void stop_work(codec::Runtime& runtime) {
  runtime.interruptible.stop(runtime.task_interrupted.get());
  py::end_other_threads({runtime.interruptible.thread(), runtime.loop_interruptible.thread()});
}

Target::Target(TaskPtr which, bool runs_in_loop)
    : task(std::move(which)), in_loop(runs_in_loop), report_at(base::Clock::now() + kPatience) {}

void Targets::raise_in(std::vector<Target>& added, bool all) {
  for (Target& target : added) interrupt(target);
  if (all) {
    stop_work(runtime_);
    if (std::exchange(stops_loop_, true)) end_loops_turn();  // told for the second time
  }
  wake();
  loops_turn_ = runtime_.loop_interruptible.turns();
}

void Targets::insist() {
  const auto in_loop =
      std::ranges::count_if(targets_, [](const Target& target) { return target.in_loop && !target.task->done(); });
  for (Target& target : targets_) insist_on(target, static_cast<std::size_t>(in_loop));
  if (stops_loop_) insist_on_loops_end();
  wake();
}

void Targets::add(std::vector<Target> added) {
  for (Target& target : added) {
    const auto is_same = [&](const Target& known) { return known.task == target.task; };
    if (std::ranges::none_of(targets_, is_same)) targets_.push_back(std::move(target));  // or its patience runs already
  }
}

bool Targets::review(bool has_loop) {
  std::erase_if(targets_, [](const Target& target) { return target.task->done(); });
  for (Target& target : targets_) {
    if (!base::is_over(target.report_at)) continue;
    target.report_at.reset();
    target.task->report_ignored_interrupt();
  }
  stops_loop_ = stops_loop_ && has_loop;
  return !targets_.empty() || stops_loop_;
}

base::Deadline Targets::next_look() const {
  if (targets_.empty() && !stops_loop_) return base::Deadline();
  const bool imports =
      std::ranges::any_of(targets_, [](const Target& target) { return !target.in_loop && !target.is_raised; });
  return base::Clock::now() + (imports ? kImportInterval : kLookInterval);
}

bool Targets::spares_import(Target& target, py::Interruptible& interruptible, const void* what) {
  const unsigned import = interruptible.import_of(what);
  if (import == 0 || !target.report_at) return false;
  if (std::exchange(target.import, import) != import) ++target.spared;
  return target.spared <= kImportsSpared;
}

const void* Targets::deed_in_loop(const Target& target, std::size_t in_loop) const {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  // Between steps nobody knows whose leftovers run. If all of them are to be stopped, nobody needs to.
  return !loop.is_busy() && loop.beside() <= in_loop ? py::Interruptible::between() : target.task.get();
}

void Targets::interrupt(Target& target) {
  if (target.in_loop) {  // which cancels it, if it comes to that
    target.turn = runtime_.loop_interruptible.turns();
    return;
  }
  if (spares_import(target, runtime_.interruptible, target.task.get())) return;
  runtime_.interruptible.interrupt(target.task.get(), runtime_.task_interrupted.get());
  target.is_raised = true;
}

bool Targets::is_stuck(const Target& target) const {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  if (!loop.is_busy()) return target.looks >= kLooksAtLeftovers && !runs_asyncio(loop);
  // A step that has been told cleans up, as long as nobody's patience ends.
  return target.looks > 0 && (!loop.is_cleaning_up() || !target.report_at);
}

void Targets::insist_on(Target& target, std::size_t in_loop) {
  const Task* const task = target.task.get();
  PyObject* const exception = runtime_.task_interrupted.get();
  if (!target.in_loop && !target.is_raised) return interrupt(target);
  if (!target.in_loop) return runtime_.interruptible.insist(task, exception);
  // It has had the loop all the time since the last look, so the loop could not cancel it; or what it has left to the loop has.
  py::Interruptible& loop = runtime_.loop_interruptible;
  const void* const what = deed_in_loop(target, in_loop);
  const unsigned turn = loop.turn_of(what);
  target.looks = turn == std::exchange(target.turn, turn) ? target.looks + 1 : 0;
  if (turn == 0 || !is_stuck(target) || spares_import(target, loop, what)) return;
  loop.interrupt(what, exception);
  target.looks = 0;
}

void Targets::insist_on_loops_end() {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  const unsigned before = std::exchange(loops_turn_, loop.turns());
  if (before != loops_turn_ || loop.thread() == 0) return;
  // A step cleans up once it has been told; of what the loop runs beside, one may follow the other in the same turn.
  if (loop.is_busy() ? std::exchange(ended_turn_, before) != before : !runs_asyncio(loop)) end_loops_turn();
}

void Targets::end_loops_turn() {
  const py::Interruptible& loop = runtime_.loop_interruptible;
  if (loop.thread() == 0) return;
  // What is no step of a task of home's is asyncio's, which lets SystemExit out.
  loop.raise_in_thread(loop.is_busy() ? runtime_.task_interrupted.get() : PyExc_SystemExit);
}

void Targets::wake() {
  if (runtime_.wake_waiting != nullptr) runtime_.wake_waiting(runtime_);
}

}  // namespace aiointerpreters::pool
