#include "semfield/image/sharpness.h"

namespace semfield {

double LaplacianVariance(const ImageU8& image) {
  if (image.width < 3 || image.height < 3) return 0;
  // Whole numbers: the sums of 2^28 pixels fit, and nothing depends on the order.
  int64_t sum = 0, sum_of_squares = 0;
  for (int y = 1; y + 1 < image.height; ++y) {
    for (int x = 1; x + 1 < image.width; ++x) {
      const int value = image.At(x - 1, y) + image.At(x + 1, y) + image.At(x, y - 1) + image.At(x, y + 1) -
                        4 * image.At(x, y);
      sum += value;
      sum_of_squares += int64_t{value} * value;
    }
  }
  const double count = static_cast<double>(image.width - 2) * (image.height - 2);
  const double mean = static_cast<double>(sum) / count;
  return static_cast<double>(sum_of_squares) / count - mean * mean;
}

}  // namespace semfield
