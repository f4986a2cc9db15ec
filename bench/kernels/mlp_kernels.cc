#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/twin.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/ops/small_mlp.h"

namespace semfield::bench {
namespace {

constexpr int64_t kTiles = 128;
constexpr int64_t kRows = kTiles * ops::kTileColumns;

struct Ours {
  ops::MlpShape shape;
  Buffer<float> parameters, d_parameters, input, output, d_output,
      d_input;                      // tiles of [channels][kTileStride]
  std::vector<ops::MlpTape> tapes;  // one a worker
  // Weight gradients are kept by slots of tiles, so that their sum does not depend on who worked.
  static constexpr int kSlots = 8;
  Buffer<float> slots;

  explicit Ours(const ops::MlpShape& s) : shape(s), tapes(NumThreads()) {
    Random random(1);
    parameters.Resize(ops::MlpNumParameters(shape));
    d_parameters.Resize(parameters.size());
    slots.Resize(kSlots * parameters.size());
    ops::MlpInitialize(shape, random, parameters.data());
    input.Resize(kTiles * shape.input * ops::kTileStride);
    d_input.Resize(input.size());
    output.Resize(kTiles * shape.output * ops::kTileStride);
    d_output.Resize(output.size());
    for (float& v : input) v = random.Uniform(-1, 1);
    for (float& v : d_output) v = random.Uniform(-1, 1);
  }
  void Forward() {
    ParallelFor(kTiles, [&](int64_t tile, int) {
      ops::MlpForward(shape, parameters.data(), Input(tile), At(output, shape.output, tile));
    });
  }
  void ForwardBackward() {
    slots.Fill(0);
    ParallelFor(kSlots, [&](int64_t slot, int worker) {
      for (int64_t tile = slot * kTiles / kSlots; tile < (slot + 1) * kTiles / kSlots; ++tile) {
        ops::MlpForward(shape, parameters.data(), Input(tile), At(output, shape.output, tile),
                        &tapes[worker]);
        ops::MlpBackward(shape, parameters.data(), Input(tile), tapes[worker],
                         {At(d_output, shape.output, tile), slots.data() + slot * parameters.size(),
                          At(d_input, shape.input, tile)});
      }
    });
    d_parameters.Fill(0);
    for (int slot = 0; slot < kSlots; ++slot) {
      for (size_t i = 0; i < parameters.size(); ++i) d_parameters[i] += slots[slot * parameters.size() + i];
    }
  }
  ops::MlpInput Input(int64_t tile) {
    return {At(input, shape.input, tile), ops::kTileStride, ops::kTileColumns};
  }
  static float* At(Buffer<float>& rows, int channels, int64_t tile) {
    return rows.data() + tile * channels * ops::kTileStride;
  }
};

// [rows][channels] from our tiles.
at::Tensor FromTiles(const Buffer<float>& tiles, int channels) {
  at::Tensor tensor = at::empty({kRows, channels}, at::kFloat);
  float* to = tensor.data_ptr<float>();
  for (int64_t i = 0; i < kRows; ++i) {
    for (int c = 0; c < channels; ++c) {
      to[i * channels + c] =
          tiles[(i / ops::kTileColumns * channels + c) * ops::kTileStride + i % ops::kTileColumns];
    }
  }
  return tensor;
}

// Root mean square of the difference over that of `b`: a hidden unit at zero may fall to either side.
double Difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).square().mean() / b.square().mean()).sqrt().item<double>();
}

// The best this run has seen: other work on the machine can only lower it.
double Peak() {
  static double best = 0;
  best = std::max(best, MultiplyAddRate());
  return best;
}

struct Twin {
  twin::Mlp mlp;
  at::Tensor input, d_output;

  Twin(const Ours& ours) {
    const ops::MlpShape& s = ours.shape;
    const float* from = ours.parameters.data();
    for (int l = 0; l <= s.num_hidden; ++l) {
      const int in = l == 0 ? s.input : s.hidden, out = l == s.num_hidden ? s.output : s.hidden;
      at::Tensor weight = at::empty({out, in}, at::kFloat);
      std::copy_n(from, weight.numel(), weight.data_ptr<float>());
      from += weight.numel();
      mlp.weights.push_back(weight);
      mlp.d_weights.push_back(at::zeros_like(weight));
      mlp.values.push_back(at::zeros({kRows, out}, at::kFloat));
    }
    mlp.d_input = at::zeros({kRows, s.input}, at::kFloat);
    input = FromTiles(ours.input, s.input);
    d_output = FromTiles(ours.d_output, s.output);
  }
};

void RunShape(Table& table, const ops::MlpShape& shape, bool asked) {
  Ours ours(shape);
  Twin twin(ours);
  const std::string name =
      fmt::format("{}-{}x{}-{}, 2^17", shape.input, shape.hidden, shape.num_hidden, shape.output) +
      (shape.bfloat16 ? ", bf16" : "");
  const double tolerance = shape.bfloat16 ? 0.1 : 1e-3;
  Peak();
  double flops = 0;
  for (const at::Tensor& w : twin.mlp.weights) flops += 2.0 * static_cast<double>(w.numel()) * kRows;

  Contest forward{[&] { ours.Forward(); }, {}};
  Contest both{[&] { ours.ForwardBackward(); }, {}};
  for (const int64_t chunk : {int64_t{0}, int64_t{1} << 14, int64_t{1} << 11}) {
    forward.twins.push_back([&, chunk] { twin::MlpForward(twin.mlp, twin.input, chunk); });
    both.twins.push_back([&, chunk] {
      twin::MlpForward(twin.mlp, twin.input, chunk);
      twin::MlpBackward(twin.mlp, twin.input, twin.d_output, chunk);
    });
  }
  const Times f = Race(forward, table.seconds());
  Line line{.op = "mlp forward", .work = name, .ours = f.ours, .twin = f.twin, .limit_name = "FMA peak"};
  line.limit = flops / Peak();
  line.ask_limit = asked ? 1 / 0.85 : 0;
  line.difference = Difference(FromTiles(ours.output, shape.output), twin.mlp.values.back());
  table.Add(line, tolerance);

  const Times b = Race(both, table.seconds());
  line.op = "mlp forward+backward";
  line.ours = b.ours, line.twin = b.twin;
  line.limit = 3 * flops / Peak();
  at::Tensor d_parameters = at::empty({static_cast<int64_t>(ours.d_parameters.size())}, at::kFloat);
  std::copy_n(ours.d_parameters.data(), ours.d_parameters.size(), d_parameters.data_ptr<float>());
  std::vector<at::Tensor> flat;
  for (const at::Tensor& d : twin.mlp.d_weights) flat.push_back(d.view(-1));
  line.difference = std::max(Difference(FromTiles(ours.d_input, shape.input), twin.mlp.d_input),
                             Difference(d_parameters, at::cat(flat)));
  table.Add(line, tolerance);
}

}  // namespace

void MlpKernels(Table& table) {
  if (!table.Wants("mlp")) return;
  RunShape(table, {.input = 32, .hidden = 64, .num_hidden = 2, .output = 16}, true);
  if (ops::MlpHasBfloat16()) {
    RunShape(table, {.input = 32, .hidden = 64, .num_hidden = 2, .output = 16, .bfloat16 = true}, true);
  }
  for (const int width : {16, 32, 48, 96, 100, 128, 192, 256}) {
    RunShape(table, {.input = 32, .hidden = width, .num_hidden = 2, .output = 16}, false);
  }
}

}  // namespace semfield::bench
