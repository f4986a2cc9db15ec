#include "semfield/interaction/click_session.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

// A thing reaches into another square where at least so many of the frame's pixels show it.
constexpr int kReachingPixels = 25;

std::vector<double> KeyOf(const SeenView& view) {
  const Camera& c = view.camera;
  std::vector<double> key = {static_cast<double>(c.width),
                             static_cast<double>(c.height),
                             c.fx,
                             c.fy,
                             c.cx,
                             c.cy,
                             static_cast<double>(c.model),
                             c.k1,
                             c.k2,
                             c.k3,
                             c.k4,
                             c.p1,
                             c.p2,
                             c.sx1,
                             c.sy1};
  const Pose& pose = view.world_from_camera;
  key.insert(key.end(), pose.rotation.data(), pose.rotation.data() + 9);
  key.insert(key.end(), pose.translation.data(), pose.translation.data() + 3);
  return key;
}

double DegreesOffAxis(const Camera& camera, const Vec2& pixel) {
  return std::acos(std::clamp(camera.DirectionAt(pixel).z(), -1.0, 1.0)) * 180 / std::numbers::pi;
}

// The square to ask in: that of the first positive click, else of the first box's middle.
size_t HomeOf(const std::vector<SquareView>& squares, const Prompt& prompt) {
  if (squares.size() == 1) return 0;
  Vec2 at(0.5 * squares[0].frame().width, 0.5 * squares[0].frame().height);
  if (!prompt.boxes.empty()) {
    const PromptBox& box = prompt.boxes[0];
    at = Vec2(0.5 * (box.x0 + box.x1), 0.5 * (box.y0 + box.y1));
  }
  const auto positive = std::find_if(prompt.points.begin(), prompt.points.end(),
                                     [](const PromptPoint& point) { return point.positive; });
  if (positive != prompt.points.end()) at = Vec2(positive->x, positive->y);
  const std::optional<size_t> home = MostCentral(squares, at);
  if (home) return *home;
  throw InputError(
      "click {:.0f},{:.0f}: {:.0f} degrees off the camera's axis, where no picture of the teacher's reaches "
      "({:.1f} % of this view). Click nearer to the middle, or in another view",
      at.x(), at.y(), DegreesOffAxis(squares[0].frame(), at), 100 * UnseenShare(squares));
}

// The pixel that lies deepest inside what a mask shows of another square's picture; nothing if that is
// little.
std::optional<PromptPoint> ReachInto(const SquareView& square, const Mask& mask) {
  ImageU8 shared(mask.binary.width, mask.binary.height, 1);
  int count = 0;
  for (int y = 0; y < shared.height; ++y) {
    for (int x = 0; x < shared.width; ++x) {
      if (mask.binary.At(x, y) == 0 || !square.SquareFromFrame({x + 0.5, y + 0.5})) continue;
      shared.At(x, y) = 255;
      ++count;
    }
  }
  if (count < kReachingPixels) return std::nullopt;
  const ImageF distance = DistanceToBorder(shared);
  const size_t best = std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
  return PromptPoint{.x = static_cast<double>(best % shared.width) + 0.5,
                     .y = static_cast<double>(best / shared.width) + 0.5};
}

}  // namespace

FeatureSource RenderedFeatures(const RadianceField& field, const FeatureField& features) {
  return [&field, &features](const Camera& square, const Pose& world_from_square, const StopToken* stop) {
    return RenderGrid(features, field, square, world_from_square, stop);
  };
}

ClickSession::ClickSession(const RadianceField& field, FeatureSource features, PromptDecoder& decoder,
                           const ClickSessionOptions& options)
    : field_(field), features_(std::move(features)), decoder_(decoder), options_(options) {}

ClickSession::Kept& ClickSession::KeptOf(const SeenView& view, size_t num_squares) {
  std::vector<double> key = KeyOf(view);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
  if (found == kept_.end()) {
    kept_.push_front({.key = std::move(key), .maps = std::vector<FeatureMap>(num_squares)});
  } else {
    kept_.splice(kept_.begin(), kept_, found);
  }
  return kept_.front();
}

void ClickSession::ForgetOldest() {
  while (kept_bytes_ > options_.feature_bytes && kept_.size() > 1) {
    kept_bytes_ -= kept_.back().bytes;
    kept_.pop_back();
  }
}

const FeatureMap& ClickSession::Features(const SeenView& view, const std::vector<SquareView>& squares,
                                         size_t index, const StopToken* stop) {
  Kept& kept = KeptOf(view, squares.size());
  FeatureMap& map = kept.maps[index];
  if (!map.data.empty()) return map;
  const SquareView& square = squares[index];
  map = features_(square.square(), square.WorldFromSquare(view.world_from_camera), stop);
  const size_t bytes = map.data.size() * sizeof(map.data[0]);
  kept.bytes += bytes;
  kept_bytes_ += bytes;
  ForgetOldest();
  return map;
}

