#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/perception/dense_encoder.h"

namespace semfield {

// Name of what is no model: the label maps that the capture itself has.
inline constexpr const char* kLabelsOfCapture = "labels";

struct PhotoClassesOptions {
  std::string model = "rooms-fast";  // a card of kind "dense", or kLabelsOfCapture
  std::string onnxruntime;           // as DenseEncoderOptions
  std::filesystem::path folder;      // where what a model says is kept, a file a photo; empty: nowhere
};

// What class every place of the photos of a capture is, as a model or the capture's own label maps say. What
// a model says is kept in files, in half precision; of another photo or model, or damaged, it is made again.
class PhotoClasses {
 public:
  // Capture and store (of the same capture) must outlive it. No such model, no class names of a capture whose
  // labels are asked for: InputError.
  PhotoClasses(const Capture& capture, const ImageStore& store, const PhotoClassesOptions& options);

  const std::vector<std::string>& classes() const { return classes_; }
  // Who says it, by the hash of its file.
  std::string Name() const;
  // The class that a word means by the model's list of words ("couch", "chairs"); nothing: it has no such
  // list, or none or several classes are called so.
  std::optional<int> ClassCalled(const std::string& word) const;
  // Views of `views` that can be asked: those with a photo, or with a label map.
  std::vector<int> Askable(const std::vector<int>& views) const;
  // [height, width, classes] probabilities over the whole picture of Capture::views[view], 1 in sum: of a
  // model at about a quarter of the resolution at which it sees the photo, of labels at most 320 places a
  // side, where a place that holds no label is of all classes alike. Kept for the last ones that were asked
  // for. A label that is no class: InputError naming the file.
  std::shared_ptr<const ImageF> Get(int view, const StopToken* stop = nullptr);
  // The same of any picture, by the model; nothing is kept. Of labels: InputError.
  ImageF Look(const ImageU8& rgb, const StopToken* stop = nullptr);

 private:
  ImageF OfLabels(int view) const;
  ImageF OfModel(int view, const StopToken* stop);

  const Capture& capture_;
  const ImageStore& store_;
  const PhotoClassesOptions options_;
  ModelCard card_;
  std::vector<std::string> classes_;
  std::unique_ptr<DenseEncoder> encoder_;  // loaded when a photo is first looked at
  std::map<int, std::shared_ptr<const ImageF>> kept_;
  std::deque<int> order_;  // of kept_, the oldest first
};

// The class ids of a capture's view, at the original size, 65535: none. An id that is no class: InputError
// naming the file.
ImageU16 CheckedLabels(const Capture& capture, const ImageStore& store, int view);

}  // namespace semfield
