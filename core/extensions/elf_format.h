// The parts of the ELF format that are used here: 64-bit, little-endian. <elf.h> has them too, but this code is also
// compiled on systems without it. The comments give the names from the documents of the format: the System V ABI (gABI) and
// its GNU extensions.
// Thread: any; plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aiointerpreters::extensions::elf {

struct FileHeader {                             // Elf64_Ehdr
  std::array<std::uint8_t, 16> identification;  // e_ident
  std::uint16_t type;                           // e_type
  std::uint16_t machine;                        // e_machine
  std::uint32_t version;                        // e_version
  std::uint64_t entry;                          // e_entry
  std::uint64_t program_headers;                // e_phoff
  std::uint64_t section_headers;                // e_shoff
  std::uint32_t flags;                          // e_flags
  std::uint16_t size;                           // e_ehsize
  std::uint16_t program_header_size;            // e_phentsize
  std::uint16_t program_header_count;           // e_phnum
  std::uint16_t section_header_size;            // e_shentsize
  std::uint16_t section_header_count;           // e_shnum
  std::uint16_t section_names;                  // e_shstrndx
};
static_assert(sizeof(FileHeader) == 64);

struct ProgramHeader {      // Elf64_Phdr: a segment
  std::uint32_t type;       // p_type
  std::uint32_t flags;      // p_flags
  std::uint64_t offset;     // p_offset
  std::uint64_t address;    // p_vaddr
  std::uint64_t physical;   // p_paddr
  std::uint64_t in_file;    // p_filesz
  std::uint64_t in_memory;  // p_memsz
  std::uint64_t alignment;  // p_align
};
static_assert(sizeof(ProgramHeader) == 56);

struct SectionHeader {       // Elf64_Shdr
  std::uint32_t name;        // sh_name
  std::uint32_t type;        // sh_type
  std::uint64_t flags;       // sh_flags
  std::uint64_t address;     // sh_addr
  std::uint64_t offset;      // sh_offset
  std::uint64_t size;        // sh_size
  std::uint32_t link;        // sh_link
  std::uint32_t info;        // sh_info
  std::uint64_t alignment;   // sh_addralign
  std::uint64_t entry_size;  // sh_entsize
};
static_assert(sizeof(SectionHeader) == 64);

struct DynamicEntry {   // Elf64_Dyn
  std::uint64_t tag;    // d_tag
  std::uint64_t value;  // d_val or d_ptr
};
static_assert(sizeof(DynamicEntry) == 16);

struct Symbol {           // Elf64_Sym
  std::uint32_t name;     // st_name
  std::uint8_t info;      // st_info
  std::uint8_t other;     // st_other
  std::uint16_t section;  // st_shndx
  std::uint64_t value;    // st_value
  std::uint64_t size;     // st_size
};
static_assert(sizeof(Symbol) == 24);

struct Relocation {      // Elf64_Rela
  std::uint64_t offset;  // r_offset
  std::uint32_t type;    // the lower half of r_info
  std::uint32_t symbol;  // the upper half of r_info
  std::uint64_t addend;  // r_addend
};
static_assert(sizeof(Relocation) == 24);

struct GnuHashHeader {  // the beginning of DT_GNU_HASH
  std::uint32_t bucket_count;
  std::uint32_t first_symbol;  // earlier symbols are not in the table: these include all undefined ones
  std::uint32_t bloom_words;   // of 8 bytes
  std::uint32_t bloom_shift;
};
static_assert(sizeof(GnuHashHeader) == 16);

struct HashHeader {  // the beginning of DT_HASH
  std::uint32_t bucket_count;
  std::uint32_t symbol_count;  // nchain: equals the number of symbols
};
static_assert(sizeof(HashHeader) == 8);

struct NeededVersions {    // Elf64_Verneed: the versions that it needs of one library
  std::uint16_t version;   // vn_version
  std::uint16_t count;     // vn_cnt
  std::uint32_t library;   // vn_file
  std::uint32_t versions;  // vn_aux
  std::uint32_t next;      // vn_next: bytes from this one; 0 at the last one
};
static_assert(sizeof(NeededVersions) == 16);

// e_ident
constexpr std::array<std::uint8_t, 4> kMagic{0x7f, 'E', 'L', 'F'};
constexpr std::size_t kClassAt = 4;        // EI_CLASS
constexpr std::size_t kOrderAt = 5;        // EI_DATA
constexpr std::uint8_t k32Bit = 1;         // ELFCLASS32
constexpr std::uint8_t k64Bit = 2;         // ELFCLASS64
constexpr std::uint8_t kLittleEndian = 1;  // ELFDATA2LSB
constexpr std::uint8_t kBigEndian = 2;     // ELFDATA2MSB

// e_type
constexpr std::uint16_t kRelocatable = 1;   // ET_REL
constexpr std::uint16_t kExecutable = 2;    // ET_EXEC
constexpr std::uint16_t kSharedObject = 3;  // ET_DYN
constexpr std::uint16_t kCore = 4;          // ET_CORE

