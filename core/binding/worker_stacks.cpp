// See worker_stacks.h.
#include "binding/worker_stacks.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/coarse_clock.h"
#include "pool/glance.h"
#include "py/attach.h"
#include "py/call_stack.h"

namespace aiointerpreters::binding {

namespace {

using pool::Activity;

struct Asked {
  pool::WorkerView worker;
  std::shared_ptr<pool::Glance> glance;  // null if it has no interpreter that can be entered
};

py::Ref make_text(const std::string& text) {
  return py::Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogatepass"));
}

py::Ref make_none() { return py::Ref::borrow(Py_None); }

// Makes the objects. `asked_at`: in base::coarse_milliseconds.
class Maker {
 public:
  explicit Maker(std::uint32_t asked_at) noexcept : asked_at_(asked_at) {}
  [[nodiscard]] py::Ref make_worker(const Asked& asked) const;

 private:
  // A call that began after the question has run for 0 seconds.
  [[nodiscard]] py::Ref make_seconds(std::uint32_t since) const {
    const auto elapsed = static_cast<std::int32_t>(asked_at_ - since);
    return py::Ref::steal(PyFloat_FromDouble(std::max(elapsed, 0) / 1000.0));
  }
  [[nodiscard]] py::Ref make_activity(const Activity& activity) const;
  [[nodiscard]] py::Ref make_call(const pool::WorkerView& worker) const;
  [[nodiscard]] py::Ref make_answer(const Asked& asked) const;

  const std::uint32_t asked_at_;
};

// Returns new: a list of what `make` returns for each item. Null with an exception set.
template <typename Items, typename Make>
py::Ref make_list(const Items& items, Make&& make) {
  py::Ref list = py::Ref::steal(PyList_New(0));
  for (const auto& item : items) {
    const py::Ref made = list ? make(item) : py::Ref();
    if (!made || PyList_Append(list.get(), made.get()) < 0) return {};
  }
  return list;
}

py::Ref make_stack(const base::CallStack& stack) {
  return make_list(stack, [](const base::FrameLine& line) {
    const py::Ref file = make_text(line.file);
    const py::Ref function = make_text(line.function);
    return file && function ? py::Ref::steal(Py_BuildValue("(OiO)", file.get(), line.line, function.get())) : py::Ref();
  });
}

const char* kind_of(const Activity& activity) noexcept {
  switch (activity.kind) {
    case Activity::Kind::kCall:
      return "call";
    case Activity::Kind::kUpkeep:
      return "upkeep";
    case Activity::Kind::kLoopCall:
      return activity.is_waiting ? "waiting" : "step";
    case Activity::Kind::kLoop:
      return "loop";
    case Activity::Kind::kThread:
      return "thread";
  }
  return "";
}

py::Ref Maker::make_activity(const Activity& activity) const {
  const bool is_call = activity.kind == Activity::Kind::kCall || activity.kind == Activity::Kind::kLoopCall;
  const py::Ref name = make_text(activity.name);
  const py::Ref seconds = is_call ? make_seconds(activity.since) : make_none();
  const py::Ref stack = make_stack(activity.stack);
  if (!name || !seconds || !stack) return {};
  return py::Ref::steal(Py_BuildValue("(sOOO)", kind_of(activity), name.get(), seconds.get(), stack.get()));
}

// The call that the worker runs, as far as the pool knows; None if it runs none.
py::Ref Maker::make_call(const pool::WorkerView& worker) const {
  const pool::TaskPtr& task = worker.task;
  if (!task || task->state() != pool::Task::State::kRunning) return make_none();
  const bool is_tagged = task->lane != pool::Lane::kHome;
  const py::Ref name = make_text(is_tagged ? pool::name_of_call(*task) : std::string());
  const py::Ref seconds = make_seconds(task->began.load(std::memory_order_relaxed));
  if (!name || !seconds) return {};
  return py::Ref::steal(Py_BuildValue("(OOO)", name.get(), seconds.get(), is_tagged ? Py_True : Py_False));
}

const char* state_of(const pool::WorkerView& worker) noexcept {
  return worker.is_making ? "making" : worker.is_ending ? "ending" : worker.is_idle ? "idle" : "busy";
}

py::Ref Maker::make_answer(const Asked& asked) const {
  if (!asked.glance || asked.glance->refused()) return py::Ref::steal(PyList_New(0));
  const std::vector<Activity>* const activities = asked.glance->answer();
  return activities != nullptr ? make_list(*activities, [this](const Activity& each) { return make_activity(each); })
                               : make_none();
}

py::Ref Maker::make_worker(const Asked& asked) const {
  const pool::WorkerView& worker = asked.worker;
  const bool has_interpreter = worker.interpreter != pool::Seat::kNoInterpreter;
  const py::Ref interpreter = has_interpreter ? py::Ref::steal(PyLong_FromLongLong(worker.interpreter)) : make_none();
  const py::Ref call = make_call(worker);
  const py::Ref answer = make_answer(asked);
  const py::Ref stack = make_stack(py::call_stack(py::state_of_thread(worker.thread)));
  if (!interpreter || !call || !answer || !stack) return {};
  return py::Ref::steal(
      Py_BuildValue("(ksOOOO)", worker.thread, state_of(worker), interpreter.get(), call.get(), answer.get(), stack.get()));
}

}  // namespace

py::Ref make_census(const pool::Census& census) {
  return py::Ref::steal(Py_BuildValue("(nnnn)", census.threads, census.busy, census.interpreters, census.queued));
}

py::Ref describe_workers(const pool::Pool& pool, std::chrono::milliseconds patience) {
  const base::Deadline deadline = base::Clock::now() + patience;
  const std::uint32_t asked_at = base::coarse_milliseconds();
  std::vector<Asked> asked;
  pool::Census census{};
  for (pool::WorkerView& worker : pool.workers(census)) {
    std::shared_ptr<pool::Glance> glance;
    if (worker.interrupter) {
      glance = std::make_shared<pool::Glance>();
      worker.interrupter->look(glance);
    }
    asked.push_back({std::move(worker), std::move(glance)});
  }
  py::detached([&] {
    for (const Asked& each : asked) {
      if (each.glance) each.glance->wait(deadline);
    }
    return 0;
  });
  const py::Ref workers = make_list(asked, [maker = Maker(asked_at)](const Asked& each) { return maker.make_worker(each); });
  const py::Ref numbers = workers ? make_census(census) : py::Ref();
  return numbers ? py::Ref::steal(PyTuple_Pack(2, numbers.get(), workers.get())) : py::Ref();
}

}  // namespace aiointerpreters::binding
