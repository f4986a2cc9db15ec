#include "semfield/methods/laser/laser_losses.h"

#include <algorithm>
#include <cmath>

namespace semfield {
namespace {

constexpr float kMixed = 0.2f;     // of the adapter's answer, that went through the attention
constexpr float kMomentum = 0.9f;  // of moving means
constexpr float kSelfPairs = 0.3f, kCrossPairs = 0.7f;

float MeanOf(const Matrix& matrix) {
  double sum = 0;
  for (const float v : matrix.values) sum += v;
  return static_cast<float>(sum / static_cast<double>(std::max<size_t>(1, matrix.values.size())));
}

// Of the row's number: sine and cosine in turn, over wave lengths from 2 pi to 2 pi 10,000.
Matrix Positions(int rows, int columns) {
  Matrix positions(rows, columns);
  for (int c = 0; c < columns; ++c) {
    const double rate = std::pow(10000.0, -2.0 * (c / 2) / columns);
    for (int r = 0; r < rows; ++r)
      positions.At(r, c) = static_cast<float>(c % 2 == 0 ? std::sin(r * rate) : std::cos(r * rate));
  }
  return positions;
}

}  // namespace

LaserMatrices::LaserMatrices(const LaserOptions& options, int channels) {
  const int rank = options.rank, squeezed = std::max(1, channels / 2);
  shapes_ = {{{channels, rank},
              {channels, rank},
              {channels, rank},
              {rank, channels},
              {channels, squeezed},
              {1, squeezed},
              {squeezed, channels},
              {1, channels},
              {channels, rank},
              {channels, rank},
              {channels, rank},
              {options.memory_tokens, rank},
              {rank, channels}}};
  for (int i = 0; i < kCount; ++i)
    offsets_[i + 1] = offsets_[i] + static_cast<size_t>(shapes_[i].first) * shapes_[i].second;
}

void LaserMatrices::Initialize(Random& random, float* parameters) const {
  for (int i = 0; i < kCount; ++i) {
    // What leads back into the features begins near nothing, so that training begins at the plain field.
    const bool is_out = i == kUp || i == kExpand, is_bias = i == kSqueezeBias || i == kExpandBias;
    const float bound =
        is_bias ? 0.0f : (is_out ? 0.1f : 1.0f) / std::sqrt(static_cast<float>(shapes_[i].first));
    for (size_t k = offsets_[i]; k < offsets_[i + 1]; ++k) parameters[k] = random.Uniform(-bound, bound);
  }
}

Matrix LaserMatrices::Get(const float* parameters, Name name) const {
  Matrix matrix(shapes_[name].first, shapes_[name].second);
  std::copy_n(parameters + offsets_[name], matrix.values.size(), matrix.values.begin());
  return matrix;
}

void LaserMatrices::AddGradient(Name name, const Matrix& gradient, float* d_parameters) const {
  for (size_t k = 0; k < gradient.values.size(); ++k) d_parameters[offsets_[name] + k] += gradient.values[k];
}

LaserTape::LaserTape(const LaserOptions& options, const LaserMatrices& matrices, const float* parameters,
                     const LaserMemory& memory)
    : options_(options), matrices_(matrices), memory_(memory) {
  for (int i = 0; i < LaserMatrices::kCount; ++i)
    ids_[i] = tape_.Put(matrices.Get(parameters, static_cast<LaserMatrices::Name>(i)));
}

MatrixTape::Id LaserTape::Attend(Id features, bool from_memory) {
  const Id query = tape_.Multiply(features, ids_[LaserMatrices::kQuery]);
  const Id tokens = ids_[LaserMatrices::kTokens];
  const Id of_tokens = tape_.SoftmaxOfRows(tape_.MultiplyTransposed(query, tokens));  // A1
  if (from_memory) {
    table_ = tape_.Put(memory_.table);
  } else {
    const Id key = tape_.Multiply(features, ids_[LaserMatrices::kKey]);
    const Id value = tape_.Multiply(features, ids_[LaserMatrices::kValue]);
    table_ = tape_.Multiply(tape_.SoftmaxOfRows(tape_.MultiplyTransposed(tokens, key)), value);  // A2 V
  }
  const Id gathered = tape_.Add(tape_.Multiply(of_tokens, table_), query);
  return tape_.Add(features, tape_.Multiply(gathered, ids_[LaserMatrices::kUp]));
}

MatrixTape::Id LaserTape::Adapt(Id features) {
  const Matrix& in = tape_.value(features);
  const Id placed = tape_.Add(features, tape_.Put(Positions(in.rows, in.columns)));
  const Id query = tape_.Multiply(placed, ids_[LaserMatrices::kAdapterQuery]);
  const Id key = tape_.Multiply(placed, ids_[LaserMatrices::kAdapterKey]);
  const Id value = tape_.Multiply(placed, ids_[LaserMatrices::kAdapterValue]);
  const Id shares = tape_.SoftmaxOfRows(tape_.MultiplyTransposed(query, key));
  const Id mixed = tape_.Multiply(tape_.Multiply(shares, value), ids_[LaserMatrices::kAdapterUp]);
  const Id squeezed = tape_.Relu(
      tape_.AddRow(tape_.Multiply(mixed, ids_[LaserMatrices::kSqueeze]), ids_[LaserMatrices::kSqueezeBias]));
  const Id expanded =
      tape_.AddRow(tape_.Multiply(squeezed, ids_[LaserMatrices::kExpand]), ids_[LaserMatrices::kExpandBias]);
  const Id centered = tape_.Shift(features, -memory_.center_in);
  const Id out =
      tape_.Add(tape_.Scale(tape_.Add(expanded, mixed), kMixed), tape_.Scale(centered, 1 - kMixed));
  adapted_.emplace_back(features, out);
  return tape_.Shift(out, -memory_.center_out);
}

MatrixTape::Id LaserTape::Shares(Id features, Id texts) {
  const Id cosines = tape_.MultiplyTransposed(Unit(features), texts);
  return tape_.SoftmaxOfRows(tape_.Scale(cosines, static_cast<float>(1 / options_.temperature)));
}

// Field, teacher and label volume say how each token's share of the classes is; field and labels learn from
// the mean of field and teacher, and from each other.
void LaserTape::AddLabels(Id field, Id teacher, Id labels, Id texts, Weighted* losses) {
  const Id of_field = Shares(field, texts), of_labels = tape_.SoftmaxOfRows(labels);
  const Id mean =
      tape_.Constant(tape_.Scale(tape_.Add(of_field, Shares(tape_.Constant(teacher), texts)), 0.5f));
  const auto weight = static_cast<float>(options_.label_weight / 3);
  losses->emplace_back(tape_.CrossEntropy(mean, of_field), weight);
  losses->emplace_back(tape_.CrossEntropy(mean, of_labels), weight);
  losses->emplace_back(tape_.CrossEntropy(tape_.Constant(of_labels), of_field), weight);
}

// The map of each class by its name alike to that by its name said twice, standardised.
void LaserTape::AddTexts(Id field, Id once, Id twice, Weighted* losses) {
  const Id unit = Unit(field);
  const Id plain = tape_.Transpose(tape_.MultiplyTransposed(unit, once));
  const Id repeated = tape_.Transpose(tape_.StandardizeColumns(tape_.MultiplyTransposed(unit, twice)));
  losses->emplace_back(Cosine(plain, repeated), static_cast<float>(-options_.text_weight));
}

LaserTape::Losses LaserTape::Run(const Inputs& inputs, const ClassTexts& texts, float* d_parameters,
                                 LaserMemory* memory) {
  const Id features = tape_.Put(inputs.features), labels = tape_.Put(inputs.labels);
  const Id teacher = tape_.Put(inputs.teacher), once = tape_.Put(texts.once), twice = tape_.Put(texts.twice);
  const Id field = options_.attention ? Attend(features) : features;
  const Id adapted = options_.adapter ? Adapt(teacher) : teacher;
  Weighted distil = {{Cosine(tape_.Constant(adapted), field), -1}}, self, label, text;
  if (options_.adapter) {
    const auto weight = static_cast<float>(options_.self_weight);
    if (inputs.after_switch && options_.self_cross) {
      const Id adapted_field = Adapt(field);
      self.emplace_back(Cosine(adapted, teacher), -weight * kSelfPairs / 2);
      self.emplace_back(Cosine(adapted_field, field), -weight * kSelfPairs / 2);
      self.emplace_back(Cosine(adapted, field), -weight * kCrossPairs / 2);
      self.emplace_back(Cosine(adapted_field, teacher), -weight * kCrossPairs / 2);
    } else {
      self.emplace_back(Cosine(adapted, teacher), -weight);
    }
  }
  if (options_.label_volume) AddLabels(field, teacher, labels, once, &label);
  if (options_.text_augmentation) AddTexts(field, once, twice, &text);
  Losses losses;
  Weighted all;
  for (const auto& [name, part] :
       {std::pair{"distil", &distil}, {"self", &self}, {"label", &label}, {"text", &text}}) {
    if (part->empty()) continue;
    const Id sum = tape_.Sum(*part);
    losses.parts.emplace_back(name, tape_.value(sum).values[0]);
    all.emplace_back(sum, 1.0f);
  }
  const Id loss = tape_.Sum(all);
  tape_.Backward(loss);
  losses.all = tape_.value(loss).values[0];
  losses.d_features = tape_.gradient(features);
  losses.d_labels = tape_.gradient(labels);
  for (int i = 0; i < LaserMatrices::kCount; ++i)
    matrices_.AddGradient(static_cast<LaserMatrices::Name>(i), tape_.gradient(ids_[i]), d_parameters);
  const auto move = [](float* mean, float now) { *mean = kMomentum * *mean + (1 - kMomentum) * now; };
  for (const auto& [in, out] : adapted_) {
    move(&memory->center_in, MeanOf(tape_.value(in)));
    move(&memory->center_out, MeanOf(tape_.value(out)));
  }
  if (table_ >= 0) {
    const Matrix& table = tape_.value(table_);
    for (size_t i = 0; i < table.values.size(); ++i) move(&memory->table.values[i], table.values[i]);
  }
  return losses;
}

}  // namespace semfield
