// See thread.h. Windows takes the stack's size from the program; elsewhere it is set here.
#include "base/thread.h"

#include <algorithm>
#include <exception>
#if !defined(_WIN32)
#include <unistd.h>
#endif
#include <utility>

namespace aiointerpreters::base {

std::array<char, 16> short_thread_name(std::string_view name) noexcept {
  constexpr std::size_t kMost = 15;
  constexpr std::size_t kMostOfEnd = 10;
  std::array<char, kMost + 1> text{};
  std::string_view end;
  if (name.size() > kMost) {
    const std::size_t separator = name.find_first_of("-_", name.size() - kMostOfEnd);
    if (separator != std::string_view::npos) end = name.substr(separator);
    std::size_t cut = kMost - end.size();
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0U) == 0x80U) --cut;  // inside a character of UTF-8
    name = name.substr(0, cut);
  }
  std::ranges::copy(end, std::ranges::copy(name, text.begin()).out);
  return text;
}

#if defined(_WIN32)

void name_this_thread(std::string_view) noexcept {}

std::size_t default_stack() noexcept { return 0; }

bool Thread::start(const char*, std::function<void()> body) noexcept {
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

struct Body {
  Body(const char* its_name, std::function<void()> what) : name(its_name), run(std::move(what)) {}
  const char* name;
  std::function<void()> run;
};

void name_now(const char* name) noexcept {
#if defined(__APPLE__)
  static_cast<void>(pthread_setname_np(name));
#else
  static_cast<void>(pthread_setname_np(pthread_self(), name));
#endif
}

extern "C" void* run_thread(void* body) {
  const std::unique_ptr<Body> owned(static_cast<Body*>(body));
  name_now(owned->name);
  owned->run();
  return nullptr;
}

}  // namespace

void name_this_thread(std::string_view name) noexcept { name_now(short_thread_name(name).data()); }

std::size_t default_stack() noexcept {
  std::size_t size = 0;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return 0;
  if (pthread_attr_getstacksize(&attributes, &size) != 0) size = 0;
  pthread_attr_destroy(&attributes);
  return size;
}

bool Thread::start(const char* name, std::function<void()> body) noexcept {
  try {
    auto owned = std::make_unique<Body>(name, std::move(body));
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
