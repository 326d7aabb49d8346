// Writes recipes; see recipe.h. recipe_reader.cpp reads the same in the same order.
#include "codec/encoder.h"
#include "codec/parts.h"
#include "codec/recipe.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

class RecipeWriter {
 public:
  using Slot = FunctionGraph::Slot;

  RecipeWriter(const FunctionGraph& graph, Encoder& encoder) : graph_(graph), encoder_(encoder) {}

  bool write() {
    encoder_.write_varint(graph_.functions.size());
    encoder_.write_varint(graph_.globals.size());
    encoder_.write_varint(graph_.cells.size());
    // First what creates all functions, then what fills them: they may refer to each other.
    for (const FunctionGraph::Function& function : graph_.functions) {
      if (!write_code(function)) return false;
    }
    for (const FunctionGraph::Function& function : graph_.functions) {
      if (!write_function(function)) return false;
    }
    for (const FunctionGraph::Globals& globals : graph_.globals) {
      if (!write_present(globals.list)) return false;
    }
    for (const Slot& cell : graph_.cells) {
      if (!write_slot(cell)) return false;
    }
    return write_submodules();
  }

 private:
  bool write_code(const FunctionGraph::Function& function) {
    encoder_.write_varint(function.facts->pieces.size());
    for (const py::Ref& piece : function.facts->pieces) {
      if (!encoder_.write(piece.get())) return false;
    }
    encoder_.write_varint(function.globals);
    encoder_.write_varint(function.cells.size());
    for (const std::uint32_t cell : function.cells) encoder_.write_varint(cell);
    return true;
  }

  bool write_function(const FunctionGraph::Function& function) {
    for (const py::Ref* const text : {&function.name, &function.qualname, &function.module, &function.doc}) {
      encoder_.write_varint(*text ? 1 : 0);
      if (*text && !encoder_.write(text->get())) return false;
    }
    return write_items(function.defaults) && write_items(function.keyword_defaults) && write_items(function.attributes) &&
           write_items(function.annotations) && write_slot(function.annotate);
  }

  // Their number plus one; 0: there are none, not even an empty container.
  bool write_items(const FunctionGraph::Items& items) {
    encoder_.write_varint(items.exists ? items.list.size() + 1 : 0);
    for (const FunctionGraph::Item& item : items.list) {
      if ((item.key && !encoder_.write(item.key.get())) || !write_slot(item.slot)) return false;
    }
    return true;
  }

  bool write_present(const std::vector<FunctionGraph::Item>& items) {
    std::size_t count = 0;
    for (const FunctionGraph::Item& item : items) count += item.slot.kind != Slot::Kind::kAbsent ? 1 : 0;
    encoder_.write_varint(count);
    for (const FunctionGraph::Item& item : items) {
      if (item.slot.kind == Slot::Kind::kAbsent) continue;
      if (!encoder_.write(item.key.get()) || !write_slot(item.slot)) return false;
    }
    return true;
  }

  bool write_slot(const Slot& slot) {
    encoder_.write_varint(static_cast<std::size_t>(slot.kind));
    switch (slot.kind) {
      case Slot::Kind::kAbsent:
        return true;
      case Slot::Kind::kValue:
        return encoder_.write(slot.object.get());
      case Slot::Kind::kFunction:
      case Slot::Kind::kTag:
        encoder_.write_varint(slot.index);
        return true;
      case Slot::Kind::kNamed:
        return write_name(graph_.names[slot.index]);
    }
    return false;
  }

  bool write_name(const FunctionGraph::Named& named) {
    encoder_.write_varint(static_cast<std::size_t>(named.kind));
    encoder_.write_varint(named.version);
    return encoder_.write(named.module.get()) && (!named.name || encoder_.write(named.name.get()));
  }

  bool write_submodules() {
    std::size_t count = 0;
    for (const FunctionGraph::Submodule& submodule : graph_.submodules) count += submodule.is_imported ? 1 : 0;
    encoder_.write_varint(count);
    for (const FunctionGraph::Submodule& submodule : graph_.submodules) {
      if (submodule.is_imported && !encoder_.write(submodule.name.get())) return false;
    }
    return true;
  }

  const FunctionGraph& graph_;
  Encoder& encoder_;
};

}  // namespace

bool write_recipe(Runtime& runtime, const FunctionGraph& graph, Message& out) {
  Parts parts(runtime, Views::kLend, out);
  out.form = Message::Form::kNative;
  out.needs_main = graph.needs_main;
  Encoder encoder(out.bytes, parts);
  if (RecipeWriter(graph, encoder).write()) {
    encoder.finish();
    return true;
  }
  out.clear();
  return false;
}

}  // namespace aiointerpreters::codec
