#include "semfield/methods/laser/laser_model.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr size_t kStride = ops::kTileStride;

size_t MemorySize(const LaserOptions& options) {
  return 2 + static_cast<size_t>(options.memory_tokens) * options.rank;
}

}  // namespace

LaserModel::LaserModel(const LaserOptions& options, const std::string& encoder, int num_classes)
    : options_(options),
      encoder_(encoder),
      channels_(num_classes),
      layout_(SemanticGridLayout(options)),
      head_(options, layout_.num_features(), 2 * num_classes),
      matrices_(options, num_classes),
      grid_(MakeSemanticGrid(options, layout_)),
      head_parameters_("head", {static_cast<int64_t>(head_.num_parameters())}),
      matrix_parameters_("laser", {static_cast<int64_t>(matrices_.num_parameters())}),
      texts_("texts", {2, num_classes, num_classes}),
      memory_("memory", {static_cast<int64_t>(MemorySize(options))}) {
  Random head_random(options.seed, 12), matrix_random(options.seed, 13);
  head_.Initialize(head_random, head_parameters_.values.data());
  matrices_.Initialize(matrix_random, matrix_parameters_.values.data());
}

void LaserModel::SetTexts(const ClassTexts& texts) {
  const size_t size = texts.once.values.size();
  SF_CHECK_EQ(2 * size, texts_.size());
  std::copy(texts.once.values.begin(), texts.once.values.end(), texts_.values.data());
  std::copy(texts.twice.values.begin(), texts.twice.values.end(), texts_.values.data() + size);
}

ClassTexts LaserModel::Texts() const {
  ClassTexts texts{.once = Matrix(channels_, channels_), .twice = Matrix(channels_, channels_)};
  const size_t size = texts.once.values.size();
  std::copy_n(texts_.values.data(), size, texts.once.values.begin());
  std::copy_n(texts_.values.data() + size, size, texts.twice.values.begin());
  return texts;
}

LaserMemory LaserModel::Memory() const {
  LaserMemory memory{.center_in = memory_.values[0],
                     .center_out = memory_.values[1],
                     .table = Matrix(options_.memory_tokens, options_.rank)};
  std::copy_n(memory_.values.data() + 2, memory.table.values.size(), memory.table.values.begin());
  return memory;
}

void LaserModel::SetMemory(const LaserMemory& memory) {
  memory_.values[0] = memory.center_in;
  memory_.values[1] = memory.center_out;
  std::copy(memory.table.values.begin(), memory.table.values.end(), memory_.values.data() + 2);
}

void LaserModel::Compose(const TokenInputs& inputs, Buffer<float>* rows) const {
  rows->ResizeUninitialized(NumTokenTiles(inputs) * static_cast<size_t>(head_.input_rows()) * kStride);
  ComposeSemantics(layout_, grid_, inputs, head_.input_rows(), rows->data());
}

LaserModel::Answer LaserModel::Features(const Buffer<float>& rows, int num_tokens) const {
  Answer answer{.features = Matrix(num_tokens, channels_), .labels = Matrix(num_tokens, channels_)};
  const int tiles = (num_tokens + ops::kTileColumns - 1) / ops::kTileColumns;
  ParallelFor(tiles, [&](int64_t tile, int) {
    thread_local FeatureHead::Workspace work;
    thread_local Buffer<float> output;
    output.ResizeUninitialized(static_cast<size_t>(2 * channels_) * kStride);
    const int first = static_cast<int>(tile) * ops::kTileColumns;
    const int columns = std::min(ops::kTileColumns, num_tokens - first);
    head_.Forward(head_parameters_.values.data(), rows.data() + tile * head_.input_rows() * kStride, columns,
                  work, output.data());
    for (int c = 0; c < channels_; ++c) {
      for (int i = 0; i < columns; ++i) {
        answer.features.At(first + i, c) = output[c * kStride + i];
        answer.labels.At(first + i, c) = output[(channels_ + c) * kStride + i];
      }
    }
  });
  return answer;
}

Matrix LaserModel::Classes(const TokenInputs& inputs) const {
  Buffer<float> rows;
  Compose(inputs, &rows);
  const LaserMemory memory = Memory();
  LaserTape laser(options_, matrices_, matrix_parameters_.values.data(), memory);
  MatrixTape& tape = laser.tape();
  MatrixTape::Id features = tape.Put(Features(rows, inputs.num_tokens).features);
  if (options_.attention) features = laser.Attend(features, /*from_memory=*/true);
  const MatrixTape::Id cosines = tape.MultiplyTransposed(
      tape.NormalizeRows(features, LaserTape::kShortestFeature), tape.Put(Texts().once));
  return tape.value(tape.SoftmaxOfRows(tape.Scale(cosines, static_cast<float>(1 / options_.temperature))));
}

FeatureMap LaserModel::Render(const RadianceField& radiance, const Camera& square,
                              const Pose& world_from_camera, const StopToken* stop) const {
  FeatureOptions one_ray = options_;
  one_ray.token_rays = 1;
  const Matrix classes =
      Classes(MakeTokenInputs(radiance, square, world_from_camera, kRenderedGrid, one_ray, stop));
  FeatureMap map{channels_, kRenderedGrid, kRenderedGrid, {}, encoder_};
  map.data.resize(classes.values.size());
  for (int c = 0; c < channels_; ++c) {
    for (int i = 0; i < classes.rows; ++i)
      map.data[static_cast<size_t>(c) * classes.rows + i] = classes.At(i, c);
  }
  return map;
}

std::vector<TensorView> LaserModel::Tensors() const {
  return {grid_.ValueTensor(), head_parameters_.ValueTensor(), matrix_parameters_.ValueTensor(),
          texts_.ValueTensor(), memory_.ValueTensor()};
}

void LaserModel::LoadTensors(const SafetensorsFile& file) {
  for (Parameter* parameter : {&grid_, &head_parameters_, &matrix_parameters_, &texts_, &memory_})
    parameter->LoadValues(file);
}

}  // namespace semfield
