// See pass_on.h. CMakeLists.txt compiles this file alone, because the header of opcodes defines hundreds of macros.
#include "py/pass_on.h"

#include <algorithm>

#include <opcode.h>

#include "py/compat.h"
#include "py/ref.h"

namespace aiointerpreters::py {

namespace {

// The argument of CALL_INTRINSIC_1 in `f(a, *args)`.
constexpr unsigned kListToTupleFunction = 6;

// Two arguments of four bits each may be in one byte.
constexpr unsigned kBits = 4;
constexpr unsigned kSecond = 15;

constexpr bool is_call(PassOn::Op op) noexcept { return op >= PassOn::Op::kCall; }

int count_parameters(const PyCodeObject* code) noexcept {
  return code->co_argcount + code->co_kwonlyargcount + ((code->co_flags & CO_VARARGS) != 0 ? 1 : 0) +
         ((code->co_flags & CO_VARKEYWORDS) != 0 ? 1 : 0);
}

}  // namespace

bool PassOn::read(PyCodeObject* code) {
  const Ref text = Ref::steal(PyCode_GetCode(code));
  if (!text) return PyErr_Clear(), false;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(text.get()));
  const Py_ssize_t size = PyBytes_GET_SIZE(text.get());
  for (Py_ssize_t at = 0; at + 1 < size; at += 2) {  // an instruction has two bytes; inline caches are zero
    if (bytes[at] == CACHE) continue;
    const bool has_called = !steps_.empty() && is_call(steps_.back().op);
    if (has_called) {
      at += keeps_result(bytes + at, size - at);
      return at + 2 == size && bytes[at] == RETURN_VALUE && note_callee();
    }
    if (!add(bytes[at], bytes[at + 1], code)) return false;
  }
  return false;
}

bool PassOn::note_callee() {
  const auto null = std::ranges::find(steps_, Op::kNull, &Step::op);
  if (null == steps_.end() || null == steps_.begin() || steps_.front().op > Op::kGlobal) return false;
  callee_steps_ = static_cast<std::size_t>(null - steps_.begin()) + 1;
  return std::all_of(steps_.begin() + 1, null, [](const Step& step) { return step.op == Op::kAttribute; });
}

Py_ssize_t PassOn::keeps_result(const unsigned char* code, Py_ssize_t size) noexcept {
  constexpr Py_ssize_t kInstruction = 2;
  if (size > kInstruction && code[0] == STORE_FAST_LOAD_FAST && code[1] >> kBits == (code[1] & kSecond)) return kInstruction;
  if (size <= 2 * kInstruction || code[0] != STORE_FAST || code[3] != code[1]) return 0;
#ifdef LOAD_FAST_BORROW  // 3.14
  if (code[2] == LOAD_FAST_BORROW) return 2 * kInstruction;
#endif
  return code[2] == LOAD_FAST ? 2 * kInstruction : 0;
}

bool PassOn::add_local(unsigned index, const PyCodeObject* code) {
  if (index >= static_cast<unsigned>(count_parameters(code))) return false;
  add_step(Op::kLocal, index);
  return true;
}

bool PassOn::add(unsigned opcode, unsigned argument, const PyCodeObject* code) {
  switch (opcode) {
    case RESUME:
    case NOP:
    case COPY_FREE_VARS:
      return true;
    case LOAD_FAST:
#ifdef LOAD_FAST_BORROW  // 3.14
    case LOAD_FAST_BORROW:
#endif
      return add_local(argument, code);
    case LOAD_FAST_LOAD_FAST:
#ifdef LOAD_FAST_BORROW_LOAD_FAST_BORROW  // 3.14
    case LOAD_FAST_BORROW_LOAD_FAST_BORROW:
#endif
      return add_local(argument >> kBits, code) && add_local(argument & kSecond, code);
    case LOAD_DEREF:
      if (argument < static_cast<unsigned>(code->co_nlocals)) return false;
      add_step(Op::kFree, argument - static_cast<unsigned>(code->co_nlocals));
      return true;
    case LOAD_GLOBAL:  // the lowest bit: it is called
      add_step(Op::kGlobal, argument >> 1);
      if ((argument & 1) != 0) add_step(Op::kNull);
      return true;
    case LOAD_ATTR:
      add_step(Op::kAttribute, argument >> 1);
      if ((argument & 1) != 0) add_step(Op::kNull);
      return true;
    case LOAD_CONST:
      add_step(Op::kConstant, argument);
      return true;
#ifdef LOAD_SMALL_INT  // 3.14
    case LOAD_SMALL_INT:
      add_step(Op::kSmallNumber, argument);
      return true;
#endif
#ifdef LOAD_COMMON_CONSTANT  // 3.14; None is one of them since 3.15
    case LOAD_COMMON_CONSTANT:
      add_step(Op::kCommonConstant, argument);
      return true;
#endif
    case PUSH_NULL:
      add_step(Op::kNull);
      return true;
    case BUILD_TUPLE:
      add_step(Op::kTuple, argument);
      return true;
    case BUILD_LIST:
      add_step(Op::kList, argument);
      return true;
    case BUILD_MAP:
      add_step(Op::kDict, argument);
      return true;
#ifdef BUILD_CONST_KEY_MAP  // until 3.13
    case BUILD_CONST_KEY_MAP:
      add_step(Op::kDictOfNames, argument);
      return true;
#endif
    case LIST_EXTEND:
      add_step(Op::kExtendList, argument);
      return true;
    case LIST_APPEND:
      add_step(Op::kAppendToList, argument);
      return true;
    case DICT_MERGE:
      add_step(Op::kMergeDict, argument);
      return true;
    case CALL_INTRINSIC_1:
      add_step(Op::kListToTuple);
      return argument == kListToTupleFunction;
    case CALL:
      add_step(Op::kCall, argument);
      return true;
    case CALL_KW:
      add_step(Op::kCallWithNames, argument);
      return true;
    case CALL_FUNCTION_EX:
      add_step(kUnpackedCallsTakeNull || argument != 0 ? Op::kCallUnpackedTwo : Op::kCallUnpacked);
      return true;
    default:
      return false;
  }
}

}  // namespace aiointerpreters::py
