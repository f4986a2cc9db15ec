#pragma once

#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/field/class_field.h"
#include "semfield/methods/feature_field/feature_head.h"
#include "semfield/methods/feature_field/semantic_grid.h"
#include "semfield/methods/laser/laser_losses.h"

namespace semfield {

// A field of language features (Laser) on our hash grid: composited E_sem of a token and a head give
// [channels] features and [channels] logits of the label volume, channels being the number of classes, whose
// texts span the features' space.
class LaserModel : public ClassField {
 public:
  LaserModel(const LaserOptions& options, const std::string& encoder, int num_classes);

  const LaserOptions& options() const { return options_; }
  void set_steps(int steps) { options_.steps = steps; }  // of a training that was planned anew
  const std::string& encoder() const override { return encoder_; }
  int num_classes() const override { return channels_; }
  int resolution() const override { return options_.teacher_resolution; }
  // softmax(cos(feature, text) / temperature) of kRenderedGrid tokens a side, with the query attention's
  // remembered table: a token's answer does not depend on the others.
  FeatureMap Render(const RadianceField& radiance, const Camera& square, const Pose& world_from_camera,
                    const StopToken* stop = nullptr) const override;
  static constexpr int kRenderedGrid = 128;
  // The same of any tokens, as a row for each.
  Matrix Classes(const TokenInputs& inputs) const;

  const ops::HashGridLayout& layout() const { return layout_; }
  const FeatureHead& head() const { return head_; }
  const LaserMatrices& matrices() const { return matrices_; }
  Parameter& grid() { return grid_; }
  Parameter& head_parameters() { return head_parameters_; }
  Parameter& matrix_parameters() { return matrix_parameters_; }
  const Parameter& grid() const { return grid_; }
  const Parameter& head_parameters() const { return head_parameters_; }
  const Parameter& matrix_parameters() const { return matrix_parameters_; }
  // The classes' texts and the memory; what is told of them goes into checkpoints.
  void SetTexts(const ClassTexts& texts);
  ClassTexts Texts() const;
  LaserMemory Memory() const;
  void SetMemory(const LaserMemory& memory);

  // Composited E_sem of every token, [tile][head().input_rows()][kTileStride], and the head's answer to it.
  void Compose(const TokenInputs& inputs, Buffer<float>* rows) const;
  struct Answer {
    Matrix features, labels;  // [tokens, channels]
  };
  Answer Features(const Buffer<float>& rows, int num_tokens) const;

  std::vector<TensorView> Tensors() const;
  void LoadTensors(const SafetensorsFile& file);

 private:
  LaserOptions options_;
  std::string encoder_;
  int channels_;
  ops::HashGridLayout layout_;
  FeatureHead head_;
  LaserMatrices matrices_;
  Parameter grid_, head_parameters_, matrix_parameters_;
  Parameter texts_;   // once, twice
  Parameter memory_;  // both centres, then the table
};

}  // namespace semfield
