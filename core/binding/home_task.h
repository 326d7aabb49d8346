// HomeTask: what all tasks have in common that home has submitted, whoever waits for them there.
// Requires: attached to home, where nothing else is said.
#pragma once

#include "binding/module_state.h"
#include "pool/task.h"

namespace aiointerpreters::binding {

class HomeTask : public pool::Task {
 public:
  HomeTask(Side side, ModuleState& home) noexcept : Task(side), forks(home.forks), home_(home) {}

  void visit_home_to_settle(bool deliver) override;
  void report_ignored_interrupt() override;

  const unsigned forks;  // ModuleState::forks of the process whose workers know it

 protected:
  [[nodiscard]] ModuleState& home() const noexcept { return home_; }

 private:
  ModuleState& home_;
};

// Has a running task of the worker side end as interrupted, and stops it if an interpreter runs it. False: it is not running, or
// no interpreter's. Errors: -1 with RuntimeError set if there is no thread to see to it.
[[nodiscard]] int interrupt_running(const ModuleState& home, pool::Task& task);

}  // namespace aiointerpreters::binding
