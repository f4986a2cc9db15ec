#pragma once

#include <string>

namespace semfield::twin {

// Sets LibTorch's threads and an allocator that keeps freed storage (aligned, on huge pages) for the next
// tensor of its size. Call it once, before anything else of the twin. Returns what runs: "LibTorch 1.13.1, 2
// threads, ...".
std::string Configure(int num_threads);

}  // namespace semfield::twin
