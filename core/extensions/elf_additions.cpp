// See elf_additions.h.
#include "extensions/elf_additions.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace aiointerpreters::extensions {

namespace {

// Additions begin at a multiple of this number in memory: the largest page size of the processor. So they share no page
// with other segments: if the last page of a segment contains zeros that are not in the file, glibc zeroes the rest of that
// page. The number is not larger, because each gap is a mapping of its own, and the number of mappings is limited.
constexpr std::uint64_t kLargestPage = elf::kOwnMachine == elf::kX64 ? 0x1000 : 0x10000;
constexpr std::uint64_t kWord = 8;

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t unit = kLargestPage) {
  if (value > std::numeric_limits<std::uint64_t>::max() / 2)
    throw ElfError("is corrupt: its segments leave no room in the address space");
  return (value + unit - 1) / unit * unit;
}

}  // namespace

ElfAdditions::Place ElfAdditions::next() const {
  const std::uint64_t end = rounded_up(image_.file().size() + content_.size(), added_.empty() ? kLargestPage : kWord);
  // Whole pages of the file are mapped, so the address and the offset have the same position within a page.
  return {rounded_up(end_in_memory()) + end % kLargestPage, end};
}

ElfAdditions::Place ElfAdditions::add(std::uint32_t flags, const std::string& bytes) {
  if (image_.segments().size() + kMost >= elf::kTooManyProgramHeaders) {
    throw ElfError("cannot be copied: it has too many segments");
  }
  if (added_.empty() && flags != elf::kReadable) add(elf::kReadable, {});
  if (added_.size() == kMost) throw std::logic_error("the table of segments has no room for another segment");
  const Place place = next();
  const std::uint64_t in_front = added_.empty() ? table_size() : 0;
  elf::ProgramHeader segment{};
  segment.type = elf::kLoad;
  segment.flags = flags;
  segment.offset = place.offset;
  segment.address = segment.physical = place.address;
  segment.in_file = segment.in_memory = in_front + bytes.size();
  segment.alignment = kLargestPage;
  added_.push_back(segment);
  content_.resize(place.offset - image_.file().size() + in_front);
  content_ += bytes;
  return {place.address + in_front, place.offset + in_front};
}

Edits ElfAdditions::edits() const {
  if (added_.empty()) return {};
  std::vector<elf::ProgramHeader> segments = image_.segments();
  const elf::ProgramHeader& first = added_.front();
  const std::uint64_t size = (segments.size() + added_.size()) * sizeof(elf::ProgramHeader);
  for (elf::ProgramHeader& segment : segments) {
    if (segment.type != elf::kProgramHeaders) continue;
    segment.offset = first.offset;
    segment.address = segment.physical = first.address;
    segment.in_file = segment.in_memory = size;
  }
  segments.insert(segments.end(), added_.begin(), added_.end());  // loaded segments are sorted by address
  std::string content = content_;
  const std::uint64_t end = image_.file().size();
  std::memcpy(content.data() + (first.offset - end), segments.data(), size);
  return {edit_to(offsetof(elf::FileHeader, program_headers), first.offset),
          edit_to(offsetof(elf::FileHeader, program_header_count), static_cast<std::uint16_t>(segments.size())),
          {end, std::move(content)}};
}

std::uint64_t ElfAdditions::end_in_memory() const {
  std::uint64_t end = 0;
  const auto extend = [&end](const elf::ProgramHeader& segment) {
    if (segment.type == elf::kLoad) end = std::max(end, segment.address + segment.in_memory);
  };
  std::ranges::for_each(image_.segments(), extend);
  std::ranges::for_each(added_, extend);
  return end;
}

}  // namespace aiointerpreters::extensions
