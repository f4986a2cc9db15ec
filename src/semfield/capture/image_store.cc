#include "semfield/capture/image_store.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/capture/decoding_limit.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/image/rgba.h"

namespace semfield {
namespace {

int SideAt(int side, double downscale) {
  return std::max(1, static_cast<int>(std::lround(side / downscale)));
}

void CheckAspect(const View& view, const std::filesystem::path& file, int width, int height) {
  if (width < 1 || height < 1 || !SameAspect(view.camera.width, view.camera.height, width, height)) {
    throw InputError("{}: {}x{} pixels are no scaling of the image '{}' ({}x{})", file.string(), width,
                     height, view.name, view.camera.width, view.camera.height);
  }
}

// Whether a mask's file says "use" at a pixel. In a mask with colours, any of them does; an alpha channel
// does not.
bool Uses(const View& view, const ImageU8& mask, size_t pixel) {
  bool use = false;
  for (int c = 0; c < std::min(mask.channels, 3); ++c) use = use || mask.data[pixel * mask.channels + c] != 0;
  return use != view.mask_inverted;
}

// The photo, RGB or RGBA, with its mask as its alpha; where it has its own, both must say that there is
// something.
ImageU8 WithMaskAsAlpha(const View& view, const ImageU8& image) {
  ImageU8 mask = ReadImage(view.mask);
  CheckAspect(view, view.mask, mask.width, mask.height);
  if (mask.width != image.width || mask.height != image.height)
    mask = ResizeNearest(mask, image.width, image.height);
  ImageU8 out(image.width, image.height, 4);
  for (size_t p = 0; p < out.num_pixels(); ++p) {
    const uint8_t* from = image.data.data() + p * image.channels;
    std::copy_n(from, 3, out.data.data() + 4 * p);
    const uint8_t alpha = image.channels == 4 ? from[3] : 255;
    out.data[4 * p + 3] = Uses(view, mask, p) ? alpha : 0;
  }
  return out;
}

ImageU8 LoadImage(const View& view, int width, int height) {
  if (view.image.empty()) {
    throw InputError(
        "view '{}': its photo is not there any more; say with --capture where the capture is now", view.name);
  }
  ImageU8 image = ReadImage(view.image);
  if (image.width != view.camera.width || image.height != view.camera.height) {
    throw InputError("{}: {}x{} pixels, but it had {}x{} when the capture was read", view.image.string(),
                     image.width, image.height, view.camera.width, view.camera.height);
  }
  if (image.channels != 3 && image.channels != 4) image = ToRgb(image, {0, 0, 0});
  if (view.mask_is_alpha) image = WithMaskAsAlpha(view, image);
  if (image.width == width && image.height == height) return image;
  return image.channels == 4 ? ResizeRgba(image, width, height) : Resize(image, width, height);
}

// Empties what is connected with a picture's border through empty pixels; what is left of the empty ones are
// holes.
void FloodFromBorder(ImageU8* empty) {
  std::vector<size_t> open;
  const auto visit = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= empty->width || y >= empty->height || empty->At(x, y) == 0) return;
    empty->At(x, y) = 0;
    open.push_back(static_cast<size_t>(y) * empty->width + x);
  };
  for (int x = 0; x < empty->width; ++x) visit(x, 0), visit(x, empty->height - 1);
  for (int y = 0; y < empty->height; ++y) visit(0, y), visit(empty->width - 1, y);
  while (!open.empty()) {
    const int x = static_cast<int>(open.back() % empty->width);
    const int y = static_cast<int>(open.back() / empty->width);
    open.pop_back();
    visit(x - 1, y), visit(x + 1, y), visit(x, y - 1), visit(x, y + 1);
  }
}

// Holes in the thing that a mask cuts out are not used: seen through an opening, one mask keeps the inside
// and the next one does not.
ImageU8 WithoutHoles(const View& view, const ImageU8& file) {
  ImageU8 mask(file.width, file.height, 1);
  for (size_t p = 0; p < mask.num_pixels(); ++p) mask.data[p] = Uses(view, file, p) ? 0 : 255;
  FloodFromBorder(&mask);
  for (uint8_t& value : mask.data) value = static_cast<uint8_t>(255 - value);
  return mask;
}

// A shrunk pixel is used only when everything that was averaged into it is.
ImageU8 LoadMask(const View& view, int width, int height) {
  const ImageU8 file = ReadImage(view.mask);
  CheckAspect(view, view.mask, file.width, file.height);
  ImageU8 mask(file.width, file.height, 1);
  for (size_t p = 0; p < mask.num_pixels(); ++p) mask.data[p] = Uses(view, file, p) ? 255 : 0;
  if (view.mask_is_alpha) mask = WithoutHoles(view, file);
  if (mask.width == width && mask.height == height) return mask;
  mask = mask.width < width ? ResizeNearest(mask, width, height) : Resize(mask, width, height);
  for (uint8_t& value : mask.data) value = value == 255 ? 255 : 0;
  return mask;
}

ImageU16 LoadIds(const View& view, const std::filesystem::path& file) {
  if (file.empty()) return {};
  ImageU16 ids = ReadImage16(file);
  CheckAspect(view, file, ids.width, ids.height);
  if (ids.width == view.camera.width && ids.height == view.camera.height) return ids;
  return ResizeNearest(ids, view.camera.width, view.camera.height);
}

}  // namespace

struct ImageStore::Impl {
  using Key = std::pair<int, bool>;  // view, whether its mask
  struct Entry {
    std::shared_ptr<const ImageU8> image;
    std::list<Key>::iterator place;
  };

  const Capture& capture;
  const double downscale;
  const size_t max_bytes;
  std::mutex mutex;
  std::condition_variable arrived;
  std::map<Key, Entry> entries;
  std::set<Key> in_flight;
  std::list<Key> recent;  // most recently used first
  size_t bytes = 0;
  size_t decoding = 0;  // bytes of pictures at their own size

