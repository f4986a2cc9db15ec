#include "semfield/evaluation/instances_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "semfield/evaluation/instance_ap.h"
#include "semfield/evaluation/object_views.h"
#include "semfield/image/pixels.h"
#include "semfield/objects/everything.h"
#include "semfield/objects/object_session.h"

namespace semfield {
namespace {

const std::vector<double>& Thresholds() {
  static const std::vector<double> thresholds = {0.5, 0.75, 0.8, 0.85, 0.9, 0.95};
  return thresholds;
}

// Who says which thing each pixel of a view is.
class ThingPictures {
 public:
  virtual ~ThingPictures() = default;
  virtual InstancePicture Of(int view, const StopToken* stop) = 0;
  std::string name;
};

// A method that renders things: the likeliest of each pixel.
class RenderedThings : public ThingPictures {
 public:
  explicit RenderedThings(const OpenedRun& run) : run_(run) { name = run.class_renderer->model(); }

  InstancePicture Of(int view, const StopToken* stop) override {
    const ImageF probability = run_.class_renderer->Render(run_.store->CameraOf(view),
                                                           run_.capture->views[view].world_from_camera, stop);
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

 private:
  const OpenedRun& run_;
};

// Things of the run's surface, found without a click, every point labelled once; as sure as their views
// agree.
class FoundThings : public ThingPictures {
 public:
  FoundThings(const ProtocolInputs& inputs, const JobControl& control)
      : session_(inputs.run, {.teacher = inputs.teacher, .onnxruntime = inputs.onnxruntime}, control),
        views_(inputs.run, session_.map(), nullptr, control.stop) {
    name = "select --everything";
    session_.EncodePhotos(0, control);
    const EverythingOptions options;
    things_ = LabelOnce(
        FindEverything(session_.map(), session_.Answers(ObjectSession::Answerer::kPhotos), options, control),
        options.fewest_cells);
  }

  InstancePicture Of(int view, const StopToken*) override {
    const ImageU16& size = views_.Instances(view);
    InstancePicture picture{.width = size.width, .height = size.height, .ids = {}, .confidence = {}};
    picture.ids.assign(size.num_pixels(), -1);
    picture.confidence.assign(size.num_pixels(), 0);
    for (size_t thing = 0; thing < things_.size(); ++thing) {
      const Selection selection{
          .name = "", .clicks = {}, .box = {}, .weight = things_[thing].weight, .looked = {}};
      const ImageU8 mask = views_.Mask(selection, view);
      for (size_t i = 0; i < mask.num_pixels(); ++i) {
        if (mask.data[i] == 0) continue;
        picture.ids[i] = static_cast<int>(thing);
        picture.confidence[i] = static_cast<float>(things_[thing].agreement);
      }
    }
    return picture;
  }

 private:
  ObjectSession session_;
  ThingViews views_;
  std::vector<FoundThing> things_;
};

std::unique_ptr<ThingPictures> PicturesOf(const ProtocolInputs& inputs, const JobControl& control) {
  if (inputs.run.class_renderer != nullptr) return std::make_unique<RenderedThings>(inputs.run);
  return std::make_unique<FoundThings>(inputs, control);
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
    return "things of held-out views against the capture's instances: as weights trained with --instances "
           "render them, or as the run's surface has them without a click";
  }
  ProtocolNeeds needs() const override { return {.held_out = true, .labels = true, .words = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&,
                     const JobControl& control) const override {
    const Capture& capture = *inputs.run.capture;
    const std::unique_ptr<ThingPictures> pictures = PicturesOf(inputs, control);
    std::vector<double> sums(Thresholds().size());
    ProtocolResult result{.protocol = name(), .facts = {{"model", pictures->name}}};
    int scored = 0;
    for (const int view : inputs.views) {
      control.ThrowIfStopped();
      if (capture.views[view].instance.empty()) continue;
      const InstancePicture says = pictures->Of(view, control.stop);
      const std::vector<double> one = AveragePrecisions(
          says, TrueThings(inputs.run.store->Instances(view), says.width, says.height), Thresholds());
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
          "views (as DM-NeRF and GP-NeRF).",
          Thresholds()[i]);
      line += fmt::format("  AP {:.2f}: {:.3f}", Thresholds()[i], sums[i] / std::max(1, scored));
    }
    result.text = {fmt::format("instances: {} held-out views, things of {}", scored, pictures->name), line};
    return result;
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeInstancesProtocol() {
  return std::make_shared<InstancesProtocol>();
}

}  // namespace semfield
