// A task without Python and the options of small pools, for the tests of core/pool.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "pool/pool_options.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

class FakeTask final : public Task {
 public:
  explicit FakeTask(Lane where = Lane::kInterpreters) : Task(where) {}
  void run_at_home() override { outcome = Outcome::kAtHome; }
  void cancel_at_home() override {}
  void visit_home_to_settle(Change how) override { settle_at_home(how); }
  void settle_at_home(Change how) override { settled += how == Change::kDeliver ? 1 : 0; }
  void report_ignored_interrupt() override {}

  std::atomic<int> settled{0};
};

inline base::IntrusivePtr<FakeTask> make_task(Lane lane = Lane::kInterpreters) {
  return base::IntrusivePtr<FakeTask>(std::make_unique<FakeTask>(lane).release());
}

inline PoolOptions limits(std::size_t max_workers, std::size_t max_interpreters) {
  PoolOptions options;
  options.max_workers = max_workers;
  options.max_interpreters = max_interpreters;
  return options;
}

}  // namespace aiointerpreters::pool