SegmentResult ClickSession::Ask(const SeenView& view, const Prompt& prompt, Granularity granularity,
                                const StopToken* stop) {
  SegmentResult result;
  const std::vector<SquareView> squares = CoverWithSquares(view.camera, kSquareMaskResolution);
  const size_t home = HomeOf(squares, prompt);
  std::vector<Mask> masks(squares.size());
  const auto ask_in = [&](size_t index, const Prompt& question) {
    Stopwatch stopwatch;
    const FeatureMap& features = Features(view, squares, index, stop);
    result.milliseconds["features"] += stopwatch.LapMilliseconds();
    if (stop != nullptr) stop->ThrowIfStopped();
    const SquareView& square = squares[index];
    masks[index] =
        DecodePrompt(decoder_, features, square.square().width, SquarePrompt(square, question), granularity);
    result.milliseconds["decode"] += stopwatch.Milliseconds();
  };
  ask_in(home, prompt);
  for (size_t i = 0; i < squares.size(); ++i) {
    if (i == home) continue;
    const std::optional<PromptPoint> point = ReachInto(squares[i], squares[home].ToFrame(masks[home]));
    if (!point) continue;
    Prompt reached;
    reached.points.push_back(*point);
    for (const PromptPoint& other : prompt.points) {
      if (!other.positive) reached.points.push_back(other);
    }
    ask_in(i, reached);
  }
  const Stopwatch stopwatch;
  result.mask = MergeInFrame(squares, masks, home);
  result.milliseconds["map"] = stopwatch.Milliseconds();
  return result;
}

std::vector<Mask> ClickSession::AskAll(const SeenView& view, const Prompt& prompt, const StopToken* stop) {
  const std::vector<SquareView> squares = CoverWithSquares(view.camera, kSquareMaskResolution);
  const size_t home = HomeOf(squares, prompt);
  const FeatureMap& features = Features(view, squares, home, stop);
  if (stop != nullptr) stop->ThrowIfStopped();
  const int side = squares[home].square().width;
  std::vector<Mask> masks;
  for (const Mask& mask : decoder_.DecodeAll(features, side, side, SquarePrompt(squares[home], prompt))) {
    masks.push_back(squares[home].ToFrame(mask));
  }
  return masks;
}

std::optional<SurfaceClick> ClickSession::Lift(const SeenView& view, const PromptPoint& point) const {
  const Ray ray = MakeRay(view.camera, view.world_from_camera, {point.x, point.y});
  const RaySamples samples = field_.Weights({&ray, 1}, WeightRequest{});
  const double distance = samples.distance[0];
  if (distance <= 0) return std::nullopt;
  const Vec3 direction(ray.direction[0], ray.direction[1], ray.direction[2]);
  return SurfaceClick{.point = view.world_from_camera.translation + distance * direction,
                      .positive = point.positive};
}

Prompt ClickSession::Reproject(const std::vector<SurfaceClick>& clicks, const SeenView& view,
                               double depth_tolerance, std::vector<bool>* used) const {
  Prompt prompt;
  if (used != nullptr) used->assign(clicks.size(), false);
  const Pose camera_from_world = view.world_from_camera.Inverse();
  for (size_t i = 0; i < clicks.size(); ++i) {
    const SurfaceClick& click = clicks[i];
    const Vec3 local = camera_from_world * click.point;
    const std::optional<Vec2> pixel = view.camera.Project(local);
    if (!pixel || !view.camera.Contains(*pixel)) continue;
    const Ray ray = MakeRay(view.camera, view.world_from_camera, *pixel);
    const double rendered = field_.Weights({&ray, 1}, WeightRequest{}).distance[0];
    if (rendered <= 0 || std::abs(rendered - local.norm()) > depth_tolerance * local.norm()) continue;
    if (used != nullptr) (*used)[i] = true;
    prompt.points.push_back({.x = pixel->x(), .y = pixel->y(), .positive = click.positive});
  }
  return prompt;
}

SpreadResult ClickSession::Spread(const std::vector<SurfaceClick>& clicks, const SeenView& view,
                                  double depth_tolerance, Granularity granularity, const StopToken* stop) {
  SpreadResult result;
  const Stopwatch stopwatch;
  result.prompt = Reproject(clicks, view, depth_tolerance);
  const double project = stopwatch.Milliseconds();
  const std::vector<SquareView> squares = CoverWithSquares(view.camera, kSquareMaskResolution);
  result.hidden =
      std::none_of(result.prompt.points.begin(), result.prompt.points.end(), [&](const PromptPoint& point) {
        return point.positive && MostCentral(squares, {point.x, point.y});
      });
  if (result.hidden) {
    result.answer.mask.binary = ImageU8(view.camera.width, view.camera.height, 1);
  } else {
    result.answer = Ask(view, result.prompt, granularity, stop);
  }
  result.answer.milliseconds["project"] = project;
  return result;
}

}  // namespace semfield
