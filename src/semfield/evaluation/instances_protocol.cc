#include "semfield/evaluation/instances_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/evaluation/instance_ap.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

const std::vector<double>& Thresholds() {
  static const std::vector<double> thresholds = {0.5, 0.75, 0.8, 0.85, 0.9, 0.95};
  return thresholds;
}

InstancePicture LikeliestThings(const ImageF& probability) {
  InstancePicture picture{
      .width = probability.width, .height = probability.height, .ids = {}, .confidence = {}};
  for (size_t i = 0; i < probability.num_pixels(); ++i) {
    const auto first = probability.data.begin() + static_cast<ptrdiff_t>(i * probability.channels);
    const auto most = std::max_element(first, first + probability.channels);
    picture.ids.push_back(static_cast<int>(most - first));
    picture.confidence.push_back(*most);
  }
  return picture;
}

std::vector<int> TrueThings(const ImageU16& instances, int width, int height) {
  const ImageU16 resized = ResizeNearest(instances, width, height);
  std::vector<int> ids;
  for (const uint16_t id : resized.data) ids.push_back(id == 0 ? -1 : id);
  return ids;
}

class InstancesProtocol : public Protocol {
 public:
  std::string name() const override { return "instances"; }
  std::string sentence() const override {
    return "things of held-out views, by weights that were trained with --instances, against the capture's "
           "instances";
  }
  ProtocolNeeds needs() const override { return {.held_out = true, .labels = true, .words = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&,
                     const JobControl& control) const override {
    if (inputs.run.class_renderer == nullptr) {
      throw InputError("{}: its method renders no things; see --finetune and --instances of train",
                       inputs.run.folder.path().string());
    }
    const Capture& capture = *inputs.run.capture;
    std::vector<double> sums(Thresholds().size());
    ProtocolResult result{.protocol = name(), .facts = {{"model", inputs.run.class_renderer->model()}}};
    int scored = 0;
    for (const int view : inputs.views) {
      control.ThrowIfStopped();
      if (capture.views[view].instance.empty()) continue;
      const Camera camera = inputs.run.store->CameraOf(view);
      const ImageF says =
          inputs.run.class_renderer->Render(camera, capture.views[view].world_from_camera, control.stop);
      const std::vector<double> one = AveragePrecisions(
          LikeliestThings(says), TrueThings(inputs.run.store->Instances(view), camera.width, camera.height),
          Thresholds());
      if (one.empty()) continue;
      for (size_t i = 0; i < one.size(); ++i) sums[i] += one[i];
      ++scored;
      result.per_view.push_back({{"view", capture.views[view].name}, {"ap", one}});
    }
    std::string line;
    for (size_t i = 0; i < sums.size(); ++i) {
      const std::string key = fmt::format("ap_{:.0f}", 100 * Thresholds()[i]);
      result.metrics[key] = sums[i] / std::max(1, scored);
      result.definitions[key] = fmt::format(
          "Average precision of a view's masks with IoU above {:.2f}, by falling confidence, mean over the "
          "views "
          "(as DM-NeRF and GP-NeRF).",
          Thresholds()[i]);
      line += fmt::format("  AP {:.2f}: {:.3f}", Thresholds()[i], sums[i] / std::max(1, scored));
    }
    result.text = {fmt::format("instances: {} held-out views", scored), line};
    return result;
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeInstancesProtocol() {
  return std::make_shared<InstancesProtocol>();
}

}  // namespace semfield
