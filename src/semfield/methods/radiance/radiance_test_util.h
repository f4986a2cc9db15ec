#pragma once

// Small captures and models for tests.

#include <memory>
#include <vector>

#include "semfield/base/test_folder.h"
#include "semfield/base/test_threads.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/reader.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {

// A synthetic capture on disk, read again; gone with this object.
struct TestCapture {
  explicit TestCapture(const SyntheticOptions& options) : options(options) {
    WriteSynthetic(options, folder / "capture");
    capture = ReadCapture((folder / "capture").string(), {});
    store = std::make_unique<ImageStore>(capture);
  }
  TestFolder folder;
  SyntheticOptions options;
  Capture capture;
  std::unique_ptr<ImageStore> store;
};

// Values for what only a capture could decide, where a test has none.
inline RadianceOptions WithoutCapture(RadianceOptions options) {
  const auto fill = [](auto& field, auto value) {
    if (!field) field = value;
  };
  fill(options.steps_across, 128.0);
  fill(options.cone_angle, 0.0);
  fill(options.stop_optical_depth, 0.0);
  fill(options.coarse_phases, 1);
  fill(options.distortion, 0.0);
  fill(options.density_bias, 0.0);
  fill(options.background, Background::kBlack);
  fill(options.surroundings, Surroundings::kScene);
  return options;
}

// Options of a field that trains in seconds.
inline RadianceOptions SmallRadianceOptions(int steps) {
  RadianceOptions options;
  options.log2_table_size = 14;
  options.finest_resolution = 256;
  options.hidden = 32;
  options.occupancy_resolution = 32;
  options.samples_per_step = 16384;
  options.steps_across = 128;
  options.coarse_phases = 2;
  options.phase_steps = 40;
  options.warmup_steps = 5;
  options.steps = steps;
  return options;
}

// All bytes of all tensors, one after another.
inline std::vector<std::byte> BytesOf(const std::vector<TensorView>& tensors) {
  std::vector<std::byte> bytes;
  for (const TensorView& tensor : tensors) bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  return bytes;
}

}  // namespace semfield
