// Reading shared objects: those that were built for these tests, and every other kind of file.
#include "extensions/elf_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "elf_samples.h"
#include "extensions/elf_bind.h"
#include "extensions/elf_image.h"
#include "extensions/elf_rename.h"
#include "extensions/elf_unique.h"

namespace aiointerpreters::extensions {
namespace {

using Names = std::vector<std::string>;

auto fields_of(const ElfFile& file) {
  return std::tie(file.soname, file.needed, file.search_path, file.python_symbols, file.unique_symbols,
                  file.makes_thread_keys);
}

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The reason why a file cannot be read. Empty if it can.
std::string error_of(const FileBytes& file) {
  try {
    static_cast<void>(read_elf_file(file));
    return "";
  } catch (const ElfError& error) {
    return error.what();
  }
}

// A sample with a changed header.
template <typename Change>
FileBytes with_header(const Change& change) {
  FileBytes file = sample_library();
  auto header = plain_at<elf::FileHeader>(file, 0);
  change(header);
  put_at(file, 0, header);
  return file;
}

TEST(ElfFile, OfALibraryThatUsesPython) {
  const ElfFile file = read_elf_file(sample_library());
  EXPECT_EQ(file.soname, "libelf_sample.so.1");
  EXPECT_EQ(file.search_path, Names{});
  EXPECT_EQ(file.python_symbols, (Names{"PyList_New", "_PyObject_New", "_Py_NoneStruct"}));
  EXPECT_FALSE(file.makes_thread_keys);
  EXPECT_EQ(initializers_of(sample_library()), Names{});
  EXPECT_EQ(file.unique_symbols, Names{});
}

TEST(ElfFile, OfAnExtensionModule) {
  const ElfFile file = read_elf_file(sample_user());
  EXPECT_EQ(file.soname, "");
  EXPECT_TRUE(contains(file.needed, "libelf_sample.so.1"));
  EXPECT_EQ(file.search_path, (Names{"$ORIGIN", "$ORIGIN/../lib"}));
  EXPECT_EQ(file.python_symbols, Names{"PyModuleDef_Init"});
  EXPECT_TRUE(file.makes_thread_keys);
  EXPECT_EQ(initializers_of(sample_user()), (Names{"PyInitU_sample", "PyInit_sample", "PyModExport_sample"}));
#if defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
  EXPECT_EQ(file.unique_symbols, Names{"_ZN6SharedIiE5countE"});
#endif
}

TEST(ElfFile, WithAHashTableOfTheOldKind) {
  const FileBytes old = read_file(ELF_SAMPLE_OLD_HASH);
  EXPECT_TRUE(fields_of(read_elf_file(old)) == fields_of(read_elf_file(sample_library())));
}

TEST(ElfFile, WhoseHashTableIsEmpty) {
  const ElfFile file = read_elf_file(read_file(ELF_SAMPLE_NOTHING));
  EXPECT_EQ(file.python_symbols, (Names{"PyList_New", "PyTuple_New"}));
}

TEST(ElfFile, WithoutSectionHeaders) {
  const ElfFile whole = read_elf_file(sample_user());
  FileBytes file = sample_user();
  auto header = plain_at<elf::FileHeader>(file, 0);
  file.resize(header.section_headers);
  header.section_headers = header.section_header_size = header.section_header_count = header.section_names = 0;
  put_at(file, 0, header);
  EXPECT_TRUE(fields_of(read_elf_file(file)) == fields_of(whole));
  EXPECT_EQ(initializers_of(file), initializers_of(sample_user()));
}

TEST(ElfFile, WithTheOlderSearchPath) {
  const FileBytes newer = sample_user();
  const ElfImage image(newer);
  FileBytes file = newer;
  for (std::size_t index = 0; index < image.dynamic().size(); ++index) {
    if (image.dynamic()[index].tag != elf::kRunpath) continue;
    put_at(file, image.dynamic_offset() + (index * sizeof(elf::DynamicEntry)), elf::kRpath);
  }
  EXPECT_EQ(read_elf_file(file).search_path, (Names{"$ORIGIN", "$ORIGIN/../lib"}));
}

TEST(ElfFile, ThatIsNoElfFile) {
  EXPECT_EQ(error_of({}), "is empty");
  EXPECT_EQ(error_of(FileBytes(100)), "is not an ELF file");
  EXPECT_EQ(error_of(FileBytes(1)), "is not an ELF file");
}

TEST(ElfFile, ForAnotherMachine) {
  EXPECT_EQ(error_of(with_header([](auto& header) { header.machine = elf::kPower64; })),
            "is for another architecture (PowerPC64)");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.machine = elf::kArm; })), "is for another architecture (ARM)");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.machine = 999; })),
            "is for another architecture (ELF machine 999)");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.machine = elf::kNoMachine; })),
            "is for another architecture (ELF machine 0)");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.identification[elf::kClassAt] = elf::k32Bit; })),
            "is for another architecture (32-bit)");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.identification[elf::kOrderAt] = elf::kBigEndian; })),
            "is for another architecture (big-endian)");
}

TEST(ElfFile, ThatIsNoSharedObject) {
  EXPECT_EQ(error_of(with_header([](auto& header) { header.type = elf::kRelocatable; })),
            "is not a shared object but a relocatable object");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.type = elf::kCore; })), "is not a shared object but a core dump");
  EXPECT_EQ(error_of(read_file("/proc/self/exe")), "is not a shared object but a program");
  EXPECT_EQ(error_of(with_header([](auto& header) { header.program_header_count = 0; })),
            "is not a shared object: it has no dynamic section");
}

