// See elf_image.h.
#include "extensions/elf_image.h"

#include <algorithm>
#include <limits>
#include <string>

namespace aiointerpreters::extensions {

namespace {

// More than any name or search path has. The limit keeps the search for the ends of names short in a file that has none.
constexpr std::size_t kLongestName = 0x10000;

// Some linkers extend the part that becomes read-only to the end of a page, beyond the end of its segment.
constexpr std::uint64_t kMostPadding = 0x10000;

std::string name_of_machine(std::uint16_t machine) {
  switch (machine) {
    case elf::kX86:
      return "x86";
    case elf::kX64:
      return "x86-64";
    case elf::kArm:
      return "ARM";
    case elf::kAArch64:
      return "AArch64";
    case elf::kPower64:
      return "PowerPC64";
    case elf::kS390:
      return "S/390";
    case elf::kRiscV:
      return "RISC-V";
    case elf::kLoongArch:
      return "LoongArch";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

std::string name_of_type(std::uint16_t type) {
  switch (type) {
    case elf::kRelocatable:
      return "a relocatable object";
    case elf::kExecutable:
      return "a program";
    case elf::kCore:
      return "a core dump";
    default:
      return "ELF type " + std::to_string(type);
  }
}

[[noreturn]] void other_architecture(const std::string& which) {
  throw ElfError("is for another architecture (" + which + ")");
}

[[noreturn]] void truncated(const std::string& what, std::size_t file_size) {
  throw ElfError("is truncated: " + what + " lies beyond its end at byte " + std::to_string(file_size));
}

// Whether `size` bytes from `offset` on are within `whole`. Avoids additions that could overflow.
bool is_within(std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

elf::FileHeader checked_header(ElfImage::Bytes file) {
  if (file.empty()) throw ElfError("is empty");
  const std::size_t magic_size = std::min(file.size(), elf::kMagic.size());
  if (std::memcmp(file.data(), elf::kMagic.data(), magic_size) != 0) throw ElfError("is not an ELF file");
  if (file.size() < sizeof(elf::FileHeader)) truncated("its header", file.size());

  const auto header = element<elf::FileHeader>(file, 0);
  if (elf::kOwnMachine == elf::kNoMachine) throw ElfError("cannot be read: this architecture is not supported");
  const std::uint8_t width = header.identification[elf::kClassAt];
  const std::uint8_t order = header.identification[elf::kOrderAt];
  if (width == elf::k32Bit) other_architecture("32-bit");
  if (order == elf::kBigEndian) other_architecture("big-endian");
  if (width != elf::k64Bit || order != elf::kLittleEndian)
    throw ElfError("is corrupt: its header states no valid word size or byte order");
  if (header.machine != elf::kOwnMachine) other_architecture(name_of_machine(header.machine));
  if (header.type != elf::kSharedObject) throw ElfError("is not a shared object but " + name_of_type(header.type));
  return header;
}

}  // namespace

ElfImage::ElfImage(Bytes file) : file_(file), header_(checked_header(file)) {
  read_segments();
  read_dynamic();
}

void ElfImage::read_segments() {
  if (header_.program_header_size != sizeof(elf::ProgramHeader) ||
      header_.program_header_count == elf::kTooManyProgramHeaders) {
    throw ElfError("is corrupt: its header describes no usable table of segments");
  }
  const std::size_t table_size = header_.program_header_count * sizeof(elf::ProgramHeader);
  if (!is_within(header_.program_headers, table_size, file_.size())) truncated("its table of segments", file_.size());

  const Bytes table = file_.subspan(header_.program_headers, table_size);
  std::uint64_t end_of_last = 0;
  for (std::size_t index = 0; index < header_.program_header_count; ++index) {
    const auto segment = element<elf::ProgramHeader>(table, index);
    segments_.push_back(segment);
    if (segment.type != elf::kLoad) continue;
    if (!is_within(segment.offset, segment.in_file, file_.size()))
      truncated("segment " + std::to_string(index), file_.size());
    const std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();
    if (segment.in_file > segment.in_memory || !is_within(segment.address, segment.in_memory, highest)) {
      throw ElfError("is corrupt: segment " + std::to_string(index) + " is invalid");
    }
    if (segment.address < end_of_last) {
      throw ElfError("is corrupt: segment " + std::to_string(index) + " does not follow the one before it");
    }
    end_of_last = segment.address + segment.in_memory;
  }
  // The dynamic linker writes to both without checking them.
  for (const elf::ProgramHeader& segment : segments_) {
    if ((segment.type == elf::kDynamic || segment.type == elf::kReadOnlyLater) && !is_in_writable_segment(segment)) {
      throw ElfError("is corrupt: data that the dynamic linker changes is in no writable segment");
    }
  }
}

bool ElfImage::is_in_writable_segment(const elf::ProgramHeader& part) const noexcept {
  return std::any_of(segments_.begin(), segments_.end(), [&](const elf::ProgramHeader& segment) {
    return segment.type == elf::kLoad && (segment.flags & elf::kWritable) != 0 && part.address >= segment.address &&
           part.address - segment.address < segment.in_memory &&
           is_within(part.address - segment.address, part.in_memory, segment.in_memory + kMostPadding);
  });
}

void ElfImage::read_dynamic() {
  const auto segment =
      std::find_if(segments_.begin(), segments_.end(), [](const auto& one) { return one.type == elf::kDynamic; });
  if (segment == segments_.end()) throw ElfError("is not a shared object: it has no dynamic section");
  const Bytes section = at(segment->address, segment->in_file);
  dynamic_offset_ = offset_of(segment->address);
  for (std::size_t index = 0;; ++index) {
    if (index == section.size() / sizeof(elf::DynamicEntry))
      throw ElfError("is corrupt: its dynamic section has no end marker");
    const auto entry = element<elf::DynamicEntry>(section, index);
    if (entry.tag == elf::kEnd) break;
    dynamic_.push_back(entry);
  }
  if ((dynamic_value(elf::kFlags1).value_or(0) & elf::kProgram) != 0) throw ElfError("is not a shared object but a program");

  const std::optional<std::uint64_t> strings = dynamic_value(elf::kStrings);
  const std::optional<std::uint64_t> size = dynamic_value(elf::kStringsSize);
  if (!strings || !size) throw ElfError("is corrupt: it has no string table");
  const Bytes table = at(*strings, *size);
  strings_ = std::string_view(reinterpret_cast<const char*>(table.data()), table.size());
}

std::optional<std::uint64_t> ElfImage::dynamic_value(std::uint64_t tag) const noexcept {
  const auto found = std::find_if(dynamic_.rbegin(), dynamic_.rend(), [tag](const auto& entry) { return entry.tag == tag; });
  return found == dynamic_.rend() ? std::nullopt : std::optional<std::uint64_t>(found->value);
}

ElfImage::Range ElfImage::to_segment_end(std::uint64_t address) const {
  for (const elf::ProgramHeader& segment : segments_) {
    if (segment.type != elf::kLoad || address < segment.address || address - segment.address >= segment.in_file) continue;
    const std::uint64_t inside = address - segment.address;
    return {static_cast<std::size_t>(segment.offset + inside), static_cast<std::size_t>(segment.in_file - inside)};
  }
  throw ElfError("is corrupt: one of its tables is in no segment");
}

ElfImage::Bytes ElfImage::from(std::uint64_t address) const {
  const Range range = to_segment_end(address);
  return file_.subspan(range.offset, range.size);
}

ElfImage::Bytes ElfImage::at(std::uint64_t address, std::uint64_t size) const {
  const Bytes bytes = from(address);
  if (size > bytes.size()) throw ElfError("is corrupt: one of its tables extends beyond the end of its segment");
  return bytes.first(size);
}

std::string_view ElfImage::from_string(std::uint64_t offset) const {
  if (offset >= strings_.size()) throw ElfError("is corrupt: a name lies outside its string table");
  return strings_.substr(offset);
}

std::string_view ElfImage::string(std::uint64_t offset) const {
  const std::string_view text = from_string(offset).substr(0, kLongestName + 1);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) throw ElfError("is corrupt: a name has no terminating zero byte");
  return text.substr(0, end);
}

}  // namespace aiointerpreters::extensions
