#include <fmt/format.h>

#include <cmath>

#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/twin.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/adam.h"

namespace semfield::bench {
namespace {

constexpr int64_t kCount = int64_t{1} << 22;  // a grid of 8 levels of 2^17 entries of 4 numbers
constexpr int64_t kBlock = 16;
constexpr int64_t kTask = 1 << 16;

struct Ours {
  Buffer<float> parameters, first, second, gradient;
  Buffer<Half> half;
};

// share: of the blocks of 16 that have a gradient.
void RunShare(Table& table, double share) {
  Ours ours;
  for (Buffer<float>* b : {&ours.parameters, &ours.first, &ours.second, &ours.gradient}) b->Resize(kCount);
  ours.half.Resize(kCount);
  Random random(1);
  Buffer<float> gradient(kCount);
  double active = 0;
  for (int64_t block = 0; block < kCount / kBlock; ++block) {
    const bool has = random.Uniform() < share;
    active += has;
    for (int64_t i = block * kBlock; has && i < (block + 1) * kBlock; ++i)
      gradient[i] = random.Uniform(-1, 1);
  }
  for (float& p : ours.parameters) p = random.Uniform(-1, 1);
  const auto wrap = [](float* data) { return at::from_blob(data, {kCount}, at::kFloat); };
  twin::AdamState state{wrap(ours.parameters.data()).clone(), at::zeros({kCount}, at::kFloat),
                        at::zeros({kCount}, at::kFloat), at::zeros({kCount}, at::kFloat),
                        wrap(ours.parameters.data()).to(at::kHalf)};
  const ops::AdamOptions options{.learning_rate = 1e-2f, .step = 3, .sparse = true};
  const twin::AdamNumbers numbers{1e-2, 0.9, 0.99, 1e-15, 3};
  const auto step = [&] {
    ParallelChunks(kCount, kTask, [&](int64_t begin, int64_t end, int) {
      ops::AdamStep(options, end - begin,
                    {ours.parameters.data() + begin, ours.first.data() + begin, ours.second.data() + begin,
                     ours.gradient.data() + begin, ours.half.data() + begin});
    });
  };
  const auto fill_ours = [&] { std::copy_n(gradient.data(), kCount, ours.gradient.data()); };
  const auto fill_twin = [&] { std::copy_n(gradient.data(), kCount, state.gradient.data_ptr<float>()); };
  fill_ours(), fill_twin();
  step();
  twin::AdamSparse(state, numbers);
  const double difference = (wrap(ours.parameters.data()) - state.parameters).abs().max().item<double>();

  Contest contest{step, {}, fill_ours, fill_twin};
  contest.twins.push_back([&] { twin::AdamSparse(state, numbers); });
  // Without regard to zeros; the moments of blocks without a gradient decay, which costs the twin nothing.
  for (const int64_t chunk : {1 << 14, 1 << 16}) {
    contest.twins.push_back([&, chunk] { twin::AdamDense(state, numbers, chunk); });
  }
  const Times times = Race(contest, table.seconds());
  // Every gradient is read; where there is one, four arrays are read and written and the half table is
  // written.
  const double updated = active * kBlock * (8 * 4 + 2), read = 4.0 * kCount - 4.0 * active * kBlock;
  const double limit = updated / UpdateRate(kCount * 16) + read / ReadRate(kCount * 4);
  table.Add({"adam, sparse-aware", fmt::format("2^22 numbers, {:.0f} % of blocks", 100 * share), times.ours,
             times.twin, 4.0, "bandwidth", limit, 1.5, difference},
            1e-5);
}

}  // namespace

void AdamKernels(Table& table) {
  if (!table.Wants("adam")) return;
  for (const double share : {1.0, 0.5, 0.1, 0.01}) RunShare(table, share);
}

}  // namespace semfield::bench
