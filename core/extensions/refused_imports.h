// RefusedImports: the extension modules that an interpreter without private copies could not import, because they refuse
// interpreters with a GIL of their own. Packages often catch the ImportError, and fail later in another way. Then only this
// record says why.
// Owner: the interpreter's hook and its runtime. Thread: any of the interpreter's, guarded by its GIL.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "extensions/declared_support.h"
#include "py/python.h"

namespace aiointerpreters::extensions {

struct RefusedImport {
  std::string module;
  std::vector<std::string> chain;  // the modules that were being imported, outermost first; the module itself is the last
  Support support = Support::kUnknown;
  std::string text;  // of the exception
  std::string path;  // of the module's file; empty: unknown
};

class RefusedImports {
 public:
  // Forgets an earlier refusal of this module. Keeps a limited number of refusals. Errors: std::bad_alloc.
  void note(RefusedImport refused);

  // The latest refusal for which this is true. `is_it` must not run Python. Errors: std::bad_alloc.
  [[nodiscard]] std::optional<RefusedImport> find(const std::function<bool(const RefusedImport&)>& is_it) const;

  // In the order of the latest imports. Valid until the next refusal.
  [[nodiscard]] const std::vector<RefusedImport>& all() const noexcept { return refused_; }

 private:
  std::vector<RefusedImport> refused_;
};

// The module that CPython refuses with this text (Python/import.c). Empty: the text says something else. For a single-phase
// module, CPython gives only the last part of the name.
[[nodiscard]] std::string_view refused_module(std::string_view text) noexcept;

// "app" of "app.views".
[[nodiscard]] std::string_view package_of(std::string_view module) noexcept;

// Why it refuses, as a clause. Quotes the module if it has a check of its own. Errors: std::bad_alloc.
[[nodiscard]] std::string reason_text(const RefusedImport& refused);

// The chain as text. Modules of one package are united. Of the first package, which is usually the user's own, the text has
// the first and the last module.
[[nodiscard]] std::string chain_text(const RefusedImport& refused);

// From now on, the attached interpreter records extension modules that refuse it. Requires: attached to a worker's
// interpreter in which nothing else has been imported yet. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool note_refused_imports(std::shared_ptr<RefusedImports> refused);

}  // namespace aiointerpreters::extensions
