#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

// Distance of every pixel to the nearest zero of its own column, the rows above and below the image counting
// as zero.
std::vector<int> ColumnDistances(const ImageU8& mask) {
  const int width = mask.width, height = mask.height;
  std::vector<int> distance(mask.num_pixels());
  ParallelChunks(width, 256, [&](int64_t begin, int64_t end, int) {
    for (int y = 0; y < height; ++y) {
      for (int64_t x = begin; x < end; ++x) {
        const size_t i = static_cast<size_t>(y) * width + x;
        distance[i] = mask.data[i] == 0 ? 0 : 1 + (y > 0 ? distance[i - width] : 0);
      }
    }
    for (int y = height - 1; y >= 0; --y) {
      for (int64_t x = begin; x < end; ++x) {
        const size_t i = static_cast<size_t>(y) * width + x;
        distance[i] = std::min(distance[i], 1 + (y + 1 < height ? distance[i + width] : 0));
      }
    }
  });
  return distance;
}

// Lower envelope of parabolas along a row (Felzenszwalb and Huttenlocher 2012, section 2.1). Positions -1 and
// width are outside the image: zero height.
class RowEnvelope {
 public:
  explicit RowEnvelope(int width)
      : width_(width), center_(width + 2), height_(width + 2), begin_(width + 3) {}

  void Run(const int* column_distance, float* out) {
    int count = 0;
    for (int x = -1; x <= width_; ++x) {
      const double at = x < 0 || x == width_ ? 0.0 : column_distance[x];
      Add(x, at * at, count);
    }
    int k = 0;
    for (int x = 0; x < width_; ++x) {
      while (k + 1 < count && begin_[k + 1] < x) ++k;
      const double across = x - center_[k];
      out[x] = static_cast<float>(across * across + height_[k]);
    }
  }

 private:
  void Add(int x, double height, int& count) {
    double begin = -std::numeric_limits<double>::infinity();
    while (count > 0) {
      const double other = center_[count - 1];
      begin = ((height + double(x) * x) - (height_[count - 1] + other * other)) / (2 * (x - other));
      if (begin > begin_[count - 1]) break;
      --count;
      begin = -std::numeric_limits<double>::infinity();
    }
    center_[count] = x;
    height_[count] = height;
    begin_[count] = begin;
    ++count;
  }

  int width_;
  std::vector<double> center_, height_, begin_;
};

}  // namespace

ImageF DistanceToBorder(const ImageU8& mask) {
  SF_CHECK_EQ(mask.channels, 1);
  ImageF out(mask.width, mask.height, 1);
  const std::vector<int> columns = ColumnDistances(mask);
  ParallelChunks(mask.height, 16, [&](int64_t begin, int64_t end, int) {
    RowEnvelope envelope(mask.width);
    for (int64_t y = begin; y < end; ++y) {
      envelope.Run(columns.data() + y * mask.width, out.data.data() + y * mask.width);
    }
  });
  return out;
}

}  // namespace semfield
