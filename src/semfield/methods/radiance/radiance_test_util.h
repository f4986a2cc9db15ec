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
