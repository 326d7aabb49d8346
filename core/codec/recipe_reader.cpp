// Builds functions from recipes; see recipe.h. recipe_writer.cpp writes the same in the same order.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/corrupt.h"
#include "codec/message_decoder.h"
#include "codec/qualified_name.h"
#include "codec/recipe.h"
#include "codec/text.h"
#include "py/code.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

class RecipeReader {
 public:
  using Slot = FunctionGraph::Slot;
  using Named = FunctionGraph::Named;

  RecipeReader(Runtime& runtime, Decoder& decoder, std::vector<py::Ref>& codes)
      : runtime_(runtime), decoder_(decoder), codes_(codes) {}

  // Each of these returns false with an exception set.
  bool read() {
    std::size_t functions = 0;
    std::size_t globals = 0;
    std::size_t cells = 0;
    if (!read_count(functions) || !read_count(globals) || !read_count(cells)) return false;
    if (functions == 0) return corrupt_message();
    if (!make_globals(globals) || !make_cells(cells)) return false;
    for (std::size_t i = 0; i < functions; ++i) {
      if (!make_function()) return false;
    }
    for (const py::Ref& function : functions_) {
      if (!fill_function(function.get())) return false;
    }
    for (const py::Ref& dict : globals_) {
      if (!fill_globals(dict.get())) return false;
    }
    for (const py::Ref& cell : cells_) {
      py::Ref content;
      if (!read_slot(content) || PyCell_Set(cell.get(), content.get()) < 0) return false;
    }
    return import_submodules();
  }
  py::Ref take() { return std::move(functions_.front()); }

 private:
  // A number of things that take at least one byte each.
  bool read_count(std::size_t& count) {
    return decoder_.read_varint(count) && (count <= decoder_.bytes_left() || corrupt_message());
  }
  bool read_index(std::size_t size, std::size_t& index) {
    return decoder_.read_varint(index) && (index < size || corrupt_message());
  }

  bool make_globals(std::size_t count) {
    const py::Ref builtins = py::Ref::steal(PyImport_ImportModule("builtins"));
    if (!builtins) return false;
    for (std::size_t i = 0; i < count; ++i) {
      py::Ref dict = py::Ref::steal(PyDict_New());
      if (!dict || PyDict_SetItemString(dict.get(), "__builtins__", PyModule_GetDict(builtins.get())) < 0) return false;
      globals_.push_back(std::move(dict));
    }
    return true;
  }

