#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/methods/laser/class_texts.h"
#include "semfield/methods/laser/laser_options.h"
#include "semfield/methods/laser/matrix_tape.h"

namespace semfield {

// The small matrices that Laser learns beside the field, one after the other in one block of numbers.
class LaserMatrices {
 public:
  enum Name {
    kAdapterQuery,
    kAdapterKey,
    kAdapterValue,
    kAdapterUp,  // low-rank self-attention
    kSqueeze,
    kSqueezeBias,
    kExpand,
    kExpandBias,  // and the bottleneck after it
    kQuery,
    kKey,
    kValue,
    kTokens,
    kUp,  // low-rank transient query attention
    kCount
  };
  LaserMatrices(const LaserOptions& options, int channels);

  size_t num_parameters() const { return offsets_.back(); }
  void Initialize(Random& random, float* parameters) const;
  Matrix Get(const float* parameters, Name name) const;
  // Adds a matrix of derivatives to the block's.
  void AddGradient(Name name, const Matrix& gradient, float* d_parameters) const;

 private:
  std::array<std::pair<int, int>, kCount> shapes_;  // rows, columns
  std::array<size_t, kCount + 1> offsets_{};
};

// What is remembered over steps without being learned by gradients.
struct LaserMemory {
  float center_in = 0, center_out = 0;  // moving means of what enters and what leaves the adapter
  Matrix table;  // [memory tokens, rank] moving mean of what the query attention's tokens gather from a view
};

// Laser's losses of one view. The paper's equations are not public: all of this is reconstructed from its
// abstract and captions (docs/methods/laser.md says which part is which).
class LaserTape {
 public:
  using Id = MatrixTape::Id;
  LaserTape(const LaserOptions& options, const LaserMatrices& matrices, const float* parameters,
            const LaserMemory& memory);

  // Low-rank transient query attention, residual: S + ((A1 (A2 V)) + Q) U, where A1 = softmax(Q P^T) and
  // A2 = softmax(P K^T) runs over all tokens of the view. With from_memory the table A2 V is the remembered
  // one: what a token gets does not depend on the others.
  Id Attend(Id features, bool from_memory = false);
  // y = 0.2 (fc(a) + a) + 0.8 (x - c0) - c1, where a is low-rank self-attention over the rows with sinusoidal
  // positions.
  Id Adapt(Id features);

  struct Inputs {
    Matrix features, labels;  // [tokens, channels] of the field: features, and logits of classes
    Matrix teacher;           // [tokens, channels]
    bool after_switch = false;
  };
  // The whole loss, its parts by name, and derivatives: by the inputs of the field, and added to
  // d_parameters. `memory` is moved on.
  struct Losses {
    double all = 0;
    std::vector<std::pair<std::string, double>> parts;
    Matrix d_features, d_labels;
  };
  Losses Run(const Inputs& inputs, const ClassTexts& texts, float* d_parameters, LaserMemory* memory);

  MatrixTape& tape() { return tape_; }
  // Features shorter than this have a cosine that fades to 0: a field as first drawn is next to zero
  // everywhere. Texts are of length 1.
  static constexpr float kShortestFeature = 0.2f;

 private:
  using Weighted = std::vector<std::pair<Id, float>>;
  Id Unit(Id a) { return tape_.NormalizeRows(a, kShortestFeature); }
  Id Cosine(Id a, Id b) { return tape_.MeanDotOfRows(Unit(a), Unit(b)); }
  Id Shares(Id features, Id texts);
  void AddLabels(Id field, Id teacher, Id labels, Id texts, Weighted* losses);
  void AddTexts(Id field, Id once, Id twice, Weighted* losses);

  const LaserOptions& options_;
  const LaserMatrices& matrices_;
  const LaserMemory& memory_;
  MatrixTape tape_;
  std::array<Id, LaserMatrices::kCount> ids_{};
  Id table_ = -1;                           // that Attend made
  std::vector<std::pair<Id, Id>> adapted_;  // what entered, and what left before it was centred
};

}  // namespace semfield
