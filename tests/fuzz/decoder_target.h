// The fuzz target over the decoder, in the form that libFuzzer wants: whatever the bytes, decoding them as a message ends
// with a value or with one of the errors that decoder.h names, reads nothing behind them, leaks nothing; and what has been
// decoded can be encoded and decoded once more. What else happens aborts the process.
//
// The bytes are always native ones: a pickle that is not the encoder's own could run anything.
// Requires: attached to the main interpreter of a process that has no other `_core`. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Makes `_core` in this interpreter and what inputs refer to (fuzz_values.CARRIED). To be called once, before the target.
int LLVMFuzzerInitialize(int* argc, char*** argv);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
}
