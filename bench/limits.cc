#include "bench/limits.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/base/stopwatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr int kChains = 12;

// Nothing but multiply-adds in independent chains; returns their operations.
double MultiplyAdds(int64_t repetitions, float* sink) {
  const F d;
  V sum[kChains];
  const V factor = hn::Set(d, 0.999f);
  const V addend = hn::Set(d, 1e-3f);
  for (int k = 0; k < kChains; ++k) sum[k] = hn::Set(d, static_cast<float>(k));
  for (int64_t i = 0; i < repetitions; ++i) {
    HWY_UNROLL(12)
    for (int k = 0; k < kChains; ++k) sum[k] = hn::MulAdd(sum[k], factor, addend);
  }
  V total = hn::Zero(d);
  for (int k = 0; k < kChains; ++k) total = hn::Add(total, sum[k]);
  *sink = hn::GetLane(total);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(repetitions);
}

// Sums whole arrays in several chains.
void Read(const float* data, size_t count, float* sink) {
  const F d;
  V sum[8];
  for (V& s : sum) s = hn::Zero(d);
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i + 8 * lanes <= count; i += 8 * lanes) {
    HWY_UNROLL(8)
    for (size_t k = 0; k < 8; ++k) sum[k] = hn::Add(sum[k], hn::LoadU(d, data + i + k * lanes));
  }
  V total = hn::Zero(d);
  for (const V& s : sum) total = hn::Add(total, s);
  *sink = hn::GetLane(hn::SumOfLanes(d, total));
}

void Update(float* data, size_t count) {
  const F d;
  const V factor = hn::Set(d, 0.999f);
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    HWY_UNROLL(4)
    for (size_t k = 0; k < 4; ++k) {
      hn::StoreU(hn::Mul(hn::LoadU(d, data + i + k * lanes), factor), d, data + i + k * lanes);
    }
  }
}

}  // namespace
}  // namespace semfield::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::bench {
namespace {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(Read);
HWY_EXPORT(Update);

constexpr size_t kLine = 64;
constexpr int kRuns = 40;

// The shortest time of body(thread) on all threads at once.
double BestSeconds(const std::function<void(int thread)>& body) {
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const Stopwatch stopwatch;
    ParallelFor(NumThreads(), [&](int64_t thread, int) { body(static_cast<int>(thread)); });
    best = std::min(best, stopwatch.Seconds());
  }
  return best;
}

struct LineTask {
  std::vector<uint32_t> places;
  Buffer<char> own_table;
};

constexpr size_t kNumLines = size_t{1} << 18;

std::vector<LineTask> MakeLineTasks(size_t table_bytes, bool own_tables) {
  std::vector<LineTask> tasks(NumThreads());
  const size_t lines = std::max<size_t>(1, table_bytes / kLine);
  for (size_t t = 0; t < tasks.size(); ++t) {
    Random random(t + 1);
    tasks[t].places.resize(kNumLines);
    for (uint32_t& place : tasks[t].places) {
      place =
          static_cast<uint32_t>(random.Uniform() * static_cast<float>(lines)) % static_cast<uint32_t>(lines);
    }
    if (own_tables) tasks[t].own_table.Resize(lines * kLine);
  }
  return tasks;
}

}  // namespace

double MultiplyAddRate() {
  std::vector<double> operations(NumThreads());
  std::vector<float> sinks(NumThreads());
  const double seconds = BestSeconds(
      [&](int thread) { operations[thread] = HWY_DYNAMIC_DISPATCH(MultiplyAdds)(200000, &sinks[thread]); });
  double total = 0;
  for (const double o : operations) total += o;
  return total / seconds;
}

double LineReadSeconds(size_t table_bytes) {
  const std::vector<LineTask> tasks = MakeLineTasks(table_bytes, false);
  Buffer<char> table(std::max(kLine, table_bytes / kLine * kLine));
  std::vector<uint64_t> sums(tasks.size());
  const double seconds = BestSeconds([&](int thread) {
    uint64_t sum = 0;
    const char* base = table.data();
    for (const uint32_t place : tasks[thread].places)
      sum += *reinterpret_cast<const uint64_t*>(base + place * kLine);
    sums[thread] = sum;
  });
  return seconds / static_cast<double>(kNumLines * tasks.size());
}

double LineUpdateSeconds(size_t table_bytes) {
  std::vector<LineTask> tasks = MakeLineTasks(table_bytes, true);
  typedef float Float4 __attribute__((vector_size(16)));
  const double seconds = BestSeconds([&](int thread) {
    char* base = tasks[thread].own_table.data();
    for (const uint32_t place : tasks[thread].places)
      *reinterpret_cast<Float4*>(base + place * kLine) += 1.0f;
  });
  return seconds / static_cast<double>(kNumLines * tasks.size());
}

namespace {

double ArrayRate(size_t bytes, bool update) {
  const size_t count = std::max<size_t>(bytes / sizeof(float) / NumThreads(), 1024);
  std::vector<Buffer<float>> arrays(NumThreads());
  for (Buffer<float>& array : arrays) array.Resize(count);
  const int passes = static_cast<int>(std::max<size_t>(1, (size_t{16} << 20) / (count * sizeof(float))));
  std::vector<float> sinks(NumThreads());
  const double seconds = BestSeconds([&](int thread) {
    for (int pass = 0; pass < passes; ++pass) {
      if (update) {
        HWY_DYNAMIC_DISPATCH(Update)(arrays[thread].data(), count);
      } else {
        HWY_DYNAMIC_DISPATCH(Read)(arrays[thread].data(), count, &sinks[thread]);
      }
    }
  });
  return static_cast<double>(count * sizeof(float) * arrays.size()) * passes * (update ? 2 : 1) / seconds;
}

}  // namespace

double ReadRate(size_t bytes) {
  return ArrayRate(bytes, false);
}

double UpdateRate(size_t bytes) {
  return ArrayRate(bytes, true);
}

}  // namespace semfield::bench
#endif  // HWY_ONCE
