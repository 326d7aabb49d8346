// Where a frame of a traceback stands in its source, and the source itself where only this interpreter can read it.
// Requires: attached, for all functions. Errors: Python exception set and false or null returned; std::bad_alloc.
#pragma once

#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// The instruction that an entry of a traceback stands at, as code.co_positions() has it; -1: not known.
struct FramePlace {
  py::Ref filename;
  py::Ref name;
  int line = -1;
  int last_line = -1;
  int column = -1;
  int last_column = -1;
};
// False without an exception set: there is no such instruction.
[[nodiscard]] bool read_place(const PyTracebackObject* entry, FramePlace& place);
[[nodiscard]] bool same_code(PyFrameObject* one, PyFrameObject* other) noexcept;

// Finds the source of the frames of one exception. Home reads files by their names, and knows what was typed or registered
// there; what a loader of this interpreter gives (zip files) and what was registered with its linecache, it cannot read.
// Runs Python: the loader.
class FrameSources {
 public:
  // The lines of the place, or None where home has to read them. Returns new.
  [[nodiscard]] py::Ref find(PyFrameObject* frame, const FramePlace& place);

 private:
  struct File {
    py::Ref name;
    py::Ref lines;  // list of str, or None
  };
  py::Ref lines_of(PyFrameObject* frame, PyObject* filename);

  std::vector<File> files_;
};

}  // namespace aiointerpreters::codec
