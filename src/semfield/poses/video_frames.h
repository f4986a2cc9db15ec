#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"

namespace semfield {

// Takes the sharpest frame of each of `num_frames` equal stretches of a video (all frames if it has fewer)
// into `folder`, as frame_000123.jpg with the frame's number in the video, the way a player shows it (turned
// as the file says). Two passes of ffmpeg, which must be in PATH (else ResourceError): one looks at every
// frame's sharpness, one writes the chosen ones. Returns the names in order. What was in `folder` is
// replaced. Progress: stages "sharpness" and "frames". A video that ffmpeg cannot read: Error with what it
// said.
std::vector<std::string> TakeFrames(const std::filesystem::path& video, const std::filesystem::path& folder,
                                    int num_frames, const JobControl& control);

// The index of the largest value in each of `count` equal stretches, the first of equals; all indices if
// there are no more values than that.
std::vector<size_t> SharpestOfEach(const std::vector<double>& sharpness, int count);

// Takes grey pictures out of a stream of binary PGM files one after another, as they come. Anything else in
// the stream, or pictures over 2^24 pixels: Error.
class PgmStream {
 public:
  explicit PgmStream(std::function<void(const ImageU8&)> on_picture) : on_picture_(std::move(on_picture)) {}
  void Add(std::string_view bytes);

 private:
  bool ReadHeader();

  std::function<void(const ImageU8&)> on_picture_;
  std::string header_;
  ImageU8 picture_;    // being filled
  size_t filled_ = 0;  // bytes of it
};

}  // namespace semfield
