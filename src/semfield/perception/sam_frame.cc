#include "semfield/perception/sam_frame.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr size_t kMaxPixels = size_t{1} << 28;
constexpr size_t kMaxPoints = 64;
constexpr int kRowsPerTask = 32;

// The low-resolution samples that one output sample mixes along one axis. Two bilinear steps in a row touch
// at most four samples when the middle one enlarges; fewer are kept when weights fall on the same one.
struct Mix {
  std::array<int, 4> index{};
  std::array<float, 4> weight{};
  int count = 0;
  void Add(int at, double value) {
    for (int i = 0; i < count; ++i)
      if (index[i] == at) {
        weight[i] += static_cast<float>(value);
        return;
      }
    SF_CHECK_LT(count, 4);
    index[count] = at;
    weight[count++] = static_cast<float>(value);
  }
};

struct Neighbors {
  int low = 0;
  int high = 0;
  double fraction = 0;  // weight of high
};

// Half-pixel centres, clamped at both ends.
Neighbors Bilinear(int at, int out_size, int in_size) {
  const double position = (at + 0.5) * in_size / out_size - 0.5;
  const double clamped = std::clamp(position, 0.0, in_size - 1.0);
  const int low = static_cast<int>(clamped);
  return {low, std::min(low + 1, in_size - 1), clamped - low};
}

// low resolution -> padded frame -> cut to `frame_size` -> `image_size`.
std::vector<Mix> MixesAlong(int image_size, int frame_size, int input_size, int mask_size) {
  std::vector<Mix> mixes(image_size);
  for (int i = 0; i < image_size; ++i) {
    const Neighbors outer = Bilinear(i, image_size, frame_size);
    const auto add = [&](int at, double weight) {
      const Neighbors inner = Bilinear(at, input_size, mask_size);
      mixes[i].Add(inner.low, weight * (1 - inner.fraction));
      mixes[i].Add(inner.high, weight * inner.fraction);
    };
    add(outer.low, 1 - outer.fraction);
    add(outer.high, outer.fraction);
  }
  return mixes;
}

void CheckInside(double x, double y, const SamFrame& frame, const char* what) {
  const bool inside = x >= 0 && y >= 0 && x <= frame.image_width && y <= frame.image_height;  // false for NaN
  if (!inside)
    throw InputError("{} at ({:g}, {:g}) is outside the image of {} x {} pixels", what, x, y,
                     frame.image_width, frame.image_height);
}

}  // namespace

SamFrame MakeSamFrame(int image_width, int image_height, int input_size) {
  SF_CHECK_GT(input_size, 0);
  if (image_width < 1 || image_height < 1 || static_cast<size_t>(image_width) * image_height > kMaxPixels)
    throw InputError("an image of {} x {} pixels: expected 1 to {} pixels", image_width, image_height,
                     kMaxPixels);
  SamFrame frame{image_width, image_height, input_size, 0, 0};
  const double scale = static_cast<double>(input_size) / std::max(image_width, image_height);
  frame.width = std::clamp(static_cast<int>(std::lround(image_width * scale)), 1, input_size);
  frame.height = std::clamp(static_cast<int>(std::lround(image_height * scale)), 1, input_size);
  return frame;
}

std::vector<float> SamInput(const ImageU8& rgb, int input_size, const std::array<double, 3>& mean,
                            const std::array<double, 3>& std) {
  if (rgb.channels != 3 || rgb.data.size() != rgb.num_pixels() * 3)
    throw InputError("the image encoder expects RGB with 3 channels, got {}", rgb.channels);
  const SamFrame frame = MakeSamFrame(rgb.width, rgb.height, input_size);
  const bool fits = frame.width == rgb.width && frame.height == rgb.height;
  const ImageU8 resized = fits ? ImageU8() : Resize(rgb, frame.width, frame.height);
  const ImageU8& picture = fits ? rgb : resized;

  const size_t plane = static_cast<size_t>(input_size) * input_size;
  std::vector<float> input(3 * plane, 0.0f);
  std::array<std::array<float, 256>, 3> normalised;
  for (int c = 0; c < 3; ++c)
    for (int value = 0; value < 256; ++value)
      normalised[c][value] = static_cast<float>((value - mean[c]) / std[c]);
  ParallelChunks(frame.height, kRowsPerTask, [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y) {
      const uint8_t* row = &picture.data[static_cast<size_t>(y) * frame.width * 3];
      for (int c = 0; c < 3; ++c) {
        float* out = &input[c * plane + static_cast<size_t>(y) * input_size];
        for (int x = 0; x < frame.width; ++x) out[x] = normalised[c][row[3 * x + c]];
      }
    }
  });
  return input;
}

