#include "bench/twin/configure.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/ops/simd_target.h"

namespace semfield::twin {
namespace {

// Freed storage waits for the next tensor of the same size.
class CachingAllocator final : public c10::Allocator {
 public:
  at::DataPtr allocate(size_t bytes) const override {
    if (bytes == 0) return {nullptr, nullptr, &Release, at::Device(at::kCPU)};
    Block* block = Take(bytes);
    return {block->data, block, &Release, at::Device(at::kCPU)};
  }

 private:
  struct Block {
    void* data;
    size_t bytes;
  };
  struct Pool {
    std::mutex mutex;
    std::map<size_t, std::vector<Block*>> free;
  };
  static Pool& ThePool() {
    static Pool* pool = new Pool;  // outlives every tensor
    return *pool;
  }
  static Block* Take(size_t bytes) {
    Pool& pool = ThePool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    std::vector<Block*>& blocks = pool.free[bytes];
    if (blocks.empty()) return new Block{internal::AllocateAligned(bytes), bytes};
    Block* block = blocks.back();
    blocks.pop_back();
    return block;
  }
  static void Release(void* context) {
    if (context == nullptr) return;
    Block* block = static_cast<Block*>(context);
    Pool& pool = ThePool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    pool.free[block->bytes].push_back(block);
  }
};

}  // namespace

void ChooseOpenBlasKernels(char** argv) {
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (std::getenv(kVariable) != nullptr || ops::SupportedTargets().front() != "avx512") return;
  setenv(kVariable, "SKYLAKEX", 1);
  execv("/proc/self/exe", argv);
}

std::string Configure(int num_threads) {
  static CachingAllocator allocator;
  c10::SetCPUAllocator(&allocator, 255);
  at::set_num_threads(num_threads);
  return fmt::format("LibTorch {}.{}.{}, {} threads, {}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR,
                     TORCH_VERSION_PATCH, at::get_num_threads(), at::hasMKL() ? "MKL" : "the system's BLAS");
}

}  // namespace semfield::twin