  Impl(const Capture& capture_in, double downscale_in, size_t max_bytes_in)
      : capture(capture_in), downscale(downscale_in), max_bytes(max_bytes_in) {}

  const View& ViewAt(int index) const {
    SF_CHECK_GE(index, 0);
    SF_CHECK_LT(index, static_cast<int>(capture.views.size()));
    return capture.views[index];
  }

  // Held while a picture is in memory at its own size (decoding_limit.h).
  class DecodingTurn {
   public:
    DecodingTurn(Impl& store, size_t bytes) : store_(store), bytes_(bytes) {
      std::unique_lock<std::mutex> lock(store_.mutex);
      store_.arrived.wait(
          lock, [&] { return store_.decoding == 0 || store_.decoding + bytes_ <= kMaxDecodingBytes; });
      store_.decoding += bytes_;
    }
    ~DecodingTurn() {
      const std::lock_guard<std::mutex> lock(store_.mutex);
      store_.decoding -= bytes_;
      store_.arrived.notify_all();
    }
    DecodingTurn(const DecodingTurn&) = delete;
    DecodingTurn& operator=(const DecodingTurn&) = delete;

   private:
    Impl& store_;
    const size_t bytes_;
  };

  std::shared_ptr<const ImageU8> Decode(const Key& key) {
    const View& view = ViewAt(key.first);
    const DecodingTurn turn(*this, FullSizeBytes(view.camera));
    const int width = SideAt(view.camera.width, downscale), height = SideAt(view.camera.height, downscale);
    return std::make_shared<const ImageU8>(key.second ? LoadMask(view, width, height)
                                                      : LoadImage(view, width, height));
  }

  void Insert(const Key& key, const std::shared_ptr<const ImageU8>& image) {
    recent.push_front(key);
    entries[key] = {image, recent.begin()};
    bytes += image->data.size();
    while (bytes > max_bytes && recent.size() > 1) {
      const auto oldest = entries.find(recent.back());
      bytes -= oldest->second.image->data.size();
      entries.erase(oldest);
      recent.pop_back();
    }
  }

  std::shared_ptr<const ImageU8> Get(const Key& key) {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      const auto it = entries.find(key);
      if (it != entries.end()) {
        recent.splice(recent.begin(), recent, it->second.place);
        return it->second.image;
      }
      if (in_flight.insert(key).second) break;
      arrived.wait(lock);
    }
    lock.unlock();
    std::shared_ptr<const ImageU8> image;
    try {
      image = Decode(key);
    } catch (...) {
      // Those who wait try for themselves and get their own error.
      lock.lock();
      in_flight.erase(key);
      arrived.notify_all();
      throw;
    }
    lock.lock();
    Insert(key, image);
    in_flight.erase(key);
    arrived.notify_all();
    return image;
  }
};

ImageStore::ImageStore(const Capture& capture, double downscale, size_t max_bytes) {
  if (!(downscale >= 1 && downscale <= 65536)) {
    throw InputError("downscale {}: expected a factor from 1 up", downscale);
  }
  impl_ = std::make_unique<Impl>(capture, downscale, max_bytes);
}
ImageStore::~ImageStore() = default;

Camera ImageStore::CameraOf(int index) const {
  const Camera& camera = impl_->ViewAt(index).camera;
  const int width = SideAt(camera.width, impl_->downscale), height = SideAt(camera.height, impl_->downscale);
  return width == camera.width && height == camera.height ? camera : camera.Resized(width, height);
}

std::shared_ptr<const ImageU8> ImageStore::Image(int index) const {
  return impl_->Get({index, false});
}

std::shared_ptr<const ImageU8> ImageStore::Mask(int index) const {
  if (impl_->ViewAt(index).mask.empty()) return nullptr;
  return impl_->Get({index, true});
}

double ImageStore::downscale() const {
  return impl_->downscale;
}

double ImageStore::depth_unit() const {
  return impl_->capture.depth_unit;
}

size_t ImageStore::max_bytes() const {
  return impl_->max_bytes;
}

size_t ImageStore::bytes_in_use() const {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->bytes;
}

ImageU16 ImageStore::Instances(int index) const {
  const View& view = impl_->ViewAt(index);
  return LoadIds(view, view.instance);
}

ImageU16 ImageStore::Classes(int index) const {
  const View& view = impl_->ViewAt(index);
  ImageU16 ids = LoadIds(view, view.semantic);
  const std::vector<uint16_t>& class_of = impl_->capture.class_of_label;
  if (class_of.empty()) return ids;
  for (uint16_t& id : ids.data) {
    if (id >= class_of.size())
      throw InputError("{}: label {}, but the labels of this capture are 0 to {}", view.semantic.string(), id,
                       class_of.size() - 1);
    id = class_of[id];
  }
  return ids;
}

ImageF ImageStore::Depth(int index) const {
  const View& view = impl_->ViewAt(index);
  if (view.depth.empty()) return {};
  const ImageU16 map = ReadImage16(view.depth);
  CheckAspect(view, view.depth, map.width, map.height);
  ImageF depth(view.camera.width, view.camera.height, 1);
  const double step_x = static_cast<double>(depth.width) / map.width;
  const double step_y = static_cast<double>(depth.height) / map.height;
  const double unit = impl_->capture.depth_unit;
  for (int y = 0; y < map.height; ++y) {
    for (int x = 0; x < map.width; ++x) {
      depth.At(static_cast<int>((x + 0.5) * step_x), static_cast<int>((y + 0.5) * step_y)) =
          static_cast<float>(map.At(x, y) * unit);
    }
  }
  return depth;
}

}  // namespace semfield
