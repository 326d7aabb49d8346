// See elf_bind.h. The binding of hidden symbols: System V ABI, "Symbol Table", st_other.
#include "extensions/elf_bind.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "extensions/elf_symbols.h"

namespace aiointerpreters::extensions {

namespace {

#if defined(__x86_64__) && defined(__LP64__)
constexpr bool kHasCode = true;
#else
constexpr bool kHasCode = false;
#endif

constexpr std::size_t kSlot = 8;

// The code of a function, for x86-64. If the first entry of the table is null, it returns a number. Otherwise it passes
// that entry as the third argument and jumps to the function in the table.
constexpr unsigned char kCode[] = {
    0xf3, 0x0f, 0x1e, 0xfa,                    // endbr64
    0x48, 0x8b, 0x15, 0x00, 0x00, 0x00, 0x00,  // mov rdx, [rip + to the table]
    0x48, 0x85, 0xd2,                          // test rdx, rdx
    0x74, 0x06,                                // je 1f
    0xff, 0x25, 0x00, 0x00, 0x00, 0x00,        // jmp [rip + to the function in the table]
    0xb8, 0x00, 0x00, 0x00, 0x00,              // 1: mov eax, the number
    0xc3,                                      // ret
    0xcc, 0xcc, 0xcc, 0xcc                     // int3: to a multiple of 8
};
constexpr std::size_t kToTableAt = 7;
constexpr std::size_t kToFunctionAt = 18;
constexpr std::size_t kNumberAt = 23;

void put(std::string& code, std::size_t at, std::int32_t number) { std::memcpy(code.data() + at, &number, sizeof number); }

// `distance`: from the beginning of the code to the table.
std::string code_for(std::int32_t distance, std::size_t index, std::int32_t unbound) {
  std::string code(reinterpret_cast<const char*>(kCode), sizeof kCode);
  const auto from_end_of = [distance](std::size_t at) { return distance - static_cast<std::int32_t>(at + 4); };
  put(code, kToTableAt, from_end_of(kToTableAt));
  put(code, kToFunctionAt, from_end_of(kToFunctionAt) + static_cast<std::int32_t>(kSlot * (index + 1)));
  put(code, kNumberAt, unbound);
  return code;
}

struct Wanted {
  std::size_t symbol;
  const BoundFunction* function;
};

std::vector<Wanted> wanted_of(const ElfImage& image, const ElfSymbols& symbols, std::span<const BoundFunction> functions) {
  std::vector<Wanted> wanted;
  for (std::size_t index = 0; index < symbols.count(); ++index) {
    const elf::Symbol symbol = symbols.at(index);
    if (symbol.section != elf::kUndefined || !image.from_string(symbol.name).starts_with("Py")) continue;
    const auto found = std::ranges::find(functions, image.string(symbol.name), &BoundFunction::name);
    if (found != functions.end()) wanted.push_back({index, &*found});
  }
  return wanted;
}

}  // namespace

bool can_bind() noexcept { return kHasCode; }

Edits edits_to_bind(const ElfImage& image, std::span<const BoundFunction> functions, ElfAdditions& additions,
                    BindingTable& table) {
  const ElfSymbols symbols(image);
  const std::vector<Wanted> wanted = wanted_of(image, symbols, functions);
  if (wanted.empty()) return {};
  table.address = additions.add(elf::kReadable | elf::kWritable, std::string(kSlot * (wanted.size() + 1), '\0')).address;
  const std::uint64_t begin = additions.next().address;
  std::string code;
  Edits edits;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    const auto [at, function] = wanted[index];
    const std::uint64_t address = begin + code.size();
    code += code_for(static_cast<std::int32_t>(table.address - address), index, function->unbound);
    table.functions.push_back(function->function);
    elf::Symbol symbol = symbols.at(at);
    symbol.info = static_cast<std::uint8_t>((elf::kGlobalBinding << elf::kBindingShift) | elf::kFunction);
    symbol.other = elf::kHidden;
    symbol.section = elf::kAnySection;
    symbol.value = address;
    symbol.size = sizeof kCode;
    edits.push_back(edit_to(symbols.offset_of(at), symbol));
  }
  additions.add(elf::kReadable | elf::kRunnable, code);
  return edits;
}

}  // namespace aiointerpreters::extensions