// e_machine
constexpr std::uint16_t kNoMachine = 0;    // EM_NONE
constexpr std::uint16_t kX86 = 3;          // EM_386
constexpr std::uint16_t kPower64 = 21;     // EM_PPC64
constexpr std::uint16_t kS390 = 22;        // EM_S390
constexpr std::uint16_t kArm = 40;         // EM_ARM
constexpr std::uint16_t kX64 = 62;         // EM_X86_64
constexpr std::uint16_t kAArch64 = 183;    // EM_AARCH64
constexpr std::uint16_t kRiscV = 243;      // EM_RISCV
constexpr std::uint16_t kLoongArch = 258;  // EM_LOONGARCH

// The architecture of this process. kNoMachine: this code has not been tried there, and every file is refused.
#if defined(__x86_64__) && defined(__LP64__)
constexpr std::uint16_t kOwnMachine = kX64;
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
constexpr std::uint16_t kOwnMachine = kAArch64;
#else
constexpr std::uint16_t kOwnMachine = kNoMachine;
#endif

// e_phnum: the real count is elsewhere
constexpr std::uint16_t kTooManyProgramHeaders = 0xffff;  // PN_XNUM

// p_type
constexpr std::uint32_t kLoad = 1;                    // PT_LOAD
constexpr std::uint32_t kDynamic = 2;                 // PT_DYNAMIC
constexpr std::uint32_t kProgramHeaders = 6;          // PT_PHDR
constexpr std::uint32_t kReadOnlyLater = 0x6474e552;  // PT_GNU_RELRO

// p_flags
constexpr std::uint32_t kRunnable = 1;  // PF_X
constexpr std::uint32_t kWritable = 2;  // PF_W
constexpr std::uint32_t kReadable = 4;  // PF_R

// sh_type
constexpr std::uint32_t kStringTable = 3;  // SHT_STRTAB

// d_tag
constexpr std::uint64_t kEnd = 0;                      // DT_NULL
constexpr std::uint64_t kNeeded = 1;                   // DT_NEEDED
constexpr std::uint64_t kPltRelocationsSize = 2;       // DT_PLTRELSZ
constexpr std::uint64_t kHash = 4;                     // DT_HASH
constexpr std::uint64_t kStrings = 5;                  // DT_STRTAB
constexpr std::uint64_t kSymbols = 6;                  // DT_SYMTAB
constexpr std::uint64_t kRelocations = 7;              // DT_RELA
constexpr std::uint64_t kRelocationsSize = 8;          // DT_RELASZ
constexpr std::uint64_t kStringsSize = 10;             // DT_STRSZ
constexpr std::uint64_t kInitialize = 12;              // DT_INIT
constexpr std::uint64_t kSoname = 14;                  // DT_SONAME
constexpr std::uint64_t kRpath = 15;                   // DT_RPATH
constexpr std::uint64_t kDebug = 21;                   // DT_DEBUG: means nothing in a shared object
constexpr std::uint64_t kTextRelocations = 22;         // DT_TEXTREL
constexpr std::uint64_t kPltRelocations = 23;          // DT_JMPREL
constexpr std::uint64_t kConstructors = 25;            // DT_INIT_ARRAY
constexpr std::uint64_t kConstructorsSize = 27;        // DT_INIT_ARRAYSZ
constexpr std::uint64_t kRunpath = 29;                 // DT_RUNPATH
constexpr std::uint64_t kFlags = 30;                   // DT_FLAGS
constexpr std::uint64_t kGnuHash = 0x6ffffef5;         // DT_GNU_HASH
constexpr std::uint64_t kFlags1 = 0x6ffffffb;          // DT_FLAGS_1
constexpr std::uint64_t kVersionsNeeded = 0x6ffffffe;  // DT_VERNEED

// Flags of kFlags and kFlags1
constexpr std::uint64_t kHasTextRelocations = 0x4;  // DF_TEXTREL
constexpr std::uint64_t kProgram = 0x08000000;      // DF_1_PIE

// st_info: the upper half is the binding
constexpr unsigned kBindingShift = 4;
constexpr std::uint8_t kTypeMask = 0x0f;
constexpr std::uint8_t kGlobalBinding = 1;   // STB_GLOBAL
constexpr std::uint8_t kUniqueBinding = 10;  // STB_GNU_UNIQUE
constexpr std::uint8_t kFunction = 2;        // STT_FUNC

// st_other
constexpr std::uint8_t kHidden = 2;  // STV_HIDDEN

// st_shndx
constexpr std::uint16_t kUndefined = 0;   // SHN_UNDEF
constexpr std::uint16_t kAnySection = 1;  // the dynamic linker checks only that the symbol is in a section

}  // namespace aiointerpreters::extensions::elf
