#include "semfield/capture/ray_batch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/capture/camera_key.h"
#include "semfield/capture/decoding_limit.h"
#include "semfield/capture/frame_rotation.h"
#include "semfield/capture/pixel_set.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace {

constexpr size_t kMaxTableBytes = size_t{512} << 20;
constexpr size_t kBlock = 64;  // rays whose memory is asked for ahead
// Original pixels decoded for each sample of a step, when photos rotate: about an eighth of the time a step
// takes. Not measured when a training starts, so that the same options give the same rays on any machine.
constexpr double kPixelsPerSample = 8;
constexpr int kMaxLookAhead = 8;  // frames

// What one camera's pixels see, in its own frame.
struct Directions {
  Camera camera;
  bool pinhole = true;
  float inverse_fx = 0, inverse_fy = 0, cx = 0, cy = 0;
  std::vector<float> table;  // [height, width, 3] unit; empty: by Camera::DirectionAt

  void Unit(uint32_t pixel, float d[3]) const {
    if (!table.empty()) {
      std::copy_n(table.data() + size_t{3} * pixel, 3, d);
      return;
    }
    const uint32_t x = pixel % camera.width, y = pixel / camera.width;
    if (pinhole) {
      d[0] = (static_cast<float>(x) + 0.5f - cx) * inverse_fx;
      d[1] = (static_cast<float>(y) + 0.5f - cy) * inverse_fy;
      d[2] = 1 / std::sqrt(d[0] * d[0] + d[1] * d[1] + 1);
      d[0] *= d[2];
      d[1] *= d[2];
      return;
    }
    const Vec3 direction = camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
    for (int k = 0; k < 3; ++k) d[k] = static_cast<float>(direction[k]);
  }
};

bool IsPlainPinhole(const Camera& camera) {
  return camera.model == CameraModel::kOpenCv && !camera.HasDistortion();
}

size_t TableBytes(const Camera& camera) {
  return size_t{3} * sizeof(float) * camera.width * camera.height;
}

Directions MakeDirections(const Camera& camera, size_t* table_bytes_left) {
  Directions directions;
  directions.camera = camera;
  directions.pinhole = IsPlainPinhole(camera);
  directions.inverse_fx = static_cast<float>(1 / camera.fx);
  directions.inverse_fy = static_cast<float>(1 / camera.fy);
  directions.cx = static_cast<float>(camera.cx);
  directions.cy = static_cast<float>(camera.cy);
  const size_t bytes = TableBytes(camera);
  if (directions.pinhole || bytes > *table_bytes_left) return directions;
  *table_bytes_left -= bytes;
  directions.table.resize(bytes / sizeof(float));
  ParallelChunks(camera.height, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y) {
      for (int x = 0; x < camera.width; ++x) {
        const Vec3 direction = camera.DirectionAt(Vec2(x + 0.5, static_cast<double>(y) + 0.5));
        float* out = directions.table.data() + 3 * (y * camera.width + x);
        for (int k = 0; k < 3; ++k) out[k] = static_cast<float>(direction[k]);
      }
    }
  });
  return directions;
}

uint64_t Below64(Random& random, uint64_t bound) {
  const uint64_t high = random.NextUint32();
  const uint64_t value = (high << 32) | random.NextUint32();
  return static_cast<uint64_t>((static_cast<unsigned __int128>(value) * bound) >> 64);
}

}  // namespace

void RayBatch::Resize(size_t num_rays) {
  rays.resize(num_rays);
  rgba.resize(4 * num_rays);
  view.resize(num_rays);
}

struct RaySampler::Impl {
  struct Slot {
    int view = 0;
    int directions = 0;
    uint32_t num_pixels = 0;
    std::array<float, 9> rotation;  // world_from_camera, row-major
    std::array<float, 3> origin;
  };
  struct Draw {
    uint32_t source;
    uint32_t pixel;
  };

  const Capture& capture;
  const ImageStore& store;
  std::vector<Slot> slots;  // one a view
  std::vector<Directions> directions;
  // The frames that rays come from, ResidentFrame::frame counting slots, and the running sum of their pixels.
  std::vector<std::shared_ptr<const ResidentFrame>> sources;
  std::vector<uint64_t> ends;
  std::unique_ptr<FrameRotation> rotation;  // null when all photos are resident
  std::vector<Draw> draws;                  // of the batch in the making
  DepthSource depth = DepthSource::kNone;
  std::vector<std::vector<KnownDepth>> points;  // [slots] of DepthSource::kPoints

  Impl(const Capture& capture_in, const ImageStore& store_in) : capture(capture_in), store(store_in) {}

