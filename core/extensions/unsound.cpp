// See unsound.h.
#include "extensions/unsound.h"

#include <algorithm>
#include <array>

#include "extensions/elf_bind.h"
#include "extensions/python_symbols.h"

namespace aiointerpreters::extensions {

namespace {

struct Known {
  std::string_view name;  // of a symbol, module or package
  const char* reason;
  bool unless_bound = false;  // sound if its functions can be bound to the copy's interpreter
  bool crashes = false;       // it certainly ends the process, so the message does not say how to load it anyway
};

constexpr std::array kUnsoundSymbols{
    Known{"Py_AddPendingCall", "it uses Py_AddPendingCall, which calls functions in the main interpreter", true},
    Known{"PyMem_SetAllocator", "it replaces the memory allocators of the whole process"},
    Known{"PyObject_SetArenaAllocator", "it replaces the memory allocators of the whole process"},
    Known{"PyOS_ReadlineFunctionPointer", "it takes over line editing in the process's terminal"},
};

constexpr std::array kUnsoundModules{
    Known{"greenlet", "it frees its objects in the main interpreter (Py_AddPendingCall)", true},
    Known{"memray", "it replaces the memory allocators of the whole process"},
    Known{"torch", "a second import in the process would crash it (libc10 has one registry for all interpreters)", false,
          true},
};

bool is_or_is_in(std::string_view module, std::string_view name) noexcept {
  return module.starts_with(name) && (module.size() == name.size() || module[name.size()] == '.');
}

bool crashes(std::string_view module) noexcept {
  return std::ranges::any_of(kUnsoundModules,
                             [module](const Known& known) { return known.crashes && is_or_is_in(module, known.name); });
}

}  // namespace

Trust::Trust(std::string_view names) {
  for (;;) {
    const std::size_t end = names.find(',');
    std::string name(names.substr(0, end));
    std::erase(name, ' ');
    if (!name.empty()) names_.push_back(std::move(name));
    if (end == std::string_view::npos) return;
    names.remove_prefix(end + 1);
  }
}

bool Trust::covers(std::string_view module) const {
  return std::ranges::any_of(names_, [module](const std::string& name) { return is_or_is_in(module, name); });
}

const char* reason_against(std::string_view module) noexcept {
  for (const Known& known : kUnsoundModules) {
    if (is_or_is_in(module, known.name) && !(known.unless_bound && can_bind())) return known.reason;
  }
  return nullptr;
}

const char* reason_against(const std::vector<std::string>& python_symbols) noexcept {
  for (const Known& known : kUnsoundSymbols) {
    const bool has_it = std::ranges::find(python_symbols, known.name) != python_symbols.end();
    if (has_it && !(known.unless_bound && can_bind())) return known.reason;
  }
  return nullptr;
}

const char* reason_against(std::string_view module, const std::string& path) {
  const char* const reason = reason_against(module);
  return reason != nullptr ? reason : reason_against(python_symbols_of(path));
}

std::string refusal(const std::string& module, const std::string& path, const char* reason) {
  const std::string package = module.substr(0, module.find('.'));
  const std::string hint = std::string("; set ") + Trust::kVariable + "=" + package + " to load it anyway";
  return module + " does not work in a worker's interpreter: " + reason + " (" + path + (crashes(module) ? "" : hint) + ")";
}

}  // namespace aiointerpreters::extensions
