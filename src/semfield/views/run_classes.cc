#include "semfield/views/run_classes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/surface/run_surface.h"
#include "semfield/views/source_choice.h"

namespace semfield {
namespace {

constexpr size_t kPlacesToChooseBy = 600;  // of a target, by which its sources are chosen
constexpr double kCellPixels = 3;          // as SurfaceMap's
constexpr size_t kPlacesAtOnce = 1 << 18;  // so many sums of all classes are in memory

// Evenly spread, at most kPlacesToChooseBy.
std::vector<Vec3> SomePlaces(const std::vector<Vec3>& places) {
  if (places.size() <= kPlacesToChooseBy) return places;
  std::vector<Vec3> some(kPlacesToChooseBy);
  for (size_t i = 0; i < some.size(); ++i) some[i] = places[i * places.size() / some.size()];
  return some;
}

// The median of each coordinate.
Vec3 MiddleOf(const std::vector<Vec3>& places) {
  Vec3 middle = Vec3::Zero();
  std::vector<double> values(places.size());
  for (int k = 0; k < 3 && !places.empty(); ++k) {
    for (size_t i = 0; i < places.size(); ++i) values[i] = places[i][k];
    const auto half = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), half, values.end());
    middle[k] = *half;
  }
  return middle;
}

}  // namespace

void ClassVoteOptions::DescribeVote(OptionList& list) {
  list.Text("geometry", &geometry,
            "run: photos vote on the geometry of the run's field, one vote each. auto: the same, but for a "
            "capture without training, whose method has a learned vote on its own geometry.",
            {.choices = {"auto", "run"}});
  list.Text("weights", &weights,
            "Of a capture without training: weights to show it with, a file, a run of a training over many "
            "scenes, or a name of models/; empty: those that come with the program.");
  list.Int("sources", &sources, "Photos that vote on a view; its own is never one.",
           {.min = 1, .max = 10000});
  list.Text("source-choice", &choice,
            "Which: those that together see most of the view (seen), or those that stand nearest to it "
            "(nearest).",
            {.choices = {"seen", "nearest"}});
}

void ClassVoteOptions::Describe(OptionList& list) {
  list.Group("Classes");
  list.Text("method", &method,
            "Whose classes: gnesf, a vote of photos; of a capture without training also gp_nerf, which knows "
            "classes by itself; feature_nerf: of a picture of one object, by render.",
            {.choices = {"gnesf", "gp_nerf", "feature_nerf"}});
  DescribeVote(list);
  list.Text("words-model", &model,
            "Who says what class the places of a photo are: a model of kind dense, or labels, the capture's "
            "own label maps.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
}

ImageU8 ClassView::Ids() const {
  ImageU8 ids(width, height, 1);
  for (size_t i = 0; i < ids.data.size(); ++i) {
    const int id = voted.ClassOf(static_cast<int64_t>(i));
    ids.data[i] = id < 0 ? kNoClass : static_cast<uint8_t>(id);
  }
  return ids;
}

RunClasses::RunClasses(const OpenedRun& run, const ClassVoteOptions& options, const JobControl& control)
    : run_(run),
      options_(options),
      rendered_(options.geometry == "run" ? nullptr : run.class_renderer.get()),
      photos_(*run.capture, *run.store,
              {.model = options.model,
               .onnxruntime = options.onnxruntime,
               .folder = options.model == kLabelsOfCapture ? std::filesystem::path()
                                                           : run.folder.embeddings_dir(options.model)}) {
  if (classes().size() >= kNoClass)
    throw InputError("{}: {} classes, at most {} are possible", options.model, classes().size(),
                     kNoClass - 1);
  const std::vector<int> askable = photos_.Askable(run.capture->train);
  if (askable.empty()) {
    throw InputError(
        "{}: no training view has its {}: there is nothing that could vote", run.capture->path.string(),
        options.model == kLabelsOfCapture ? "label map" : "photo (--capture names another place)");
  }
  if (rendered_ != nullptr) return;
  for (DepthView& depth : DepthsOfRun(run, control)) {
    if (std::find(askable.begin(), askable.end(), depth.view) != askable.end())
      depths_.push_back(std::move(depth));
  }
  cell_size_ = kCellPixels * MedianFootprint(depths_);
  if (static_cast<int>(depths_.size()) < options.sources)
    LogInfo("{} photos vote, not {}: there are no more", depths_.size(), options.sources);
}

int RunClasses::FindClass(const std::string& name) const {
  const auto found = std::find(classes().begin(), classes().end(), name);
  if (found != classes().end()) return static_cast<int>(found - classes().begin());
  if (const std::optional<int> called = photos_.ClassCalled(name)) return *called;
  const std::string nearest = NearestName(name, classes());
  throw InputError("no class is called '{}' by {}.{} Known: {}", name, options_.model,
                   nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest),
                   fmt::join(classes(), ", "));
}

RunClasses::Target RunClasses::Aim(const NamedView& view, const Camera& camera, const StopToken* stop) const {
  RenderRequest request;
  request.rgb = false;
  request.fine = false;
  const DepthView seen{.view = view.index,
                       .camera = camera,
                       .world_from_camera = view.world_from_camera,
                       .depth = run_.Field().Render(camera, view.world_from_camera, request, stop).depth};
  Target target{.view = view.index, .width = camera.width, .height = camera.height};
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const std::optional<Vec3> place = seen.PointAt({x + 0.5, y + 0.5});
      if (!place) continue;
      target.places.push_back(*place);
      target.pixels.push_back(y * camera.width + x);
    }
  }
  target.sources = Choose(view, target);
  return target;
}

