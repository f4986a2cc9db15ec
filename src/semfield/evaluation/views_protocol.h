#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/evaluation/evaluation_scene.h"

namespace semfield {

// How well unseen views are rendered.
struct ViewScore {
  int view = 0;  // into Capture::views
  std::string name;
  int width = 0, height = 0;
  int64_t scored_pixels = 0;        // those that no mask excludes
  double squared_error = 0;         // sum over the scored pixels and channels
  std::optional<double> psnr = {};  // dB; nothing when no pixel is scored
  std::optional<double> ssim = {};  // nothing when no window is scored
  double milliseconds = 0;          // to render, all threads on the one view
};

struct ViewsResult {
  std::vector<ViewScore> per_view;
  double psnr = 0;         // mean of the views' PSNR
  double psnr_pooled = 0;  // PSNR of the mean squared error over all scored pixels of all views
  double ssim = 0;         // mean of the views' SSIM
  double milliseconds = 0;
};

// Renders `views` through their cameras at the store's size and compares with the photos.
ViewsResult EvaluateViews(const EvaluationScene& scene, const std::vector<int>& views,
                          const JobControl& control);

Json ViewsMetricsJson(const ViewsResult& result);
Json ViewsPerViewJson(const ViewsResult& result);
// What each metric means, one sentence a key.
Json ViewsDefinitions();

}  // namespace semfield
