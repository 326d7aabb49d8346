// See thread.h. Windows takes the stack's size from the program; elsewhere it is set here.
#include "base/thread.h"

#include <exception>
#if !defined(_WIN32)
#include <unistd.h>
#endif
#include <utility>

namespace aiointerpreters::base {

#if defined(_WIN32)

std::size_t default_stack() noexcept { return 0; }

bool Thread::start(std::function<void()> body) noexcept {
  try {
    thread_ = std::thread(std::move(body));
  } catch (const std::exception&) {
    return false;
  }
  return started_ = true;
}

bool Thread::running() const noexcept { return started_; }

void Thread::join() noexcept {
  thread_.join();
  started_ = false;
}

void Thread::detach() noexcept {
  thread_.detach();
  started_ = false;
}

#else

namespace {

using Body = std::function<void()>;

extern "C" void* run_thread(void* body) {
  (*std::unique_ptr<Body>(static_cast<Body*>(body)))();
  return nullptr;
}

}  // namespace

std::size_t default_stack() noexcept {
  std::size_t size = 0;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return 0;
  if (pthread_attr_getstacksize(&attributes, &size) != 0) size = 0;
  pthread_attr_destroy(&attributes);
  return size;
}

bool Thread::start(std::function<void()> body) noexcept {
  try {
    auto owned = std::make_unique<Body>(std::move(body));
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, kMinStack);
    started_ = pthread_create(&thread_, &attributes, run_thread, owned.get()) == 0;
    pthread_attr_destroy(&attributes);
    if (started_) static_cast<void>(owned.release());  // the thread owns it
    process_ = getpid();
  } catch (const std::exception&) {
    return false;
  }
  return started_;
}

bool Thread::running() const noexcept { return started_ && process_ == getpid(); }

void Thread::join() noexcept {
  pthread_join(thread_, nullptr);
  started_ = false;
}

void Thread::detach() noexcept {
  pthread_detach(thread_);
  started_ = false;
}

#endif

}  // namespace aiointerpreters::base
