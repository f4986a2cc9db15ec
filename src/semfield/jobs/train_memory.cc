#include "semfield/jobs/train_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/log.h"

namespace semfield {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kProgram = 64 * kMiB;  // code, stacks, the capture's own records
// Rays of a step from fewer photos than this pull the field to and fro.
constexpr int kFewestPhotos = 8;
constexpr int kGoodPhotos = 24;  // what is proposed holds so many, if there are so many

std::string ImageCacheText(int mib) {
  return fmt::format("--image-cache {}", mib);
}

// The options that would make it fit, with all else as it is; empty if image-cache alone cannot.
std::string FittingCache(const Capture& capture, TrainSize size, uint64_t available) {
  size.image_cache_mib = kDefaultImageCacheMib;
  TrainMemory memory = EstimateTrainMemory(capture, size);
  if (memory.total() <= available) return ImageCacheText(size.image_cache_mib);
  const size_t rest = memory.total() - memory.photos.photo_bytes;
  if (available <= rest) return "";
  size.image_cache_mib =
      static_cast<int>(std::min<uint64_t>((available - rest) / kMiB, kDefaultImageCacheMib));
  if (size.image_cache_mib < 1) return "";
  memory = EstimateTrainMemory(capture, size);
  const int enough = std::min(kGoodPhotos, static_cast<int>(capture.train.size()));
  const bool fits = memory.total() <= available && memory.photos.resident_frames >= enough;
  return fits ? ImageCacheText(size.image_cache_mib) : "";
}

// The options that would make it fit, the method's own made smaller only where photos at an eighth of their
// size do not help.
std::string FittingOptions(const Capture& capture, const TrainSize& size, uint64_t available) {
  std::optional<Method::Smaller> smaller_options;
  for (TrainSize current = size;;) {
    for (const double factor : {1.0, 2.0, 4.0, 8.0}) {
      TrainSize smaller = current;
      smaller.downscale *= factor;
      std::string text;
      if (smaller_options)
        text += fmt::format(" --{} {}", smaller_options->changed.name, smaller_options->changed.value);
      if (factor > 1) text += fmt::format(" --downscale {:g}", smaller.downscale);
      if (!text.empty() && EstimateTrainMemory(capture, smaller).total() <= available) return text.substr(1);
      const std::string cache = FittingCache(capture, smaller, available);
      if (!cache.empty()) return (text + " " + cache).substr(1);
    }
    smaller_options = size.method->MakeSmaller(current.options);
    if (!smaller_options) return "";
    current.options = smaller_options->options;
  }
}

}  // namespace

size_t TrainMemory::total() const {
  return photos.photo_bytes + photos.decode_bytes + photos.table_bytes +
         static_cast<size_t>(training.total()) + kProgram;
}

std::string TrainMemory::Text(size_t num_photos) const {
  const std::string resident =
      photos.look_ahead == 0 ? fmt::format("all {} in memory", num_photos)
                             : fmt::format("{} of {} at a time, all would take {}", photos.resident_frames,
                                           num_photos, BytesText(static_cast<double>(photos.all_bytes)));
  std::string text = fmt::format("about {}: photos {} ({})", BytesText(static_cast<double>(total())),
                                 BytesText(static_cast<double>(photos.photo_bytes)), resident);
  const auto add = [&](const std::string& name, double bytes) {
    if (bytes >= kMiB) text += fmt::format(", {} {}", name, BytesText(bytes));
  };
  add("photos at their own size", static_cast<double>(photos.decode_bytes));
  add("camera directions", static_cast<double>(photos.table_bytes));
  for (const MemoryNeed::Part& part : training.parts) add(part.name, part.bytes);
  return text;
}

TrainMemory EstimateTrainMemory(const Capture& capture, const TrainSize& size) {
  const ImageStore store(capture, size.downscale, static_cast<size_t>(size.image_cache_mib) * kMiB);
  return {.photos = PlanSamplerMemory(capture, store, capture.train),
          .training = size.method->Memory(size.options, capture)};
}

void CheckTrainMemory(const Capture& capture, const TrainSize& size, bool fixed,
                      const MemoryLimit& available) {
  const TrainMemory memory = EstimateTrainMemory(capture, size);
  const SamplerMemory& photos = memory.photos;
  if (photos.look_ahead > 0 && photos.resident_frames < kFewestPhotos) {
    const double least = 1.25 * (kFewestPhotos + 1) * static_cast<double>(photos.frame_bytes) / kMiB;
    throw InputError(
        "--image-cache {}: holds {} of {} photos of {:.1f} MiB at a time, at least {} are needed: give "
        "{:.0f} or "
        "more, or a larger --downscale",
        size.image_cache_mib, photos.resident_frames, capture.train.size(),
        static_cast<double>(photos.frame_bytes) / kMiB, kFewestPhotos, std::ceil(least));
  }
  const std::string left =
      fmt::format("{} are {}", BytesText(static_cast<double>(available.bytes)), available.source);
  if (memory.total() <= available.bytes) {
    LogInfo("memory: {}; {}", memory.Text(capture.train.size()), left);
    return;
  }
  const std::string options =
      fixed ? FittingCache(capture, size, available.bytes) : FittingOptions(capture, size, available.bytes);
  throw ResourceError("too little memory: {}; {}. {}", memory.Text(capture.train.size()), left,
                      options.empty() ? "No option makes it small enough: free some memory"
                                      : fmt::format("With {} it would fit", options));
}

void CheckTrainingMemory(const SceneTraining& training, bool fixed, const MemoryLimit& available) {
  const MemoryNeed need = training.Memory();
  std::string parts;
  for (const MemoryNeed::Part& part : need.parts)
    parts += fmt::format("{}{} ({})", parts.empty() ? "" : ", ", part.name, BytesText(part.bytes));
  const std::string text = fmt::format("about {} for {}", BytesText(need.total()), parts);
  const auto bytes = static_cast<double>(available.bytes);
  const std::string left = fmt::format("{} are {}", BytesText(bytes), available.source);
  if (need.total() <= bytes) {
    LogInfo("memory: {}; {}", text, left);
    return;
  }
  const std::optional<FittingOption> fits = training.OptionThatFits(bytes);
  throw ResourceError(
      "too little memory: {}; {}. {}", text, left,
      fits ? fmt::format("With {}--{} {} it would fit", fixed ? "--restart " : "", fits->name, fits->value)
           : "Free some memory");
}

}  // namespace semfield
