// The parts of Laser against sums written out, and the whole loss against differences.
#include "semfield/methods/laser/laser_losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace semfield {
namespace {

constexpr int kTokens = 6, kChannels = 4;

LaserOptions SmallOptions() {
  LaserOptions options;
  options.rank = 3;
  options.memory_tokens = 2;
  return options;
}

Matrix RandomMatrix(int rows, int columns, uint64_t seed, float scale = 1) {
  Matrix matrix(rows, columns);
  Random random(seed, 1);
  for (float& v : matrix.values) v = random.Uniform(-scale, scale);
  return matrix;
}

struct Toy {
  LaserOptions options = SmallOptions();
  LaserMatrices matrices{options, kChannels};
  std::vector<float> parameters = std::vector<float>(matrices.num_parameters());
  LaserMemory memory{.center_in = 0.1f, .center_out = -0.05f, .table = RandomMatrix(2, 3, 5)};
  ClassTexts texts{.once = RandomMatrix(kChannels, kChannels, 8),
                   .twice = RandomMatrix(kChannels, kChannels, 9)};

  Toy() {
    Random random(3, 1);
    for (float& value : parameters) value = random.Uniform(-0.7f, 0.7f);
  }
  Matrix Get(LaserMatrices::Name name) const { return matrices.Get(parameters.data(), name); }
};

double Dot(const Matrix& a, int row, const Matrix& b, int column) {
  double sum = 0;
  for (int k = 0; k < a.columns; ++k) sum += static_cast<double>(a.At(row, k)) * b.At(k, column);
  return sum;
}

Matrix Product(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.columns);
  for (int i = 0; i < c.rows; ++i) {
    for (int j = 0; j < c.columns; ++j) c.At(i, j) = static_cast<float>(Dot(a, i, b, j));
  }
  return c;
}

// softmax over j of <a_i, b_j>.
Matrix Shares(const Matrix& a, const Matrix& b) {
  Matrix shares(a.rows, b.rows);
  for (int i = 0; i < a.rows; ++i) {
    double sum = 0;
    for (int j = 0; j < b.rows; ++j) {
      double dot = 0;
      for (int k = 0; k < a.columns; ++k) dot += static_cast<double>(a.At(i, k)) * b.At(j, k);
      shares.At(i, j) = static_cast<float>(std::exp(dot));
      sum += std::exp(dot);
    }
    for (int j = 0; j < b.rows; ++j) shares.At(i, j) /= static_cast<float>(sum);
  }
  return shares;
}

void ExpectNear(const Matrix& a, const Matrix& b) {
  ASSERT_EQ(a.values.size(), b.values.size());
  for (size_t i = 0; i < a.values.size(); ++i) EXPECT_NEAR(a.values[i], b.values[i], 1e-4) << i;
}

TEST(LaserTape, AttentionIsTheDirectSum) {
  const Toy toy;
  const Matrix features = RandomMatrix(kTokens, kChannels, 11);
  LaserTape laser(toy.options, toy.matrices, toy.parameters.data(), toy.memory);
  const Matrix query = Product(features, toy.Get(LaserMatrices::kQuery));
  const Matrix tokens = toy.Get(LaserMatrices::kTokens);
  const Matrix table = Product(Shares(tokens, Product(features, toy.Get(LaserMatrices::kKey))),
                               Product(features, toy.Get(LaserMatrices::kValue)));
  const auto expected = [&](const Matrix& from) {
    Matrix gathered = Product(Shares(query, tokens), from);
    for (size_t i = 0; i < gathered.values.size(); ++i) gathered.values[i] += query.values[i];
    Matrix out = Product(gathered, toy.Get(LaserMatrices::kUp));
    for (size_t i = 0; i < out.values.size(); ++i) out.values[i] += features.values[i];
    return out;
  };
  ExpectNear(laser.tape().value(laser.Attend(laser.tape().Put(features))), expected(table));
  ExpectNear(laser.tape().value(laser.Attend(laser.tape().Put(features), true)), expected(toy.memory.table));
}