  void AddSlots(const std::vector<int>& views);
  std::shared_ptr<const ResidentFrame> Load(int frame) const;
  void LoadAll();
  void StartRotation(const SamplerMemory& memory, const SamplerSchedule& schedule);
  void UseSources(const FrameRotation::Window& window);
  Draw DrawPixel(Random& random) const;
  void FillRay(const Draw& draw, size_t i, RayBatch* batch) const;
  void DrawTrio(Random& random, float span, Draw trio[3]) const;
  float Plainness(const Draw trio[3]) const;
  bool DrawPoint(Random& random, Draw* draw, float* depth) const;
  void Sample(Random& random, const BatchRequest& request, RayBatch* batch);
};

void RaySampler::Impl::AddSlots(const std::vector<int>& views) {
  size_t table_bytes_left = kMaxTableBytes;
  std::map<decltype(CameraKey(Camera())), int> known;
  slots.resize(views.size());
  for (size_t k = 0; k < views.size(); ++k) {
    SF_CHECK(views[k] >= 0 && views[k] < static_cast<int>(capture.views.size()));
    Slot& slot = slots[k];
    slot.view = views[k];
    const Camera camera = store.CameraOf(slot.view);
    slot.num_pixels = static_cast<uint32_t>(camera.width) * static_cast<uint32_t>(camera.height);
    const auto [it, is_new] = known.emplace(CameraKey(camera), static_cast<int>(directions.size()));
    if (is_new) directions.push_back(MakeDirections(camera, &table_bytes_left));
    slot.directions = it->second;
    const Pose& pose = capture.views[slot.view].world_from_camera;
    for (int r = 0; r < 3; ++r) {
      slot.origin[r] = static_cast<float>(pose.translation[r]);
      for (int c = 0; c < 3; ++c) slot.rotation[3 * r + c] = static_cast<float>(pose.rotation(r, c));
    }
  }
}

std::shared_ptr<const ResidentFrame> RaySampler::Impl::Load(int frame) const {
  const Slot& slot = slots[frame];
  auto loaded = std::make_shared<ResidentFrame>();
  loaded->frame = frame;
  loaded->pixels = PixelSet(slot.num_pixels, store.Mask(slot.view).get());
  loaded->image = store.Image(slot.view);
  if (depth == DepthSource::kMaps) loaded->depths = DepthsOfMap(store, slot.view);
  return loaded;
}

void RaySampler::Impl::LoadAll() {
  FrameRotation::Window all(slots.size());
  ParallelFor(static_cast<int64_t>(slots.size()),
              [&](int64_t k, int) { all[k] = Load(static_cast<int>(k)); });
  UseSources(all);
}

void RaySampler::Impl::StartRotation(const SamplerMemory& memory, const SamplerSchedule& schedule) {
  double pixels = 0;
  for (const Slot& slot : slots) {
    const Camera& camera = capture.views[slot.view].camera;
    pixels += static_cast<double>(camera.width) * camera.height;
  }
  const double frames_per_step =
      kPixelsPerSample * schedule.samples_per_step * static_cast<double>(slots.size()) / pixels;
  RotationPlan plan = RotationPlan::Make(schedule.seed, static_cast<int>(slots.size()),
                                         memory.resident_frames, schedule.steps, frames_per_step);
  LogInfo("{} of {} photos are in memory at a time; all take {} turn{} during the training", plan.resident,
          slots.size(), plan.cycles, plan.cycles == 1 ? "" : "s");
  // Machines with more cores take less time a step, and so need frames sooner.
  const int num_workers = std::clamp(NumThreads() / 4, 1, kMaxLookAhead);
  rotation = std::make_unique<FrameRotation>(std::move(plan), memory.look_ahead, num_workers,
                                             [this](int frame) { return Load(frame); });
}

void RaySampler::Impl::UseSources(const FrameRotation::Window& window) {
  sources = window;
  ends.clear();
  uint64_t total = 0;
  for (const auto& source : sources) ends.push_back(total += source->pixels.count());
  if (total > 0) return;
  throw InputError(
      "the masks of all {} views {}ignore every pixel: nothing is left to train on. Masks are 0 where a "
      "pixel "
      "is to be ignored.",
      sources.size(), rotation ? "in memory " : "");
}

RaySampler::Impl::Draw RaySampler::Impl::DrawPixel(Random& random) const {
  uint64_t at = Below64(random, ends.back());
  const size_t source = std::upper_bound(ends.begin(), ends.end(), at) - ends.begin();
  if (source > 0) at -= ends[source - 1];
  return {static_cast<uint32_t>(source), sources[source]->pixels.Draw(static_cast<uint32_t>(at), random)};
}

