// How a pool stops what one of its interpreters runs, and who looks after its event loop, without a word of Python.
// Thread: any. Blocks: no.
#pragma once

#include "pool/task.h"

namespace aiointerpreters::pool {

class Interrupter {
 public:
  // Stops the task if the interpreter runs it when the request gets through. False: there is no thread to see to it.
  virtual bool interrupt(TaskPtr task) noexcept = 0;
  // Stops whatever the interpreter runs, now and from now on.
  virtual bool interrupt_all() noexcept = 0;

 protected:
  ~Interrupter() = default;
};

// Looks after tasks that the event loop of an interpreter has been told to cancel.
class Watcher {
 public:
  // Interrupts the task if it does not come to an await. False: there is no thread to see to it.
  virtual bool watch(TaskPtr task) noexcept = 0;

 protected:
  ~Watcher() = default;
};

}  // namespace aiointerpreters::pool
