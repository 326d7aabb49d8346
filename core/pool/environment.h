// Environment: the state of home that a worker's interpreter has to follow. Plain data.
// Owner: shared by the pool and its workers; it never changes. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "codec/message.h"

namespace aiointerpreters::pool {

struct Environment {
  // The source of the main interpreter's `__main__`, found as multiprocessing's spawn finds it (hazard 31).
  enum class Main : std::uint8_t { kNone, kModule, kPath };

  std::uint64_t version = 0;  // grows with every change; a worker applies only newer versions
  codec::Message sys_path;    // home's sys.path: a list of str
  codec::Message variables;   // home's os.environ: a dict, as os.environ keeps it; or None: not followed
  codec::Message settings;    // levels of home's loggers, warning filters (_words_home.settings); or None: not known
  Main main = Main::kNone;
  codec::Message main_name;  // a str: the module's name or the script's path
};
using EnvironmentPtr = std::shared_ptr<const Environment>;

}  // namespace aiointerpreters::pool