void RaySampler::Impl::FillRay(const Draw& draw, size_t i, RayBatch* batch) const {
  const ResidentFrame& source = *sources[draw.source];
  const ImageU8& image = *source.image;
  const Slot& slot = slots[source.frame];
  float d[3];
  directions[slot.directions].Unit(draw.pixel, d);
  Ray& ray = batch->rays[i];
  for (int r = 0; r < 3; ++r) {
    const float* row = slot.rotation.data() + 3 * r;
    ray.origin[r] = slot.origin[r];
    ray.direction[r] = row[0] * d[0] + row[1] * d[1] + row[2] * d[2];
  }
  ray.z_scale = d[2];
  const uint8_t* pixel = image.data.data() + size_t{draw.pixel} * image.channels;
  float* out = batch->rgba.data() + 4 * i;
  for (int c = 0; c < 3; ++c) out[c] = static_cast<float>(pixel[c]) * (1.0f / 255);
  out[3] = image.channels == 4 ? static_cast<float>(pixel[3]) * (1.0f / 255) : 1.0f;
  batch->view[i] = slot.view;
  if (!source.depths.empty()) batch->depth[i] = source.depths[draw.pixel];
}

// A pixel and its two neighbours along a row or a column; where the picture ends, the trio is moved
// inside; where a mask cuts one away, it is the one pixel three times.
void RaySampler::Impl::DrawTrio(Random& random, float span, Draw trio[3]) const {
  const Draw middle = DrawPixel(random);
  const ImageU8& image = *sources[middle.source]->image;
  const bool along_x = random.Below(2) == 0;
  const int side = along_x ? image.width : image.height;
  const float pixels = std::ldexp(span * static_cast<float>(std::max(image.width, image.height)),
                                  -static_cast<int>(random.Below(3)));
  const int reach = std::min(static_cast<int>(std::lround(std::max(1.0f, pixels))), (side - 1) / 2);
  int x = static_cast<int>(middle.pixel) % image.width, y = static_cast<int>(middle.pixel) / image.width;
  int& moved = along_x ? x : y;
  moved = std::clamp(moved, reach, side - 1 - reach);
  const int center = y * image.width + x;
  const int stride = reach * (along_x ? 1 : image.width);
  for (int k = 0; k < 3; ++k) trio[k] = {middle.source, static_cast<uint32_t>(center + (k - 1) * stride)};
  const PixelSet& usable = sources[middle.source]->pixels;
  if (!std::all_of(trio, trio + 3, [&](const Draw& draw) { return usable.Contains(draw.pixel); }))
    std::fill_n(trio, 3, middle);
}

// By the range of colours on the line between the outer pixels: what has none of its own, photos cannot
// place.
float RaySampler::Impl::Plainness(const Draw trio[3]) const {
  constexpr int kPlainRange = 10, kTexturedRange = 30;  // of 255
  const ImageU8& image = *sources[trio[0].source]->image;
  const uint32_t length = trio[2].pixel - trio[0].pixel;
  if (length == 0) return 0;
  const auto width = static_cast<uint32_t>(image.width);
  const uint32_t stride = length >= width ? width : 1;  // a row's length is less than the picture's width
  int range = 0;
  for (int c = 0; c < 3; ++c) {
    int low = 255, high = 0;
    for (uint32_t p = trio[0].pixel; p <= trio[2].pixel; p += stride) {
      const int value = image.data[size_t{p} * image.channels + c];
      low = std::min(low, value);
      high = std::max(high, value);
    }
    range = std::max(range, high - low);
  }
  return std::clamp(static_cast<float>(kTexturedRange - range) / (kTexturedRange - kPlainRange), 0.0f, 1.0f);
}

// A sparse point in a view that is in memory; false: the drawn view has none.
bool RaySampler::Impl::DrawPoint(Random& random, Draw* draw, float* depth_of_point) const {
  const uint32_t source = random.Below(static_cast<uint32_t>(sources.size()));
  const std::vector<KnownDepth>& seen = points[sources[source]->frame];
  if (seen.empty()) return false;
  const KnownDepth& known = seen[random.Below(static_cast<uint32_t>(seen.size()))];
  *draw = {source, known.pixel};
  *depth_of_point = known.depth;
  return true;
}

