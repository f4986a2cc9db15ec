#pragma once

// Stand-ins for tests of the feature field.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/field/analytic_field_test_util.h"
#include "semfield/methods/feature_field/teacher_stream.h"
#include "semfield/ops/tile.h"

namespace semfield {

// A view whose every token has a few samples around a random point, and a target that is a fixed smooth
// function of the point for every channel.
inline std::shared_ptr<TeacherEntry> RandomEntry(int64_t index, int grid, int channels, int extra_rows,
                                                 int pixel_rows = 0) {
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  const int tokens = grid * grid;
  TokenInputs& inputs = entry->inputs;
  inputs.num_tokens = tokens;
  Random random(99, static_cast<uint64_t>(index));
  inputs.samples.ray_begin.push_back(0);
  entry->target.resize(static_cast<size_t>(channels) * tokens);
  inputs.extras.resize(static_cast<size_t>(extra_rows) * tokens);
  for (float& extra : inputs.extras) extra = random.Uniform(-1, 1);
  inputs.pixels.resize(static_cast<size_t>(pixel_rows) * tokens);
  for (float& pixel : inputs.pixels) pixel = random.Uniform(-0.5f, 0.5f);
  for (int token = 0; token < tokens; ++token) {
    const float at[3] = {random.Uniform(0.1f, 0.9f), random.Uniform(0.1f, 0.9f), random.Uniform(0.1f, 0.9f)};
    const int samples = static_cast<int>(random.Below(4));
    for (int i = 0; i < samples; ++i) {
      inputs.samples.x.push_back(at[0] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.y.push_back(at[1] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.z.push_back(at[2] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.weight.push_back(1.0f / static_cast<float>(samples));
    }
    inputs.samples.ray_begin.push_back(static_cast<int32_t>(inputs.samples.x.size()));
    for (int channel = 0; channel < channels; ++channel) {
      const float value = samples == 0 ? 0 : std::sin(4 * at[channel % 3] + static_cast<float>(channel));
      entry->target[static_cast<size_t>(channel) * tokens + token] = FloatToHalf(value);
    }
  }
  return entry;
}

}  // namespace semfield