// By the remembered table a token's answer is the same alone and among others; by its own chunk it is not.
TEST(LaserTape, RememberedAttentionDoesNotDependOnTheOthers) {
  const Toy toy;
  const Matrix features = RandomMatrix(kTokens, kChannels, 11);
  Matrix alone(1, kChannels);
  for (int c = 0; c < kChannels; ++c) alone.At(0, c) = features.At(2, c);
  const auto answer = [&](const Matrix& rows, int row, bool from_memory) {
    LaserTape laser(toy.options, toy.matrices, toy.parameters.data(), toy.memory);
    const Matrix& out = laser.tape().value(laser.Attend(laser.tape().Put(rows), from_memory));
    return std::vector<float>(out.values.begin() + row * kChannels,
                              out.values.begin() + (row + 1) * kChannels);
  };
  EXPECT_EQ(answer(features, 2, true), answer(alone, 0, true));
  EXPECT_NE(answer(features, 2, false), answer(alone, 0, false));
}

TEST(LaserTape, AdapterIsTheDirectSum) {
  const Toy toy;
  const Matrix features = RandomMatrix(kTokens, kChannels, 12);
  Matrix placed = features;
  for (int r = 0; r < kTokens; ++r) {
    for (int c = 0; c < kChannels; ++c) {
      const double rate = std::pow(10000.0, -2.0 * (c / 2) / kChannels);
      placed.At(r, c) += static_cast<float>(c % 2 == 0 ? std::sin(r * rate) : std::cos(r * rate));
    }
  }
  const auto times = [&](LaserMatrices::Name name) { return Product(placed, toy.Get(name)); };
  const Matrix mixed =
      Product(Product(Shares(times(LaserMatrices::kAdapterQuery), times(LaserMatrices::kAdapterKey)),
                      times(LaserMatrices::kAdapterValue)),
              toy.Get(LaserMatrices::kAdapterUp));
  Matrix squeezed = Product(mixed, toy.Get(LaserMatrices::kSqueeze));
  for (int r = 0; r < kTokens; ++r) {
    for (int c = 0; c < squeezed.columns; ++c)
      squeezed.At(r, c) = std::max(0.0f, squeezed.At(r, c) + toy.Get(LaserMatrices::kSqueezeBias).At(0, c));
  }
  Matrix expected = Product(squeezed, toy.Get(LaserMatrices::kExpand));
  for (int r = 0; r < kTokens; ++r) {
    for (int c = 0; c < kChannels; ++c) {
      const float fc = expected.At(r, c) + toy.Get(LaserMatrices::kExpandBias).At(0, c);
      expected.At(r, c) = 0.2f * (fc + mixed.At(r, c)) + 0.8f * (features.At(r, c) - toy.memory.center_in) -
                          toy.memory.center_out;
    }
  }
  LaserTape laser(toy.options, toy.matrices, toy.parameters.data(), toy.memory);
  ExpectNear(laser.tape().value(laser.Adapt(laser.tape().Put(features))), expected);
}

LaserTape::Inputs ToyInputs(bool after_switch) {
  return {.features = RandomMatrix(kTokens, kChannels, 21),
          .labels = RandomMatrix(kTokens, kChannels, 22),
          .teacher = RandomMatrix(kTokens, kChannels, 23),
          .after_switch = after_switch};
}

LaserTape::Losses RunToy(const Toy& toy, const LaserTape::Inputs& inputs, std::vector<float>* gradient) {
  gradient->assign(toy.parameters.size(), 0);
  LaserMemory memory = toy.memory;
  LaserTape laser(toy.options, toy.matrices, toy.parameters.data(), toy.memory);
  return laser.Run(inputs, toy.texts, gradient->data(), &memory);
}

// Where nothing is held constant on purpose, differences of the loss are its derivatives: the label volume's
// targets and the distilled answer of the adapter are, so that those parts are checked by what moves alone.
TEST(LaserTape, DerivativesByLabelsAreThoseOfDifferences) {
  Toy toy;
  toy.options.text_augmentation = toy.options.adapter = toy.options.attention = false;
  LaserTape::Inputs inputs = ToyInputs(false);
  std::vector<float> ignored;
  const Matrix gradient = RunToy(toy, inputs, &ignored).d_labels;
  // The mean of field and teacher is the labels' target; labels are also the field's, held constant: the part
  // through that, weighed alike, is taken off.
  for (size_t i = 0; i < inputs.labels.values.size(); ++i) {
    constexpr float kStep = 2e-3f;
    const float value = inputs.labels.values[i];
    const auto part = [&](float at) {
      inputs.labels.values[i] = at;
      MatrixTape tape;
      const auto labels = tape.SoftmaxOfRows(tape.Put(inputs.labels));
      const auto share = [&](const Matrix& rows) {
        const auto unit = tape.NormalizeRows(tape.Put(rows), LaserTape::kShortestFeature);
        return tape.SoftmaxOfRows(tape.Scale(tape.MultiplyTransposed(unit, tape.Put(toy.texts.once)),
                                             static_cast<float>(1 / toy.options.temperature)));
      };
      const auto mean = tape.Scale(tape.Add(share(inputs.features), share(inputs.teacher)), 0.5f);
      return toy.options.label_weight / 3 * tape.value(tape.CrossEntropy(mean, labels)).values[0];
    };
    const double difference = (part(value + kStep) - part(value - kStep)) / (2 * kStep);
    inputs.labels.values[i] = value;
    EXPECT_NEAR(gradient.values[i], difference, 1e-3) << i;
  }
}

