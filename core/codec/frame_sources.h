// The position of a frame of a traceback in its source, and the source itself if only this interpreter can read it.
// Requires: attached, for all functions. Errors: Python exception set and false or null returned; std::bad_alloc.
#pragma once

#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// The position of a traceback entry's instruction, as in code.co_positions(); -1: not known.
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

// Finds the source of the frames of one exception. Home reads files by their names, and knows text that was typed or
// registered there. It cannot read text that a loader of this interpreter provides (zip files), or that was registered with
// this interpreter's linecache. Runs Python: the loader.
class FrameSources {
 public:
  // The source lines for the position, or None if home has to read them. Returns new.
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
