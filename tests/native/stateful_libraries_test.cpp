// Libraries that are copied although they do not use Python.
#include "extensions/stateful_libraries.h"

#include <gtest/gtest.h>

namespace aiointerpreters::extensions {
namespace {

TEST(StatefulLibraries, AreKnownByTheirNameWhateverItsVersion) {
  for (const char* const name :
       {"libhdf5.so", "libhdf5-9e18f0c6.so.320.0.0", "libnetcdf.so.19", "libllvmlite.so", "libLLVM-20.so"}) {
    EXPECT_TRUE(keeps_state_of_its_user(name)) << name;
  }
  for (const char* const name : {"", "libhdf", "libhdf50.so", "hdf5.so", "libscipy_openblas64_-096271d3.so", "-", "."}) {
    EXPECT_FALSE(keeps_state_of_its_user(name)) << name;
  }
}

}  // namespace
}  // namespace aiointerpreters::extensions
