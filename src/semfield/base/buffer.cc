#include "semfield/base/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>

#include "semfield/base/error.h"

namespace semfield::internal {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kHugeFrom = size_t{1} << 20;

}  // namespace

void* AllocateAligned(size_t bytes) {
  if (bytes == 0) return nullptr;
  const size_t alignment = bytes > kHugeFrom ? kHugePage : kCacheLine;
  void* data = nullptr;
  if (bytes <= std::numeric_limits<size_t>::max() / 2) {
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    data = std::aligned_alloc(alignment, rounded);
    // Advice only: a kernel without huge pages answers with an error and the block works all the same.
    if (data != nullptr && alignment == kHugePage) (void)::madvise(data, rounded, MADV_HUGEPAGE);
  }
  if (data == nullptr) {
    throw ResourceError("out of memory: could not allocate {} MiB; close other programs or ask for less",
                        (bytes >> 20) + 1);
  }
  return data;
}

void FreeAligned(void* data) {
  std::free(data);
}

}  // namespace semfield::internal
