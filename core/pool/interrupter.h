// Interrupter: whom a pool asks to stop what one of its interpreters runs, without a word of Python. An interpreter has two:
// its visitor (visitor.h) for what its own thread runs, the port of its event loop (loop_port.h) for coroutine functions.
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

}  // namespace aiointerpreters::pool
