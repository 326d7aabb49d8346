// See code_facts.h.
#include "codec/code_facts.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "codec/attachment.h"
#include "codec/text.h"
#include "py/code.h"

namespace aiointerpreters::codec {

namespace {

constexpr Py_ssize_t kPieceMax = kHeldMin / 2;

bool add_pieces(PyObject* code, std::vector<py::Ref>& pieces) {
  const py::Ref whole = py::marshal_code(code);
  if (!whole) return false;
  const char* const data = PyBytes_AS_STRING(whole.get());
  const Py_ssize_t size = PyBytes_GET_SIZE(whole.get());
  for (Py_ssize_t at = 0; at < size; at += kPieceMax) {
    py::Ref piece = py::Ref::steal(PyBytes_FromStringAndSize(data + at, std::min(kPieceMax, size - at)));
    if (!piece) return false;
    pieces.push_back(std::move(piece));
  }
  return true;
}

// The names in a code object are interned, so equal names are one object.
void drop_repeated(std::vector<py::Ref>& names) {
  const auto before = [](const py::Ref& one, const py::Ref& other) { return one.get() < other.get(); };
  const auto same = [](const py::Ref& one, const py::Ref& other) { return one.get() == other.get(); };
  std::ranges::sort(names, before);
  const auto repeated = std::ranges::unique(names, same);
  names.erase(repeated.begin(), repeated.end());
}

}  // namespace

bool is_beside_script(const Runtime& runtime, PyObject* code) {
  const std::string_view file = utf8_view(reinterpret_cast<PyCodeObject*>(code)->co_filename);
  if (file.starts_with('<')) return true;
  const std::filesystem::path path(file);
  std::error_code error;  // ignored: a path that cannot be looked at does not exist
  return !runtime.main_file.empty() && file != runtime.main_file && path.is_absolute() &&
         !std::filesystem::exists(path, error);
}

CodeFactsPtr CodeTable::facts(PyObject* code) {
  if (const CodeFactsPtr* const known = table_.find(code)) return *known;
  auto facts = std::make_shared<CodeFacts>();
  auto* const object = reinterpret_cast<PyCodeObject*>(code);
  if (!add_pieces(code, facts->pieces) || !py::add_global_names(object, facts->globals)) return nullptr;
  if (!py::add_names_not_only_called(object, facts->not_only_called)) return nullptr;
  drop_repeated(facts->globals);
  drop_repeated(facts->not_only_called);
  facts->stores = py::stores_outside(object);
  table_.set(code, facts);
  return facts;
}

}  // namespace aiointerpreters::codec
