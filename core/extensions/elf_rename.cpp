// See elf_rename.h.
#include "extensions/elf_rename.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

namespace {

// The new segment begins at a multiple of this in the file and in memory: of the largest page of any system that this code
// runs on. So it shares no page with anything: where a segment's last page holds zeros that are not in the file, glibc
// zeroes the rest of that page.
constexpr std::uint64_t kLargestPage = 0x10000;

std::uint64_t rounded_up(std::uint64_t value) {
  if (value > std::numeric_limits<std::uint64_t>::max() / 2)
    throw ElfError("is corrupt: its segments leave no room in memory");
  return (value + kLargestPage - 1) / kLargestPage * kLargestPage;
}

// The string table with names added to it.
class Strings {
 public:
  explicit Strings(std::string_view old) : text_(old) { text_.push_back('\0'); }

  // Where in the table a name is.
  [[nodiscard]] std::uint32_t add(const std::string& name) {
    const auto [place, is_new] = places_.try_emplace(name, text_.size());
    if (is_new) text_.append(name).push_back('\0');
    if (text_.size() > std::numeric_limits<std::uint32_t>::max())
      throw ElfError("cannot be renamed: its names are too long");
    return static_cast<std::uint32_t>(place->second);
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  std::map<std::string, std::size_t> places_;
};

// One object that is renamed.
class Renaming {
 public:
  Renaming(ElfImage::Bytes file, const LibraryNames& names) : image_(file), names_(names), strings_(image_.strings()) {}

  Edits edits() {
    rename_in_dynamic_section();
    rename_in_needed_versions();
    if (!edits_.empty()) add_segment();
    return std::move(edits_);
  }

 private:
  // Where the new name for what stands at `old` is in the new table; none if it keeps its name.
  std::optional<std::uint32_t> renamed(std::uint64_t old) {
    const auto name = names_.find(image_.string(old));
    return name == names_.end() ? std::nullopt : std::optional(strings_.add(name->second));
  }

  void rename_in_dynamic_section() {
    for (std::size_t index = 0; index < image_.dynamic().size(); ++index) {
      const elf::DynamicEntry& entry = image_.dynamic()[index];
      if (entry.tag != elf::kSoname && entry.tag != elf::kNeeded) continue;
      if (const auto place = renamed(entry.value)) set_dynamic(index, *place);
    }
  }

  void rename_in_needed_versions() {
    const auto address = image_.dynamic_value(elf::kVersionsNeeded);
    if (!address) return;
    ElfImage::Bytes rest = image_.from(*address);
    std::size_t offset = image_.offset_of(*address);
    for (;;) {  // each time further towards the end of the segment
      const auto needed = element<elf::NeededVersions>(rest, 0);
      if (const auto place = renamed(needed.library)) edit(offset + offsetof(elf::NeededVersions, library), *place);
      if (needed.next == 0) return;
      if (needed.next < sizeof needed || needed.next > rest.size())
        throw ElfError("is corrupt: its needed versions make no sense");
      rest = rest.subspan(needed.next);
      offset += needed.next;
    }
  }

  void add_segment() {
    std::vector<elf::ProgramHeader> segments = image_.segments();
    if (segments.size() + 1 >= elf::kTooManyProgramHeaders) throw ElfError("cannot be renamed: it has too many segments");
    const std::uint64_t table_size = (segments.size() + 1) * sizeof(elf::ProgramHeader);
    elf::ProgramHeader added{};
    added.type = elf::kLoad;
    added.flags = elf::kReadable;
    added.offset = rounded_up(image_.file().size());
    added.address = rounded_up(end_in_memory());
    added.physical = added.address;
    added.in_file = added.in_memory = table_size + strings_.text().size();
    added.alignment = kLargestPage;
    for (elf::ProgramHeader& segment : segments) {
      if (segment.type != elf::kProgramHeaders) continue;
      segment.offset = added.offset;
      segment.address = segment.physical = added.address;
      segment.in_file = segment.in_memory = table_size;
    }
    segments.push_back(added);  // loaded segments are in the order of their addresses: this one is the last

    for (std::size_t index = 0; index < image_.dynamic().size(); ++index) {
      const std::uint64_t tag = image_.dynamic()[index].tag;
      if (tag == elf::kStrings) set_dynamic(index, added.address + table_size);
      if (tag == elf::kStringsSize) set_dynamic(index, strings_.text().size());
    }
    tell_sections(added.address + table_size, added.offset + table_size);
    edit(offsetof(elf::FileHeader, program_headers), added.offset);
    edit(offsetof(elf::FileHeader, program_header_count), static_cast<std::uint16_t>(segments.size()));
    const std::uint64_t end = image_.file().size();
    std::string content(added.offset - end, '\0');
    content.append(reinterpret_cast<const char*>(segments.data()), table_size).append(strings_.text());
    edits_.push_back({end, std::move(content)});
  }

  // The section that was the string table becomes the new one, for readelf, debuggers and the like. If there are no sections,
  // or they make no sense, nobody misses it.
  void tell_sections(std::uint64_t address, std::uint64_t offset) {
    const elf::FileHeader& header = image_.header();
    const ElfImage::Bytes file = image_.file();
    if (header.section_header_size != sizeof(elf::SectionHeader) || header.section_headers > file.size()) return;
    const ElfImage::Bytes sections = file.subspan(header.section_headers);
    const std::size_t count =
        std::min<std::size_t>(header.section_header_count, sections.size() / sizeof(elf::SectionHeader));
    for (std::size_t index = 0; index < count; ++index) {
      auto section = element<elf::SectionHeader>(sections, index);
      if (section.type != elf::kStringTable || section.address != image_.dynamic_value(elf::kStrings)) continue;
      section.address = address;
      section.offset = offset;
      section.size = strings_.text().size();
      edit(header.section_headers + (index * sizeof section), section);
    }
  }

  [[nodiscard]] std::uint64_t end_in_memory() const {
    std::uint64_t end = 0;
    for (const elf::ProgramHeader& segment : image_.segments()) {
      if (segment.type == elf::kLoad) end = std::max(end, segment.address + segment.in_memory);
    }
    return end;
  }

  void set_dynamic(std::size_t index, std::uint64_t value) {
    edit(image_.dynamic_offset() + (index * sizeof(elf::DynamicEntry)) + offsetof(elf::DynamicEntry, value), value);
  }
  template <typename Plain>
  void edit(std::size_t offset, Plain value) {
    edits_.push_back(edit_to(offset, value));
  }

  ElfImage image_;
  const LibraryNames& names_;
  Strings strings_;
  Edits edits_;
};

}  // namespace

Edits edits_to_rename(std::span<const std::byte> file, const LibraryNames& names) { return Renaming(file, names).edits(); }

}  // namespace aiointerpreters::extensions
