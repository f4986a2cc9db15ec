#pragma once

#include <string>

namespace semfield::twin {

// Sets LibTorch's threads and an allocator that keeps freed storage (aligned, on huge pages) for the next
// tensor of its size. Call it once, before anything else of the twin. Returns what runs: "LibTorch 1.13.1, 2
// threads, ...".
std::string Configure(int num_threads);

// OpenBLAS takes processors younger than itself for older ones and leaves AVX-512 unused. What it takes them
// for is read from the environment when it is loaded: this sets it and starts the program anew, or returns if
// nothing is to be changed. To be called first.
void ChooseOpenBlasKernels(char** argv);

}  // namespace semfield::twin
