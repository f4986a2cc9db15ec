// The loops of both trainings allocate nothing once they run: every way to memory is counted in this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "semfield/methods/feature_field/feature_field_test_util.h"
#include "semfield/methods/feature_field/feature_trainer.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"

namespace {

std::atomic<int64_t> g_allocations{0};

void* Count(void* memory) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// semfield::Buffer does not come through operator new: the linker puts __wrap_ in the way (CMakeLists.txt).
extern "C" {
void* __real_aligned_alloc(size_t alignment, size_t size);
void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  return Count(__real_aligned_alloc(alignment, size));
}
void* __real_malloc(size_t size);
void* __wrap_malloc(size_t size) {
  return Count(__real_malloc(size));
}
}

void* operator new(size_t size) {
  return Count(__real_malloc(size));
}
void* operator new[](size_t size) {
  return Count(__real_malloc(size));
}
void* operator new(size_t size, std::align_val_t alignment) {
  const size_t to = static_cast<size_t>(alignment);
  return Count(__real_aligned_alloc(to, (size + to - 1) / to * to));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace semfield {
namespace {

template <class Body>
int64_t AllocationsOf(const Body& body) {
  const int64_t before = g_allocations;
  body();
  return g_allocations - before;
}

// Kernels keep scratch for every thread (ops/thread_scratch.h); which threads a loop's tasks fall to is
// chance, so each makes its own now, for networks as wide as any here: two rings of tokens around one make
// 816 rows of input.
void WarmEveryThread() {
  std::atomic<int> arrived{0};
  ParallelFor(NumThreads(), [&](int64_t, int) {
    ops::MlpShape shape = {.input = 1024, .hidden = 64, .num_hidden = 3, .output = 64};
    Buffer<float> parameters(ops::MlpNumParameters(shape)), gradient(parameters.size());
    Buffer<float> input(1024 * ops::kTileStride), output(64 * ops::kTileStride);
    const ops::MlpInput columns = {input.data(), ops::kTileStride, ops::kTileColumns};
    ops::MlpForward(shape, parameters.data(), columns, output.data());
    for (const bool bfloat16 : {false, true}) {
      shape.bfloat16 = bfloat16;
      ops::MlpTape tape;
      ops::MlpForward(shape, parameters.data(), columns, output.data(), &tape);
      ops::MlpBackward(shape, parameters.data(), columns, tape,
                       {output.data(), gradient.data(), input.data()});
    }
    ++arrived;
    while (arrived < NumThreads()) std::this_thread::yield();
  });
}

TEST(Allocations, AreCounted) {
  const int64_t by_new = AllocationsOf([] { operator delete(operator new(100)); });
  const int64_t by_buffer = AllocationsOf([] { Buffer<float> buffer(100); });
  EXPECT_EQ(by_new, 1);
  EXPECT_EQ(by_buffer, 1);
}

class AllocationTest : public testing::TestWithParam<int> {
 protected:
  AllocationTest() : threads_(GetParam()) { WarmEveryThread(); }
  const ScopedThreads threads_;
};

TEST_P(AllocationTest, NoneInTheSteadyStateOfTheRadianceTraining) {
  for (const char* scene : {"room", "object"}) {
    const TestCapture data({.views = 12, .width = 64, .height = 48, .scene = scene});
    RadianceOptions options = SmallRadianceOptions(1000);
    options.exposure = true;
    RadianceTrainer trainer(data.capture, *data.store, ResolveRadianceOptions(options, data.capture));
    // By then the first sweep of the occupancy grid is over; the second phase and pruning change how many
    // rays a step has.
    for (int step = 0; step < 100; ++step) trainer.Step();
    EXPECT_EQ(AllocationsOf([&] {
                for (int step = 0; step < 64; ++step) trainer.Step();
              }),
              0)
        << scene;
  }
}

TEST_P(AllocationTest, NoneInTheSteadyStateOfTheImitation) {
  for (const int rings : {0, 2}) {
    FeatureOptions options;
    options.log2_table_size = 12;
    options.head_width = 64;
    options.context_rings = rings;
    options.head_layers = 3;
    options.head_inputs = {"direction"};
    constexpr int kGrid = 40, kChannels = 32;  // two tiles of tokens
    FeatureTrainer trainer(
        options, {.encoder = "test", .channels = kChannels, .grid = kGrid, .resolution = 16 * kGrid});
    const std::shared_ptr<TeacherEntry> entries[] = {RandomEntry(0, kGrid, kChannels, NumExtraRows(options)),
                                                     RandomEntry(1, kGrid, kChannels, NumExtraRows(options))};
    trainer.Step(*entries[0]);
    EXPECT_EQ(AllocationsOf([&] {
                for (int step = 0; step < 8; ++step) trainer.Step(*entries[step % 2]);
              }),
              0)
        << rings << " rings";
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, AllocationTest, testing::Values(1, 2));

}  // namespace
}  // namespace semfield
