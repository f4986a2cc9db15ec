#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/perception/feature_map.h"
#include "semfield/perception/image_encoder.h"

namespace semfield {

// What a teacher's encoder says of the photos of a capture, kept in files: 2 MiB a photo for SAM, in half
// precision. A photo is encoded when it is first asked about; a file that belongs to another photo or another
// encoder, or is damaged, is made again.
class PhotoEmbeddings {
 public:
  // `folder` is made when the first file is written. load_encoder is called when the first photo has to be
  // encoded. The capture must outlive this object.
  PhotoEmbeddings(const Capture& capture, std::filesystem::path folder, const ModelCard& card,
                  std::function<std::unique_ptr<ImageEncoder>()> load_encoder);

  // [channels, grid, grid] of Capture::views[view], of the photo as it is: longest side scaled, padding at
  // the bottom and the right. Disk full: ErrorKind::kResource, and the files that are there stay.
  FeatureMap Get(int view, const StopToken* stop = nullptr);
  // Whether Get would have to encode.
  bool IsMissing(int view) const;
  int num_encoded() const { return num_encoded_; }  // by this object

 private:
  std::filesystem::path FileOf(int view) const;
  std::string KeyOf(int view) const;  // of the photo's bytes and the encoder

  const Capture& capture_;
  const std::filesystem::path folder_;
  const ModelCard card_;
  const std::function<std::unique_ptr<ImageEncoder>()> load_encoder_;
  std::unique_ptr<ImageEncoder> encoder_;
  int num_encoded_ = 0;
};

}  // namespace semfield
