// Recorder: an object that is told when calls change their state: a tracer, a profiler, a test. By default there is none,
// and each change costs one relaxed load.
// Owner: the code that attaches it, until the pool has ended. Thread: `record` is called by the thread that makes the
// change. Several threads may call it at once. No lock is held, and perhaps no interpreter is attached. So it must not run
// Python, block or throw.
#pragma once

#include <cstdint>

namespace aiointerpreters::pool {

class Task;

class Recorder {
 public:
  enum class Event : std::uint8_t {
    kQueued,   // a pool is about to queue the call; nothing follows if it refuses
    kStarted,  // a worker, or the event loop of a worker's interpreter, has begun it
    kEnded,  // its outcome is published, or a worker has dropped it because it was cancelled; not recorded for calls that a
             // pool takes out of its queues when it is shut down or broken
  };
  virtual void record(const Task& task, Event event) noexcept = 0;

 protected:
  ~Recorder() = default;
};

}  // namespace aiointerpreters::pool
