// See message_encoder.h.
#include "codec/message_encoder.h"

#include "codec/encoder.h"
#include "codec/parts.h"

namespace aiointerpreters::codec {

namespace {

// False with an exception set; or without, if there has to be a part and there can be none yet.
bool write(Encoder& encoder, const Roots& roots) {
  const Py_ssize_t named = roots.kwnames == nullptr ? 0 : PyTuple_GET_SIZE(roots.kwnames);
  if (roots.is_call) {
    encoder.write_varint(static_cast<std::size_t>(roots.positional) << 1 | (named != 0 ? 1 : 0));
    if (named != 0 && !encoder.write(roots.kwnames)) return false;
  }
  for (Py_ssize_t i = 0; i < roots.positional + named; ++i) {
    if (!encoder.write(roots.values[i])) return false;
  }
  encoder.finish();
  return true;
}

}  // namespace

bool encode_message(Runtime& runtime, const Roots& roots, Views views, ByValue by_value, Message& out) {
  Parts parts(runtime, views, out);
  out.form = Message::Form::kNative;
  if (Encoder encoder(out.bytes, parts); write(encoder, roots)) return true;
  if (PyErr_Occurred() != nullptr) return false;

  out.form = Message::Form::kMixed;
  // A second round has nothing left to rule, unless objects put up new containers each time they are pickled.
  for (bool may_rule = true, again = true; again; may_rule = false) {
    out.bytes.clear();
    parts.begin();
    Encoder encoder(out.bytes, parts);
    if (!write(encoder, roots) || !parts.pickle(encoder.memo(), by_value) || !parts.unchanged()) return false;
    again = may_rule && parts.rule();
  }
  if (parts.any_crossing()) {
    out.bytes.clear();
    Encoder encoder(out.bytes, parts);
    if (!write(encoder, roots)) return false;
  }
  return parts.append_pickle();
}

}  // namespace aiointerpreters::codec