TEST(LaserTape, DerivativesByFeaturesAndMatricesAreThoseOfDifferences) {
  for (const bool after_switch : {false, true}) {
    Toy toy;
    toy.options.label_volume = false;
    LaserTape::Inputs inputs = ToyInputs(after_switch);
    std::vector<float> gradient, ignored;
    const LaserTape::Losses losses = RunToy(toy, inputs, &gradient);
    constexpr float kStep = 2e-3f;
    for (size_t i = 0; i < inputs.features.values.size(); ++i) {
      float& value = inputs.features.values[i];
      const float before = value;
      value = before + kStep;
      const double more = RunToy(toy, inputs, &ignored).all;
      value = before - kStep;
      const double less = RunToy(toy, inputs, &ignored).all;
      value = before;
      EXPECT_NEAR(losses.d_features.values[i], (more - less) / (2 * kStep), 5e-3) << after_switch << " " << i;
    }
    // The query attention's matrices; the adapter's answer is also the field's target, held constant.
    size_t first = 0;
    for (int name = 0; name < LaserMatrices::kQuery; ++name)
      first += toy.Get(static_cast<LaserMatrices::Name>(name)).values.size();
    for (size_t i = first; i < toy.parameters.size(); ++i) {
      const float before = toy.parameters[i];
      toy.parameters[i] = before + kStep;
      const double more = RunToy(toy, inputs, &ignored).all;
      toy.parameters[i] = before - kStep;
      const double less = RunToy(toy, inputs, &ignored).all;
      toy.parameters[i] = before;
      EXPECT_NEAR(gradient[i], (more - less) / (2 * kStep), 5e-3) << after_switch << " " << i;
    }
  }
}

TEST(LaserTape, PartsCanBeSwitchedOff) {
  Toy toy;
  toy.options.adapter = toy.options.attention = toy.options.label_volume = false;
  toy.options.text_augmentation = false;
  std::vector<float> gradient;
  const LaserTape::Losses losses = RunToy(toy, ToyInputs(true), &gradient);
  ASSERT_EQ(losses.parts.size(), 1u);
  EXPECT_EQ(losses.parts[0].first, "distil");
  for (const float value : gradient) EXPECT_EQ(value, 0);
  const LaserTape::Inputs inputs = ToyInputs(true);
  double sum = 0;
  for (int r = 0; r < kTokens; ++r) {
    double dot = 0, aa = 0, bb = 0;
    for (int c = 0; c < kChannels; ++c) {
      dot += inputs.features.At(r, c) * inputs.teacher.At(r, c);
      aa += inputs.features.At(r, c) * inputs.features.At(r, c);
      bb += inputs.teacher.At(r, c) * inputs.teacher.At(r, c);
    }
    sum += dot / std::sqrt(aa * bb);
  }
  EXPECT_NEAR(losses.all, -sum / kTokens, 1e-5);
}

TEST(LaserTape, TheMemoryMoves) {
  const Toy toy;
  LaserMemory memory = toy.memory;
  std::vector<float> gradient(toy.parameters.size());
  LaserTape laser(toy.options, toy.matrices, toy.parameters.data(), toy.memory);
  const LaserTape::Inputs inputs = ToyInputs(false);
  laser.Run(inputs, toy.texts, gradient.data(), &memory);
  double mean = 0;
  for (const float value : inputs.teacher.values) mean += value / inputs.teacher.values.size();
  EXPECT_NEAR(memory.center_in, 0.9 * toy.memory.center_in + 0.1 * mean, 1e-6);
  EXPECT_NE(memory.center_out, toy.memory.center_out);
  EXPECT_NE(memory.table.values, toy.memory.table.values);
}

}  // namespace
}  // namespace semfield
