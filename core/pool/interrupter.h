// Interrupter: the object by which a pool stops the work of one of its interpreters, or looks at it. Its interface is free
// of Python types.
// An interpreter has two: its visitor (visitor.h) for its own thread, and the port of its event loop (loop_port.h) for
// coroutine functions.
// Thread: any. Blocks: no.
#pragma once

#include <memory>

#include "pool/task.h"

namespace aiointerpreters::pool {

class Glance;

class Interrupter {
 public:
  // Stops the task if the interpreter runs it when the request arrives. False: no thread can be started for that.
  virtual bool interrupt(TaskPtr task) noexcept = 0;
  // Stops all work of the interpreter, now and from now on.
  virtual bool interrupt_all() noexcept = 0;
  // Answers the glance as soon as the interpreter can be entered. That may take as long as a call in C. If the interpreter
  // cannot be entered any more, the glance is refused.
  virtual void look(std::shared_ptr<Glance> glance) noexcept = 0;

 protected:
  ~Interrupter() = default;
};

}  // namespace aiointerpreters::pool