std::vector<int> RunClasses::Choose(const NamedView& view, const Target& target) const {
  std::vector<DepthView> candidates;
  for (const DepthView& depth : depths_) {
    if (view.index < 0 || depth.view != view.index) candidates.push_back(depth);
  }
  std::vector<int> chosen;
  if (options_.choice == "seen")
    chosen = SeeingSources(candidates, SomePlaces(target.places), cell_size_, options_.sources);
  // Where too few see anything, the nearest have their say on what nobody sees.
  for (const int near : NearestSources(candidates, view.world_from_camera, MiddleOf(target.places),
                                       static_cast<int>(candidates.size()))) {
    if (static_cast<int>(chosen.size()) >= options_.sources) break;
    if (std::find(chosen.begin(), chosen.end(), near) == chosen.end()) chosen.push_back(near);
  }
  std::vector<int> sources;
  for (const int i : chosen) sources.push_back(candidates[i].view);
  return sources;
}

ClassView RunClasses::Vote(const Target& target, VoteRule rule, const StopToken* stop) {
  rule.cell_size = cell_size_;
  const int channels = static_cast<int>(classes().size());
  ClassView view{.width = target.width, .height = target.height, .voted = {.num_classes = channels}};
  const size_t pixels = static_cast<size_t>(target.width) * target.height;
  view.sources = target.sources;
  view.voted.probability.resize(pixels * channels);
  view.voted.seen_by.resize(pixels);
  for (size_t begin = 0; begin < target.places.size(); begin += kPlacesAtOnce) {
    const size_t count = std::min(kPlacesAtOnce, target.places.size() - begin);
    const VotedClasses voted = VoteOf(target.sources,
                                      {target.places.begin() + static_cast<ptrdiff_t>(begin),
                                       target.places.begin() + static_cast<ptrdiff_t>(begin + count)},
                                      rule, stop);
    for (size_t p = 0; p < count; ++p) {
      const int32_t pixel = target.pixels[begin + p];
      std::copy_n(voted.probability.begin() + static_cast<ptrdiff_t>(p * channels), channels,
                  view.voted.probability.begin() + static_cast<ptrdiff_t>(pixel) * channels);
      view.voted.seen_by[pixel] = voted.seen_by[p];
    }
  }
  const auto unseen = std::count(view.voted.seen_by.begin(), view.voted.seen_by.end(), 0);
  view.unseen = static_cast<double>(unseen) / static_cast<double>(std::max<size_t>(1, pixels));
  return view;
}

VotedClasses RunClasses::VoteOf(const std::vector<int>& sources, std::vector<Vec3> places,
                                const VoteRule& rule, const StopToken* stop) {
  ClassVote vote(std::move(places), static_cast<int>(classes().size()), rule);
  for (const int source : sources) {
    const auto depth = std::find_if(depths_.begin(), depths_.end(),
                                    [&](const DepthView& one) { return one.view == source; });
    const std::shared_ptr<const ImageF> says = photos_.Get(source, stop);
    vote.Add({.depth = &*depth, .classes = says.get()});
  }
  return vote.Result();
}

ClassView RunClasses::Render(const NamedView& view, const Camera& camera, const StopToken* stop) const {
  const ImageF seen = rendered_->Render(camera, view.world_from_camera, stop);
  ClassView classes{.width = camera.width, .height = camera.height, .voted = {.num_classes = seen.channels}};
  classes.voted.probability = seen.data;
  classes.voted.seen_by.resize(seen.num_pixels());
  int64_t unseen = 0;
  for (size_t i = 0; i < seen.num_pixels(); ++i) {
    const auto first = seen.data.begin() + static_cast<ptrdiff_t>(i * seen.channels);
    classes.voted.seen_by[i] = std::accumulate(first, first + seen.channels, 0.0f) > 0.5f;
    unseen += classes.voted.seen_by[i] == 0;
  }
  classes.unseen = static_cast<double>(unseen) / static_cast<double>(std::max<size_t>(1, seen.num_pixels()));
  return classes;
}

ClassView RunClasses::Look(const NamedView& view, const Camera& camera, const StopToken* stop) {
  if (rendered_ != nullptr) return Render(view, camera, stop);
  return Vote(Aim(view, camera, stop), {}, stop);
}

VotedClasses RunClasses::VoteAt(const std::vector<Vec3>& places, VoteRule rule, const JobControl& control) {
  if (rendered_ != nullptr) {
    VotedClasses voted{.num_classes = static_cast<int>(classes().size())};
    voted.probability.resize(places.size() * classes().size());
    voted.seen_by.assign(places.size(), 1);
    rendered_->At(places, voted.probability, control.stop);
    return voted;
  }
  rule.cell_size = cell_size_;
  ClassVote vote(places, static_cast<int>(classes().size()), rule);
  double done = 0;
  for (const DepthView& depth : depths_) {
    control.ThrowIfStopped();
    const std::shared_ptr<const ImageF> says = photos_.Get(depth.view, control.stop);
    vote.Add({.depth = &depth, .classes = says.get()});
    control.Report({.stage = "vote", .done = ++done, .total = static_cast<double>(depths_.size())});
  }
  return vote.Result();
}

}  // namespace semfield