// The reasons why the library cannot be read after each of its segments was changed in turn.
template <typename Change>
std::set<std::string> errors_with_segments(std::uint32_t type, const Change& change) {
  std::set<std::string> errors;
  const FileBytes whole = sample_library();
  const auto header = plain_at<elf::FileHeader>(whole, 0);
  for (std::size_t index = 0; index < header.program_header_count; ++index) {
    const std::size_t offset = header.program_headers + (index * sizeof(elf::ProgramHeader));
    auto segment = plain_at<elf::ProgramHeader>(whole, offset);
    if (segment.type != type) continue;
    FileBytes file = whole;
    change(segment);
    put_at(file, offset, segment);
    errors.insert(error_of(file));
  }
  return errors;
}

TEST(ElfFile, WhoseSegmentsTheDynamicLinkerWouldStumbleOver) {
  const std::string nowhere = "is corrupt: data that the dynamic linker changes is in no writable segment";
  for (const std::uint32_t type : {elf::kDynamic, elf::kReadOnlyLater}) {
    EXPECT_EQ(errors_with_segments(type, [](auto& segment) { segment.address = 0; }), std::set{nowhere});
    EXPECT_EQ(errors_with_segments(type, [](auto& segment) { segment.address += 0x10000000; }), std::set{nowhere});
    EXPECT_EQ(errors_with_segments(type, [](auto& segment) { segment.in_memory = 0x10000000; }), std::set{nowhere});
  }
  EXPECT_TRUE(errors_with_segments(elf::kLoad, [](auto& segment) { segment.flags &= ~elf::kWritable; }).contains(nowhere));
  const auto first_goes_on = errors_with_segments(elf::kLoad, [](auto& segment) { segment.in_memory = 0x10000000; });
  EXPECT_TRUE(first_goes_on.contains("is corrupt: segment 1 does not follow the one before it"));
}

TEST(ElfFile, TruncatedAnywhere) {
  const FileBytes whole = sample_user();
  const ElfFile expected = read_elf_file(whole);
  std::size_t end_of_segments = 0;
  for (const elf::ProgramHeader& segment : segments_of(whole)) {
    if (segment.type == elf::kLoad)
      end_of_segments = std::max<std::size_t>(end_of_segments, segment.offset + segment.in_file);
  }
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const FileBytes file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (size < end_of_segments) {
      ASSERT_EQ(error_of(file).substr(0, 14), "is truncated: ") << size;
    } else {
      ASSERT_TRUE(fields_of(read_elf_file(file)) == fields_of(expected)) << size;  // only the section headers are missing
    }
  }
}

// Reads and edits an arbitrary file. Both end with a result or an ElfError. AddressSanitizer reports reads
// outside of it.
void expect_an_end(const FileBytes& file) {
  static_cast<void>(error_of(file));
  try {
    FileBytes copy = file;
    apply_edits(renaming_of(file, {{"libelf_sample.so.1", "renamed"}, {"libc.so.6", "other"}}), copy);
    apply_edits(edits_to_own_unique_symbols(file, {}), copy);
    const ElfImage image(file);
    ElfAdditions additions(image);
    BindingTable table;
    const BoundFunction function{"PyList_New", nullptr, 0};
    apply_edits(edits_to_bind(image, {&function, 1}, additions, table), copy);
    apply_edits(additions.edits(), copy);
  } catch (const ElfError&) {
    return;
  }
}

// The parts of a file that the reader looks at: everything except code and data.
std::vector<std::size_t> described_bytes(const FileBytes& file) {
  std::vector<std::size_t> offsets;
  for (const elf::ProgramHeader& segment : segments_of(file)) {
    if (segment.type != elf::kDynamic && !(segment.type == elf::kLoad && segment.offset == 0)) continue;
    const std::size_t size = std::min<std::size_t>(segment.in_file, 0x2000);
    for (std::size_t index = 0; index < size; ++index) offsets.push_back(segment.offset + index);
  }
  return offsets;
}

TEST(ElfFile, WithOneByteChanged) {
  for (const FileBytes& whole : {sample_user(), read_file(ELF_SAMPLE_OLD_HASH), read_file(ELF_SAMPLE_NOTHING)}) {
    FileBytes file = whole;
    for (const std::size_t offset : described_bytes(whole)) {
      const std::byte was = file[offset];
      for (const std::byte now : {std::byte{0}, std::byte{0xff}, ~was, was ^ std::byte{1}, was ^ std::byte{0x80}}) {
        file[offset] = now;
        expect_an_end(file);
      }
      file[offset] = was;
    }
  }
}

TEST(ElfFile, WithManyBytesChanged) {
  std::mt19937 random(13);
  const FileBytes whole = sample_user();
  const std::vector<std::size_t> offsets = described_bytes(whole);
  for (int round = 0; round < 10000; ++round) {
    FileBytes file = whole;
    for (unsigned changes = 1 + (random() % 8); changes != 0; --changes) {
      file[offsets[random() % offsets.size()]] = static_cast<std::byte>(random());
    }
    expect_an_end(file);
  }
}

TEST(ElfFile, WhoseNumbersAreTooLarge) {
  const FileBytes whole = sample_user();
  const ElfImage image(whole);
  for (const std::uint64_t number :
       {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0xffffffff}, std::uint64_t{0xfffffffffffff000}}) {
    for (std::size_t offset = 0; offset + sizeof number <= 1024; offset += 4) {  // the headers
      FileBytes file = whole;
      put_at(file, offset, number);
      expect_an_end(file);
    }
    for (std::size_t index = 0; index < image.dynamic().size() * 2; ++index) {
      FileBytes file = whole;
      put_at(file, image.dynamic_offset() + (index * sizeof number), number);
      expect_an_end(file);
    }
  }
}

}  // namespace
}  // namespace aiointerpreters::extensions