SamPrompt MakeSamPrompt(const Prompt& prompt, const SamFrame& frame) {
  if (!prompt.words.empty() || !prompt.classes.empty())
    throw InputError("this decoder answers clicks and boxes, not words or classes");
  if (prompt.points.empty() && prompt.boxes.empty())
    throw InputError("the prompt is empty: give a click (--click x,y) or a box (--box x0,y0,x1,y1)");
  if (prompt.boxes.size() > 1)
    throw InputError("{} boxes in one prompt: this decoder answers one box at a time", prompt.boxes.size());
  if (prompt.points.size() > kMaxPoints)
    throw InputError("{} clicks in one prompt, expected at most {}", prompt.points.size(), kMaxPoints);
  SamPrompt sam;
  const double scale_x = static_cast<double>(frame.width) / frame.image_width;
  const double scale_y = static_cast<double>(frame.height) / frame.image_height;
  const auto add = [&](double x, double y, float label) {
    // Our pixel centres are at +0.5 already; the graph adds another half pixel to what it reads.
    sam.coords.push_back(static_cast<float>(x * scale_x - 0.5));
    sam.coords.push_back(static_cast<float>(y * scale_y - 0.5));
    sam.labels.push_back(label);
  };
  for (const PromptPoint& point : prompt.points) {
    CheckInside(point.x, point.y, frame, "a click");
    add(point.x, point.y, point.positive ? 1.0f : 0.0f);
  }
  for (const PromptBox& box : prompt.boxes) {
    CheckInside(box.x0, box.y0, frame, "a box corner");
    CheckInside(box.x1, box.y1, frame, "a box corner");
    if (!(box.x0 < box.x1 && box.y0 < box.y1))
      throw InputError("a box from ({:g}, {:g}) to ({:g}, {:g}) is empty: expected x0 < x1 and y0 < y1",
                       box.x0, box.y0, box.x1, box.y1);
    add(box.x0, box.y0, 2.0f);
    add(box.x1, box.y1, 3.0f);
  }
  if (prompt.boxes.empty()) {
    sam.coords.insert(sam.coords.end(), {0.0f, 0.0f});
    sam.labels.push_back(-1.0f);
  }
  return sam;
}

ImageF SamLogitsToImage(std::span<const float> low_res, int mask_size, const SamFrame& frame) {
  SF_CHECK_EQ(low_res.size(), static_cast<size_t>(mask_size) * mask_size);
  const std::vector<Mix> columns = MixesAlong(frame.image_width, frame.width, frame.input_size, mask_size);
  const std::vector<Mix> rows = MixesAlong(frame.image_height, frame.height, frame.input_size, mask_size);
  ImageF image(frame.image_width, frame.image_height, 1);
  ParallelChunks(frame.image_height, kRowsPerTask, [&](int64_t begin, int64_t end, int) {
    std::vector<float> mixed(mask_size);
    for (int64_t y = begin; y < end; ++y) {
      std::fill(mixed.begin(), mixed.end(), 0.0f);
      const Mix& row = rows[y];
      for (int i = 0; i < row.count; ++i) {
        const float* source = &low_res[static_cast<size_t>(row.index[i]) * mask_size];
        for (int x = 0; x < mask_size; ++x) mixed[x] += row.weight[i] * source[x];
      }
      float* out = &image.data[static_cast<size_t>(y) * frame.image_width];
      for (int x = 0; x < frame.image_width; ++x) {
        const Mix& column = columns[x];
        float sum = 0;
        for (int i = 0; i < column.count; ++i) sum += column.weight[i] * mixed[column.index[i]];
        out[x] = sum;
      }
    }
  });
  return image;
}

}  // namespace semfield