  bool make_cells(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      cells_.push_back(py::Ref::steal(PyCell_New(nullptr)));
      if (!cells_.back()) return false;
    }
    return true;
  }

  py::Ref read_code() {
    std::size_t pieces = 0;
    std::string text;
    if (!read_count(pieces)) return {};
    const bool is_known = functions_.size() < codes_.size();
    for (std::size_t i = 0; i < pieces; ++i) {
      const py::Ref piece = decoder_.read();
      if (!piece) return {};
      if (!PyBytes_CheckExact(piece.get())) return corrupt_message(), py::Ref();
      if (is_known) continue;
      text.append(PyBytes_AS_STRING(piece.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(piece.get())));
    }
    if (!is_known) {
      py::Ref code = py::unmarshal_code(text.data(), text.size());
      if (!code) return code;
      codes_.push_back(std::move(code));
    }
    return py::Ref::borrow(codes_[functions_.size()].get());
  }

  bool make_function() {
    const py::Ref code = read_code();
    std::size_t globals = 0;
    std::size_t cells = 0;
    if (!code || !read_index(globals_.size(), globals) || !read_count(cells)) return false;
    const auto free = static_cast<std::size_t>(PyCode_GetNumFree(reinterpret_cast<PyCodeObject*>(code.get())));
    if (cells != free) return corrupt_message();
    py::Ref function = py::Ref::steal(PyFunction_New(code.get(), globals_[globals].get()));
    const py::Ref closure = cells == 0 ? py::Ref() : py::Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(cells)));
    if (!function || (cells != 0 && !closure)) return false;
    for (std::size_t i = 0; i < cells; ++i) {
      std::size_t cell = 0;
      if (!read_index(cells_.size(), cell)) return false;
      PyTuple_SET_ITEM(closure.get(), static_cast<Py_ssize_t>(i), Py_NewRef(cells_[cell].get()));
    }
    if (closure && PyFunction_SetClosure(function.get(), closure.get()) < 0) return false;
    functions_.push_back(std::move(function));
    return true;
  }

  bool fill_function(PyObject* function) {
    for (const char* const attribute : {"__name__", "__qualname__", "__module__", "__doc__"}) {
      std::size_t is_there = 0;
      if (!decoder_.read_varint(is_there)) return false;
      if (is_there == 0) continue;
      const py::Ref text = decoder_.read();
      if (!text || PyObject_SetAttrString(function, attribute, text.get()) < 0) return false;
    }
    py::Ref defaults;
    py::Ref keyword_defaults;
    py::Ref attributes;
    py::Ref annotations;
    py::Ref annotate;
    if (!read_tuple(defaults) || !read_dict(keyword_defaults) || !read_dict(attributes) || !read_dict(annotations) ||
        !read_slot(annotate)) {
      return false;
    }
    if (defaults && PyFunction_SetDefaults(function, defaults.get()) < 0) return false;
    if (keyword_defaults && PyFunction_SetKwDefaults(function, keyword_defaults.get()) < 0) return false;
    if (attributes && PyObject_SetAttrString(function, "__dict__", attributes.get()) < 0) return false;
    if (annotations && PyObject_SetAttrString(function, "__annotations__", annotations.get()) < 0) return false;
    return !annotate || PyObject_SetAttrString(function, "__annotate__", annotate.get()) == 0;
  }

  // Like write_items of the writer: 0 means null.
  bool read_tuple(py::Ref& tuple) {
    std::size_t count = 0;
    if (!decoder_.read_varint(count)) return false;
    if (count == 0) return true;
    if (--count > decoder_.bytes_left()) return corrupt_message();
    tuple = py::Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t i = 0; tuple && i < count; ++i) {
      py::Ref item;
      if (!read_slot(item)) return false;
      if (!item) return corrupt_message();
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), item.release());
    }
    return static_cast<bool>(tuple);
  }

  bool read_dict(py::Ref& dict) {
    std::size_t count = 0;
    if (!decoder_.read_varint(count)) return false;
    if (count == 0) return true;
    dict = py::Ref::steal(PyDict_New());
    return dict && fill_dict(dict.get(), count - 1);
  }

  bool fill_globals(PyObject* dict) {
    std::size_t count = 0;
    return decoder_.read_varint(count) && fill_dict(dict, count);
  }

  bool fill_dict(PyObject* dict, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      py::Ref key = decoder_.read();
      if (!key) return false;
      if (!PyUnicode_CheckExact(key.get())) return corrupt_message();
      PyObject* name = key.release();
      PyUnicode_InternInPlace(&name);  // as names in code, so that look-ups compare addresses
      key = py::Ref::steal(name);
      py::Ref value;
      if (!read_slot(value)) return false;
      if (!value) return corrupt_message();
      if (PyDict_SetItem(dict, key.get(), value.get()) < 0) return false;
    }
    return true;
  }

  // Null if it is absent.
  bool read_slot(py::Ref& out) {
    std::size_t kind = 0;
    if (!decoder_.read_varint(kind)) return false;
    std::size_t index = 0;
    switch (static_cast<Slot::Kind>(kind)) {
      case Slot::Kind::kAbsent:
        return true;
      case Slot::Kind::kValue:
        out = decoder_.read();
        return static_cast<bool>(out);
      case Slot::Kind::kFunction:
        if (!read_index(functions_.size(), index)) return false;
        out = py::Ref::borrow(functions_[index].get());
        return true;
      case Slot::Kind::kTag:
        if (!read_index(functions_.size(), index)) return false;
        out = py::Ref::steal(PyObject_CallOneArg(runtime_.tag_type.get(), functions_[index].get()));
        return static_cast<bool>(out);
      case Slot::Kind::kNamed:
        out = read_named();
        return static_cast<bool>(out);
    }
    return corrupt_message();
  }

  py::Ref read_named() {
    std::size_t kind = 0;
    std::size_t version = 0;
    if (!decoder_.read_varint(kind) || !decoder_.read_varint(version)) return {};
    const py::Ref module_name = decoder_.read();
    if (!module_name) return {};
    py::Ref module = import_module(module_name.get(), static_cast<std::uint32_t>(version));
    if (kind == static_cast<std::size_t>(Named::Kind::kModule)) return module;
    const py::Ref name = decoder_.read();
    if (!name || !module) return {};
    py::Ref member = follow(std::move(module), utf8_view(name.get()));
    return kind == static_cast<std::size_t>(Named::Kind::kBehindTag) ? without_tag(runtime_, std::move(member))
                                                                     : std::move(member);
  }

  py::Ref import_module(PyObject* name, std::uint32_t version = 0) {
    if (!PyUnicode_CheckExact(name)) return corrupt_message(), py::Ref();
    return runtime_.modules.import_module(std::string(utf8_view(name)), version);
  }

  bool import_submodules() {
    std::size_t count = 0;
    if (!decoder_.read_varint(count)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      const py::Ref name = decoder_.read();
      if (!name || !import_module(name.get())) return false;
    }
    return true;
  }

  Runtime& runtime_;
  Decoder& decoder_;
  std::vector<py::Ref>& codes_;  // of the functions, in their order
  std::vector<py::Ref> functions_;
  std::vector<py::Ref> globals_;
  std::vector<py::Ref> cells_;
};

}  // namespace

py::Ref follow_recipe(Runtime& runtime, const Message& message, std::vector<py::Ref>& codes) {
  py::Ref function;
  const bool is_built = py::guarded(false, [&] {
    return decode_message(runtime, MessageView(message), [&](Decoder& decoder) {
      RecipeReader reader(runtime, decoder, codes);
      if (!reader.read()) return false;
      function = reader.take();
      return true;
    });
  });
  return is_built ? std::move(function) : py::Ref();
}

}  // namespace aiointerpreters::codec
