#include "semfield/capture/ray_batch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/capture/camera_key.h"

namespace semfield {
namespace {

constexpr size_t kMaxTableBytes = size_t{512} << 20;
constexpr size_t kBlock = 128;      // rays whose memory is asked for ahead
constexpr int kViewsPerBatch = 16;  // when images do not all fit in memory
constexpr double kListBelow =
    1.0 / 8;  // unmasked fraction under which pixels are listed rather than rejected

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

Directions MakeDirections(const Camera& camera, size_t* table_bytes_left) {
  Directions directions;
  directions.camera = camera;
  directions.pinhole = camera.model == CameraModel::kOpenCv && !camera.HasDistortion();
  directions.inverse_fx = static_cast<float>(1 / camera.fx);
  directions.inverse_fy = static_cast<float>(1 / camera.fy);
  directions.cx = static_cast<float>(camera.cx);
  directions.cy = static_cast<float>(camera.cy);
  const size_t bytes = size_t{3} * sizeof(float) * camera.width * camera.height;
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

// The pixels of a view that its mask lets through.
struct PixelSet {
  uint32_t num_pixels = 0;
  uint64_t count = 0;          // of usable pixels
  std::vector<uint64_t> bits;  // empty: all
  std::vector<uint32_t> list;  // used instead of bits when few are left

  bool Has(uint32_t pixel) const { return (bits[pixel >> 6] >> (pixel & 63)) & 1; }

  // `first` is uniform in [0, count).
  uint32_t Draw(uint32_t first, Random& random) const {
    if (!list.empty()) return list[first];
    if (bits.empty()) return first;
    for (;;) {
      const uint32_t pixel = random.Below(num_pixels);
      if (Has(pixel)) return pixel;
    }
  }
};

PixelSet MakePixelSet(const Camera& camera, const ImageU8* mask) {
  PixelSet set;
  set.num_pixels = static_cast<uint32_t>(camera.width) * static_cast<uint32_t>(camera.height);
  set.count = set.num_pixels;
  if (mask == nullptr) return set;
  SF_CHECK_EQ(mask->num_pixels(), size_t{set.num_pixels});
  set.count = static_cast<uint64_t>(std::count(mask->data.begin(), mask->data.end(), uint8_t{255}));
  if (set.count == set.num_pixels) return set;
  if (static_cast<double>(set.count) < kListBelow * set.num_pixels) {
    set.list.reserve(set.count);
    for (uint32_t p = 0; p < set.num_pixels; ++p) {
      if (mask->data[p] == 255) set.list.push_back(p);
    }
    return set;
  }
  set.bits.resize((set.num_pixels + 63) / 64);
  for (uint32_t p = 0; p < set.num_pixels; ++p) {
    if (mask->data[p] == 255) set.bits[p >> 6] |= uint64_t{1} << (p & 63);
  }
  return set;
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
    PixelSet pixels;
    std::array<float, 9> rotation;  // world_from_camera, row-major
    std::array<float, 3> origin;
    std::shared_ptr<const ImageU8> image;  // null when not resident
  };
  struct Draw {
    uint32_t slot;
    uint32_t pixel;
  };

  const ImageStore& store;
  std::vector<Slot> slots;
  std::vector<Directions> directions;
  std::vector<uint64_t> ends;  // running sum of the slots' pixel counts
  bool resident = true;

  explicit Impl(const ImageStore& store_in) : store(store_in) {}

  void AddSlots(const Capture& capture, const std::vector<int>& views);
  void LoadImages(const Capture& capture);
  Draw DrawPixel(Random& random) const;
  // The slot whose share of all pixels holds `at`; *at becomes the position inside it.
  uint32_t SlotAt(uint64_t* at) const {
    const size_t k = std::upper_bound(ends.begin(), ends.end(), *at) - ends.begin();
    if (k > 0) *at -= ends[k - 1];
    return static_cast<uint32_t>(k);
  }
  void FillRay(const Draw& draw, const ImageU8& image, size_t i, RayBatch* batch) const;
  void SampleResident(Random& random, RayBatch* batch) const;
  void SampleFromFewViews(Random& random, RayBatch* batch) const;
};

void RaySampler::Impl::AddSlots(const Capture& capture, const std::vector<int>& views) {
  size_t table_bytes_left = kMaxTableBytes;
  std::map<decltype(CameraKey(Camera())), int> known;
  slots.resize(views.size());
  for (size_t k = 0; k < views.size(); ++k) {
    SF_CHECK(views[k] >= 0 && views[k] < static_cast<int>(capture.views.size()));
    Slot& slot = slots[k];
    slot.view = views[k];
    const Camera camera = store.CameraOf(slot.view);
    const auto [it, is_new] = known.emplace(CameraKey(camera), static_cast<int>(directions.size()));
    if (is_new) directions.push_back(MakeDirections(camera, &table_bytes_left));
    slot.directions = it->second;
    const Pose& pose = capture.views[slot.view].world_from_camera;
    for (int r = 0; r < 3; ++r) {
      slot.origin[r] = static_cast<float>(pose.translation[r]);
      for (int c = 0; c < 3; ++c) slot.rotation[3 * r + c] = static_cast<float>(pose.rotation(r, c));
    }
  }
  ParallelFor(static_cast<int64_t>(slots.size()), [&](int64_t k, int) {
    Slot& slot = slots[k];
    slot.pixels = MakePixelSet(directions[slot.directions].camera, store.Mask(slot.view).get());
  });
  uint64_t total = 0;
  for (const Slot& slot : slots) ends.push_back(total += slot.pixels.count);
}

void RaySampler::Impl::LoadImages(const Capture& capture) {
  size_t bytes = 0;
  for (const Slot& slot : slots) {
    bytes += (capture.views[slot.view].has_alpha ? size_t{4} : size_t{3}) * slot.pixels.num_pixels;
  }
  resident = bytes <= store.max_bytes();
  if (!resident) {
    LogWarning(
        "the photos need {} MiB decoded but only {} MiB are allowed: every batch will be drawn from {} "
        "views, which is "
        "slow. Use a larger downscale or allow more memory.",
        bytes >> 20, store.max_bytes() >> 20, kViewsPerBatch);
    return;
  }
  ParallelFor(static_cast<int64_t>(slots.size()),
              [&](int64_t k, int) { slots[k].image = store.Image(slots[k].view); });
}

RaySampler::Impl::Draw RaySampler::Impl::DrawPixel(Random& random) const {
  uint64_t at = Below64(random, ends.back());
  const uint32_t slot = SlotAt(&at);
  return {slot, slots[slot].pixels.Draw(static_cast<uint32_t>(at), random)};
}

void RaySampler::Impl::FillRay(const Draw& draw, const ImageU8& image, size_t i, RayBatch* batch) const {
  const Slot& slot = slots[draw.slot];
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
}

void RaySampler::Impl::SampleResident(Random& random, RayBatch* batch) const {
  std::array<Draw, kBlock> draws;
  for (size_t begin = 0; begin < batch->size(); begin += kBlock) {
    const size_t count = std::min(kBlock, batch->size() - begin);
    for (size_t k = 0; k < count; ++k) {
      draws[k] = DrawPixel(random);
      const Slot& slot = slots[draws[k].slot];
      // Every pixel is a cache miss, in the image and in the table: start them all before using any.
      __builtin_prefetch(slot.image->data.data() + size_t{draws[k].pixel} * slot.image->channels);
      const Directions& table = directions[slot.directions];
      if (!table.table.empty()) __builtin_prefetch(table.table.data() + size_t{3} * draws[k].pixel);
    }
    for (size_t k = 0; k < count; ++k) FillRay(draws[k], *slots[draws[k].slot].image, begin + k, batch);
  }
}

// Each of the views is drawn with its share of all pixels, so that every pixel stays equally likely.
void RaySampler::Impl::SampleFromFewViews(Random& random, RayBatch* batch) const {
  std::array<uint32_t, kViewsPerBatch> chosen;
  for (uint32_t& slot : chosen) {
    uint64_t at = Below64(random, ends.back());
    slot = SlotAt(&at);
  }
  for (int v = 0; v < kViewsPerBatch; ++v) {
    const Slot& slot = slots[chosen[v]];
    const std::shared_ptr<const ImageU8> image = store.Image(slot.view);
    for (size_t i = v; i < batch->size(); i += kViewsPerBatch) {
      const uint32_t at = random.Below(static_cast<uint32_t>(slot.pixels.count));
      FillRay({chosen[v], slot.pixels.Draw(at, random)}, *image, i, batch);
    }
  }
}

RaySampler::RaySampler(const Capture& capture, const ImageStore& store, std::vector<int> views)
    : impl_(std::make_unique<Impl>(store)) {
  if (views.empty()) throw InputError("no views to draw rays from");
  impl_->AddSlots(capture, views);
  if (impl_->ends.back() == 0) {
    throw InputError(
        "the masks of all {} views ignore every pixel: nothing is left to train on. Masks are 0 where a "
        "pixel is "
        "to be ignored.",
        views.size());
  }
  impl_->LoadImages(capture);
}
RaySampler::~RaySampler() = default;

void RaySampler::Sample(Random& random, size_t num_rays, RayBatch* batch) const {
  batch->Resize(num_rays);
  if (impl_->resident) {
    impl_->SampleResident(random, batch);
  } else {
    impl_->SampleFromFewViews(random, batch);
  }
}

}  // namespace semfield
