#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "semfield/base/parallel.h"
#include "semfield/capture/test_support.h"
#include "semfield/diagnosis/diagnose.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/synthetic/synthetic.h"

// Ways to damage a capture, and what a diagnosis makes of it.
namespace semfield::testing_support {

inline bool Names(const Diagnosis& diagnosis, const std::string& kind, const std::string& view = "") {
  return std::any_of(diagnosis.findings.begin(), diagnosis.findings.end(), [&](const auto& finding) {
    return finding.kind == kind &&
           (view.empty() || std::count(finding.views.begin(), finding.views.end(), view) > 0);
  });
}

// Every finding in one text, for messages of tests.
inline std::string AllFindings(const Diagnosis& diagnosis) {
  std::string text;
  for (const auto& finding : diagnosis.findings) text += finding.kind + ": " + finding.message + "\n";
  return text.empty() ? "no findings" : text;
}

inline void SwapPoses(Capture* capture, size_t a, size_t b) {
  std::swap(capture->views[a].world_from_camera, capture->views[b].world_from_camera);
}

inline void ScaleFocal(Capture* capture, double factor) {
  for (View& view : capture->views) {
    view.camera.fx *= factor;
    view.camera.fy *= factor;
  }
}

// What happens when the file's camera axes are taken for the other convention's.
inline void FlipAxes(Capture* capture) {
  for (View& view : capture->views) view.world_from_camera = FlipOpenGlOpenCv(view.world_from_camera);
}

// Gives a view a photo of its own, changed by `edit`.
inline void EditPhoto(Capture* capture, size_t index, const std::filesystem::path& file,
                      const std::function<void(ImageU8*)>& edit) {
  View& view = capture->views[index];
  ImageU8 image = ReadImage(view.image);
  edit(&image);
  WritePng(file, image);
  view.image = file;
}

inline void TurnPhoto(ImageU8* image) {  // by 180 degrees
  ImageU8 turned = *image;
  for (int y = 0; y < image->height; ++y) {
    for (int x = 0; x < image->width; ++x) {
      for (int c = 0; c < image->channels; ++c)
        turned.At(x, y, c) = image->At(image->width - 1 - x, image->height - 1 - y, c);
    }
  }
  *image = turned;
}

inline void MirrorPhoto(ImageU8* image) {
  const ImageU8 old = *image;
  for (int y = 0; y < image->height; ++y) {
    for (int x = 0; x < image->width; ++x) {
      for (int c = 0; c < image->channels; ++c) image->At(x, y, c) = old.At(image->width - 1 - x, y, c);
    }
  }
}

// By about `pixels` of the photo.
inline void BlurPhoto(ImageU8* image, int pixels) {
  const int width = image->width, height = image->height;
  *image = Resize(Resize(*image, width / pixels, height / pixels), width, height);
}

inline void BrightenPhoto(ImageU8* image, double factor) {
  for (size_t i = 0; i < image->data.size(); ++i) {
    if (image->channels == 4 && i % 4 == 3) continue;
    image->data[i] = static_cast<uint8_t>(std::min(255.0, image->data[i] * factor));
  }
}

}  // namespace semfield::testing_support
