// See broadcasting.h.
#include "binding/broadcasting.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "binding/future_state.h"
#include "binding/pool_service.h"
#include "binding/pool_type.h"
#include "codec/attachment.h"
#include "codec/codec.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// Describes the call once, for all interpreters. Runs Python. Errors: null with an exception set; std::bad_alloc.
pool::BroadcastPtr describe_broadcast(ModuleState& state, const Submission& call, std::uint64_t id) {
  auto made = std::make_shared<pool::Broadcast>();
  made->id = id;
  made->callable = call.describe(state);
  if (!made->callable) return nullptr;
  if (made->callable->is_coroutine_function) {
    PyErr_Format(PyExc_TypeError, "broadcast() does not take coroutine functions, but %R is one", call.fn());
    return nullptr;
  }
  if (!codec::encode_call(state.runtime, call.args(), call.nargs(), call.kwnames(), made->arguments)) return nullptr;
  made->arguments.needs_main |= made->callable->needs_main;
  return made;
}

// Returns new: the future of one interpreter's part. Errors: null with an exception set; std::bad_alloc.
py::Ref make_part(ModuleState& state, const pool::Broadcast& broadcast) {
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Lane::kInterpreters);
  if (!future) return future;
  FutureTask& task = *state_of_future(state, future.get()).task;
  task.callable = broadcast.callable;
  task.callable_id = broadcast.callable->id;
  task.queued = true;
  codec::copy_message(broadcast.arguments, task.message);
  return future;
}

}  // namespace

py::Ref broadcast(ModuleState& state, PyObject* object, pool::Pool& pool, const Submission& call) {
  if (call.routing().in_process) {
    PyErr_Format(PyExc_ValueError, "broadcast() runs functions in interpreters, but %R has lane='process'", call.fn());
    return {};
  }
  std::uint64_t& last = last_broadcast_of(object);
  const pool::BroadcastPtr described = describe_broadcast(state, call, ++last);
  if (!described) return {};
  pool::Broadcasts::Node node{{described}};
  std::vector<pool::BroadcastPtr>& kept = broadcasts_of(object);
  kept.reserve(kept.size() + 1);
  std::vector<py::Ref> parts;
  std::size_t count = pool.interpreters();
  pool::Pool::Sent sent = pool::Pool::Sent::kTooFewTasks;
  while (sent == pool::Pool::Sent::kTooFewTasks) {
    while (parts.size() < count) {
      py::Ref part = make_part(state, *described);
      if (!part) return {};
      parts.push_back(std::move(part));
    }
    pool::TaskList tasks;
    for (const py::Ref& part : parts) tasks.push(state_of_future(state, part.get()).task);
    count = parts.size();
    sent = pool.broadcast(node, tasks, count);
  }
  if (sent == pool::Pool::Sent::kRefused) return raise_refusal(state, pool, pool::Lane::kInterpreters), py::Ref();
  kept.push_back(described);
  const py::Ref list = py::Ref::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; list && i < count; ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), parts[i].release());
  }
  run_addressed_here(pool);
  return list ? py::Ref::steal(Py_BuildValue("(KO)", static_cast<unsigned long long>(described->id), list.get()))
              : py::Ref();
}

void run_addressed_here(const pool::Pool& pool) {
  if (pool::Lender* const worker = pool.addressed_lender(PyThread_get_thread_ident())) worker->run_addressed();
}

bool end_broadcast(ModuleState& state, PyObject* object, std::uint64_t id) {
  const std::vector<pool::BroadcastPtr>& kept = broadcasts_of(object);
  const auto found = std::ranges::find_if(kept, [id](const auto& each) { return each->id == id; });
  const auto why = found != kept.end() ? (*found)->verdict.succeed() : nullptr;
  if (!why) return true;
  py::restore_exception(codec::decode_exception(state.runtime, why->cause));
  return false;
}

void withdraw_broadcast(PyObject* object, pool::Pool& pool, std::uint64_t id) noexcept {
  std::erase_if(broadcasts_of(object), [id](const auto& each) { return each->id == id; });
  pool.withdraw_broadcast(id);
}

}  // namespace aiointerpreters::binding
