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

// The string table with names added to it.
class Strings {
 public:
  explicit Strings(std::string_view old) : text_(old) { text_.push_back('\0'); }

  // The position of a name in the table.
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

// The renaming of one object.
class Renaming {
 public:
  Renaming(const ElfImage& image, const LibraryNames& names) : image_(image), names_(names), strings_(image.strings()) {}

  Edits edits(ElfAdditions& additions) {
    rename_in_dynamic_section();
    rename_in_needed_versions();
    if (!edits_.empty()) move_strings_to(additions);
    return std::move(edits_);
  }

 private:
  // The position in the new table of the new name for the name at `old`. None if the name does not change.
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
    for (;;) {  // moves towards the end of the segment, so it ends
      const auto needed = element<elf::NeededVersions>(rest, 0);
      if (const auto place = renamed(needed.library)) edit(offset + offsetof(elf::NeededVersions, library), *place);
      if (needed.next == 0) return;
      if (needed.next < sizeof needed || needed.next > rest.size())
        throw ElfError("is corrupt: its table of needed versions is invalid");
      rest = rest.subspan(needed.next);
      offset += needed.next;
    }
  }

  void move_strings_to(ElfAdditions& additions) {
    const ElfAdditions::Place place = additions.add(elf::kReadable, strings_.text());
    for (std::size_t index = 0; index < image_.dynamic().size(); ++index) {
      const std::uint64_t tag = image_.dynamic()[index].tag;
      if (tag == elf::kStrings) set_dynamic(index, place.address);
      if (tag == elf::kStringsSize) set_dynamic(index, strings_.text().size());
    }
    tell_sections(place.address, place.offset);
  }

  // Points the section of the string table to the new table, for readelf, debuggers and the like. Missing or invalid
  // sections are ignored.
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

  void set_dynamic(std::size_t index, std::uint64_t value) {
    edit(image_.offset_of_dynamic(index) + offsetof(elf::DynamicEntry, value), value);
  }
  template <typename Plain>
  void edit(std::size_t offset, Plain value) {
    edits_.push_back(edit_to(offset, value));
  }

  const ElfImage& image_;
  const LibraryNames& names_;
  Strings strings_;
  Edits edits_;
};

}  // namespace

Edits edits_to_rename(const ElfImage& image, const LibraryNames& names, ElfAdditions& additions) {
  return Renaming(image, names).edits(additions);
}

}  // namespace aiointerpreters::extensions