void RaySampler::Impl::Sample(Random& random, const BatchRequest& request, RayBatch* batch) {
  // As many as the batch has room for: later batches, which may be larger, allocate nothing.
  if (draws.size() < batch->size()) draws.resize(std::max(batch->size(), batch->rays.capacity()));
  if (depth != DepthSource::kNone) batch->depth.assign(batch->size(), 0.0f);
  size_t next = 0;
  for (; next < 3 * request.num_trios; next += 3) DrawTrio(random, request.span, &draws[next]);
  for (; next < 3 * request.num_trios + request.num_points; ++next) {
    if (!DrawPoint(random, &draws[next], &batch->depth[next])) draws[next] = DrawPixel(random);
  }
  for (; next < batch->size(); ++next) draws[next] = DrawPixel(random);
  ParallelChunks(static_cast<int64_t>(batch->size()), kBlock, [&](int64_t begin, int64_t end, int) {
    // Every pixel is a cache miss, in the image and in the table: start them all before using any.
    for (int64_t i = begin; i < end; ++i) {
      const ResidentFrame& source = *sources[draws[i].source];
      __builtin_prefetch(source.image->data.data() + size_t{draws[i].pixel} * source.image->channels);
      const Directions& table = directions[slots[source.frame].directions];
      if (!table.table.empty()) __builtin_prefetch(table.table.data() + size_t{3} * draws[i].pixel);
    }
    for (int64_t i = begin; i < end; ++i) FillRay(draws[i], static_cast<size_t>(i), batch);
  });
  batch->plainness.resize(request.num_trios);
  ParallelChunks(static_cast<int64_t>(request.num_trios), kBlock, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) batch->plainness[i] = Plainness(&draws[3 * i]);
  });
}

SamplerMemory PlanSamplerMemory(const Capture& capture, const ImageStore& store,
                                const std::vector<int>& views) {
  std::vector<std::filesystem::path> files;
  for (const int view : views) files.push_back(capture.views[view].image);
  const std::vector<ImageInfo> infos = ReadImageInfos(files);
  SamplerMemory memory;
  size_t image_bytes = 0, table_bytes_left = kMaxTableBytes;
  std::set<decltype(CameraKey(Camera()))> known;
  for (size_t k = 0; k < views.size(); ++k) {
    const Camera camera = store.CameraOf(views[k]);
    const size_t pixels = static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height);
    const View& view = capture.views[views[k]];
    const size_t image = pixels * (infos[k].channels == 4 || view.mask_is_alpha ? 4 : 3);
    const bool is_shrunk = camera.width != view.camera.width || camera.height != view.camera.height;
    if (is_shrunk || view.mask_is_alpha)
      memory.decode_bytes = std::max(memory.decode_bytes, DecodingBytes(view.camera, NumThreads()));
    const bool has_mask = !view.mask.empty();
    const size_t mask = has_mask ? pixels + PixelSet::MaxBytes(pixels) : 0;
    image_bytes += image;
    memory.all_bytes += image + mask;
    memory.frame_bytes = std::max(memory.frame_bytes, image + mask);
    if (!known.insert(CameraKey(camera)).second) continue;
    const size_t table = IsPlainPinhole(camera) ? 0 : TableBytes(camera);
    if (table > table_bytes_left) continue;
    table_bytes_left -= table;
    memory.table_bytes += table;
  }
  if (image_bytes <= store.max_bytes()) {
    memory.resident_frames = static_cast<int>(views.size());
    memory.photo_bytes = memory.all_bytes;
    return memory;
  }
  const int fit = static_cast<int>(store.max_bytes() / memory.frame_bytes);
  memory.look_ahead = std::clamp(fit / 8, 1, kMaxLookAhead);
  memory.resident_frames = std::max(1, fit - memory.look_ahead);
  memory.photo_bytes = static_cast<size_t>(memory.resident_frames + memory.look_ahead) * memory.frame_bytes;
  return memory;
}

RaySampler::RaySampler(const Capture& capture, const ImageStore& store, std::vector<int> views,
                       const SamplerSchedule& schedule)
    : impl_(std::make_unique<Impl>(capture, store)) {
  if (views.empty()) throw InputError("no views to draw rays from");
  const SamplerMemory memory = PlanSamplerMemory(capture, store, views);
  impl_->AddSlots(views);
  impl_->depth = schedule.depth;
  if (schedule.depth == DepthSource::kPoints) {
    const std::vector<std::vector<KnownDepth>> of_views = DepthsOfPoints(capture, store);
    for (const auto& slot : impl_->slots) impl_->points.push_back(of_views[slot.view]);
  }
  if (memory.look_ahead == 0) {
    impl_->LoadAll();
  } else {
    impl_->StartRotation(memory, schedule);
  }
}
RaySampler::~RaySampler() = default;

void RaySampler::Sample(int64_t step, Random& random, const BatchRequest& request, RayBatch* batch) {
  SF_CHECK_LE(3 * request.num_trios + request.num_points, request.num_rays);
  SF_CHECK(request.num_points == 0 || impl_->depth == DepthSource::kPoints);
  if (impl_->rotation) {
    impl_->sources.clear();  // what leaves the window must be free before more comes
    impl_->UseSources(impl_->rotation->At(step));
  }
  batch->Resize(request.num_rays);
  impl_->Sample(random, request, batch);
}

}  // namespace semfield
