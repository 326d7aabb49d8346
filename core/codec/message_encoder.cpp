// See message_encoder.h.
#include "codec/message_encoder.h"

#include <optional>

#include "codec/encoder.h"
#include "codec/instances.h"
#include "codec/parts.h"

namespace aiointerpreters::codec {

namespace {

Py_ssize_t count_of(const Roots& roots) {
  return roots.positional + (roots.kwnames == nullptr ? 0 : PyTuple_GET_SIZE(roots.kwnames));
}

// False with an exception set; or without one, if a part is needed but the Parts are not open.
bool write(Encoder& encoder, const Roots& roots) {
  if (roots.is_call) {
    encoder.write_varint(static_cast<std::size_t>(roots.positional) << 1 | (roots.kwnames != nullptr ? 1 : 0));
    if (roots.kwnames != nullptr && !encoder.write(roots.kwnames)) return false;
  }
  for (Py_ssize_t i = 0; i < count_of(roots); ++i) {
    if (!encoder.write(roots.values[i])) return false;
  }
  encoder.finish();
  return true;
}

// Turns the message into one pickle of all roots. `written`: everything written so far. Returns as Parts::pickle_plainly.
bool pickle_whole(const Roots& roots, const Memo& written, Parts& parts, Message& out) {
  if (parts.are_all(written)) return parts.pickle_plainly();
  for (Py_ssize_t i = 0; i < count_of(roots); ++i) parts.rule(roots.values[i]);
  if (roots.kwnames != nullptr) parts.rule(roots.kwnames);
  out.bytes.clear();
  parts.begin();
  Encoder encoder(out.bytes, parts);
  if (write(encoder, roots) && parts.pickle_plainly()) return true;
  parts.rule_nothing();
  return false;
}

// Writes the native bytes with tags for the parts, and pickles the parts. Errors: false with an exception set.
bool encode_mixed(Runtime& runtime, const Roots& roots, ByValue by_value, Parts& parts, Message& out) {
  bool may_pickle_whole = by_value != ByValue::kAtOnce && !Retry::active(runtime);
  std::optional<Retry> retry;  // objects whose pickling failed are pickled again
  // Rules once. The second time nothing is left to rule, unless objects create new containers each time they are pickled.
  bool may_rule = true;
  for (;;) {
    out.bytes.clear();
    parts.begin();
    Encoder encoder(out.bytes, parts);
    if (!write(encoder, roots)) return false;
    if (may_pickle_whole && (parts.are_all(encoder.memo()) || parts.dominate(encoder.memo()))) {
      if (pickle_whole(roots, encoder.memo(), parts, out)) return true;
      if (PyErr_Occurred() != nullptr) return false;
      may_pickle_whole = false;
      retry.emplace(runtime);
      continue;
    }
    if (!parts.pickle(encoder.memo(), by_value) || !parts.unchanged()) return false;
    if (!may_rule || !parts.rule_cycles()) break;
    may_rule = may_pickle_whole = false;
  }
  if (!parts.any_crossing()) return true;
  out.bytes.clear();
  Encoder encoder(out.bytes, parts);
  return write(encoder, roots);
}

}  // namespace

bool encode_message(Runtime& runtime, const Roots& roots, Views views, ByValue by_value, Message& out) {
  Parts parts(runtime, views, out);
  out.form = Message::Form::kNative;
  Instances instances(runtime);
  if (Encoder encoder(out.bytes, parts, &instances); write(encoder, roots)) {
    if (!instances.any()) return true;
    // Reading the native format must not call a class's own __hash__; reading a pickle may.
    if (!(instances.any_own_hash() && encoder.hashes_others()) && instances.confirm(out)) return true;
  }
  if (PyErr_Occurred() != nullptr) return false;
  out.form = Message::Form::kMixed;
  return encode_mixed(runtime, roots, by_value, parts, out) && parts.append_pickle();
}

}  // namespace aiointerpreters::codec
