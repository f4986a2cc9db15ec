#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/field/view_fitter.h"

namespace semfield {

// The right half of a view, before and after its pose and exposure were fitted on the left half.
struct RightHalfScore {
  double psnr = 0, psnr_fitted = 0;  // dB
  double degrees = 0;                // by which the fit turned the camera
  double distance = 0;               // by which it shifted it, world units
  double stops = 0;                  // mean of the three colours' gain
};

// A thing that was cut out, in one view: what alpha calls more than half there, against what is rendered.
struct CutOutScore {
  double squared_error = 0;   // sum over the thing's pixels and channels
  int64_t pixels = 0;         // of the thing
  double silhouette_iou = 0;  // of pixels whose rendered opacity is above 1/2 with the thing's
};

// How well unseen views are rendered.
struct ViewScore {
  int view = 0;  // into Capture::views
  std::string name;
  int width = 0, height = 0;
  int64_t scored_pixels = 0;                 // those that no mask excludes
  double squared_error = 0;                  // sum over the scored pixels and channels
  std::optional<double> psnr = {};           // dB; nothing when no pixel is scored
  std::optional<double> ssim = {};           // nothing when no window is scored
  double milliseconds = 0;                   // to render, all threads on the one view
  std::optional<RightHalfScore> right = {};  // nothing when no fit was asked for or no pixel is scored
  std::optional<CutOutScore> cut_out = {};   // nothing for photos without alpha
};

struct ViewsResult {
  std::vector<ViewScore> per_view;
  double psnr = 0;         // mean of the views' PSNR
  double psnr_pooled = 0;  // PSNR of the mean squared error over all scored pixels of all views
  double ssim = 0;         // mean of the views' SSIM
  double milliseconds = 0;
  const ViewScore* worst() const;  // the view with the lowest PSNR; nullptr: none is scored
  // Means over the views with alpha that show the thing; nothing where there are none.
  std::optional<double> cut_out_psnr = {}, silhouette_iou = {};
  std::optional<RightHalfScore> right = {};  // means over the views; nothing when no fit was asked for
};

// Fits a view on the left half of its photo.
using FitView = std::function<FittedView(int view, const ImageF& photo, const ImageU8* mask)>;

// Renders `views` through their cameras at the store's size and compares with the photos. With `fit` the
// right halves are scored too, without and with what it found on the left ones.
ViewsResult EvaluateViews(const EvaluationScene& scene, const std::vector<int>& views,
                          const JobControl& control, const FitView& fit = {});

Json ViewsMetricsJson(const ViewsResult& result);
Json ViewsPerViewJson(const ViewsResult& result);
// What each metric of the result means, one sentence a key.
Json ViewsDefinitions(const ViewsResult& result);

struct ViewsOptions {
  std::string fit_left_half = "none";  // none, pose, exposure, both
  void Describe(OptionList& list);
};
std::shared_ptr<const Protocol> MakeViewsProtocol();

}  // namespace semfield
