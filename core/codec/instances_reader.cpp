// See instances_reader.h.
#include "codec/instances_reader.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "codec/corrupt.h"

namespace aiointerpreters::codec {

bool InstancesReader::open(Runtime& runtime, const unsigned char* data, std::size_t& size, StandIns stand_ins) {
  std::uint32_t count;
  if (size < sizeof count) return corrupt_message();
  std::memcpy(&count, data + size - sizeof count, sizeof count);
  if (count > (size - sizeof count) / sizeof(Layouts::Number)) return corrupt_message();
  size -= sizeof count + count * sizeof(Layouts::Number);
  classes_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Layouts::Number number;
    std::memcpy(&number, data + size + i * sizeof number, sizeof number);
    Buildable found = runtime.blueprints.find(runtime, number, stand_ins);
    if (!found.type) return false;
    classes_.push_back(std::move(found));
  }
  // Importing one class may have changed another.
  for (Buildable& known : classes_) {
    if (count > 1 && !is_as_drawn(known)) known = runtime.blueprints.find(runtime, known.blueprint->number, stand_ins);
    if (!known.type) return false;
    runs_python_ = runs_python_ || known.blueprint->own_hash || known.blueprint->how == Blueprint::How::kByPickle;
  }
  return true;
}

}  // namespace aiointerpreters::codec
