// The docstrings of the methods of futures (future_type.cpp).
#pragma once

namespace aiointerpreters::binding {

constexpr const char* kResultDoc =
    "result($self, /, timeout=None)\n--\n\n"
    "Wait for the call and return its result, or raise its exception.\n\n"
    "Args:\n"
    "    timeout: How long to wait at most, in seconds. None means no limit.\n\n"
    "Raises:\n"
    "    TimeoutError: The call has not ended within `timeout`.\n"
    "    concurrent.futures.CancelledError: The call was cancelled.\n"
    "    TaskInterrupted: The call was stopped while it was running.";

constexpr const char* kExceptionDoc =
    "exception($self, /, timeout=None)\n--\n\n"
    "Wait for the call and return the exception that it raised, or None.\n\n"
    "Args:\n"
    "    timeout: How long to wait at most, in seconds. None means no limit.\n\n"
    "Raises:\n"
    "    TimeoutError: The call has not ended within `timeout`.\n"
    "    concurrent.futures.CancelledError: The call was cancelled.";

constexpr const char* kDoneDoc = "done($self, /)\n--\n\nReturn True if the call has ended or was cancelled.";

constexpr const char* kRunningDoc = "running($self, /)\n--\n\nReturn True if the call is running.";

constexpr const char* kCancelledDoc = "cancelled($self, /)\n--\n\nReturn True if the call was cancelled.";

constexpr const char* kCancelDoc =
    "cancel($self, /)\n--\n\n"
    "Cancel the call if it has not started.\n\n"
    "Returns:\n"
    "    True if the call is cancelled. False if it is running or has ended.";

constexpr const char* kInterruptDoc =
    "interrupt($self, /)\n--\n\n"
    "Stop the call.\n\n"
    "A call that has not started is cancelled. In a call that runs in an interpreter, TaskInterrupted is raised at the\n"
    "next bytecode. Afterwards `result` raises CancelledError or TaskInterrupted, even if the function continues.\n\n"
    "Returns:\n"
    "    True if the call is stopped. False if it has already ended, or if it is an untagged call that is running.\n\n"
    "Raises:\n"
    "    RuntimeError: A thread that is needed for this cannot be started. The function continues, but `result` raises\n"
    "        TaskInterrupted.";

constexpr const char* kAddDoneCallbackDoc =
    "add_done_callback($self, /, fn)\n--\n\n"
    "Register a function that is called with the future when the call ends.\n\n"
    "If the call has already ended, the function is called immediately.\n\n"
    "Args:\n"
    "    fn: A callable that takes one argument, the future.";

constexpr const char* kSetRunningOrNotifyCancelDoc =
    "set_running_or_notify_cancel($self, /)\n--\n\n"
    "Mark the call as running. Only executors and tests call this method.\n\n"
    "Returns:\n"
    "    True if the call is now running. False if it was cancelled.\n\n"
    "Raises:\n"
    "    RuntimeError: The call is already running or has ended.";

constexpr const char* kSetResultDoc =
    "set_result($self, /, result)\n--\n\n"
    "End the future with a result. Only executors and tests call this method.\n\n"
    "Args:\n"
    "    result: The result, any object.\n\n"
    "Raises:\n"
    "    concurrent.futures.InvalidStateError: The future has already ended.";

constexpr const char* kSetExceptionDoc =
    "set_exception($self, /, exception)\n--\n\n"
    "End the future with an exception. Only executors and tests call this method.\n\n"
    "Args:\n"
    "    exception: An exception object, or None for the result None.\n\n"
    "Raises:\n"
    "    TypeError: `exception` is neither an exception nor None.\n"
    "    concurrent.futures.InvalidStateError: The future has already ended.";

}  // namespace aiointerpreters::binding
