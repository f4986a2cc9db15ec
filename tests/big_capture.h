#pragma once

#include <filesystem>

namespace semfield {

struct BigCaptureOptions {
  int frames = 100;
  int pictures = 4;  // distinct JPEGs; frames are further names of them, with their poses
  int width = 1920;
  int height = 1080;
};

// Writes a capture (images/NNNNN.jpg, transforms.json) as large as real ones get, in seconds: pictures of the
// synthetic room, enlarged, with noise so that they cost as much to decode as photos. For tests and
// scripts/bench_big_capture.sh. `folder` must not exist.
void WriteBigCapture(const BigCaptureOptions& options, const std::filesystem::path& folder);

}  // namespace semfield
