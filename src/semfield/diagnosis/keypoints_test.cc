#include "semfield/diagnosis/keypoints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/random.h"
#include "semfield/diagnosis/evidence.h"

namespace semfield::diagnosis {
namespace {

struct Blob {
  double x, y, sigma, height;
};

ImageF Draw(int width, int height, const std::vector<Blob>& blobs) {
  ImageF image(width, height, 1, 0.5f);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const Blob& blob : blobs) {
        const double dx = x + 0.5 - blob.x, dy = y + 0.5 - blob.y;
        image.At(x, y) += static_cast<float>(
            blob.height * std::exp(-0.5 * (dx * dx + dy * dy) / (blob.sigma * blob.sigma)));
      }
    }
  }
  return image;
}

std::vector<Blob> RandomBlobs(int count, int width, int height) {
  Random random(5);
  std::vector<Blob> blobs;
  for (int i = 0; i < count; ++i) {
    blobs.push_back({random.Uniform(10, width - 10.f), random.Uniform(10, height - 10.f),
                     random.Uniform(2, 5), random.Uniform(0.1f, 0.3f) * (random.Below(2) ? 1 : -1)});
  }
  return blobs;
}

// A Gaussian blob is found at its centre and in its size, whatever octave it falls into.
TEST(Keypoints, FindABlobWhereItIs) {
  for (const bool enlarge : {false, true}) {
    for (const double sigma : {3.0, 4.5, 8.0}) {
      const Blob blob{60.3, 47.8, sigma, 0.4};
      const Keypoints found = FindKeypoints(Draw(128, 96, {blob}), {}, {.enlarge = enlarge});
      ASSERT_FALSE(found.points.empty()) << sigma;
      EXPECT_NEAR(found.points[0].x, blob.x, 0.1) << sigma << enlarge;
      EXPECT_NEAR(found.points[0].y, blob.y, 0.1) << sigma << enlarge;
      EXPECT_NEAR(found.points[0].scale, sigma, 0.25 * sigma);
      EXPECT_EQ(found.descriptors.size(), found.points.size() * kDescriptorSize);
    }
  }
}

TEST(Keypoints, NoneWhereNothingIsOrMayBeUsed) {
  EXPECT_TRUE(FindKeypoints(ImageF(64, 64, 1, 0.3f), {}, {}).points.empty());
  EXPECT_TRUE(FindKeypoints(ImageF(7, 5, 1, 0.3f), {}, {}).points.empty());
  const ImageF image = Draw(128, 96, RandomBlobs(30, 128, 96));
  ImageU8 use(128, 96, 1, 255);
  for (int y = 0; y < 96; ++y) std::fill_n(&use.data[128 * y], 64, uint8_t{0});
  const Keypoints found = FindKeypoints(image, use, {});
  EXPECT_FALSE(found.points.empty());
  for (const Keypoint& point : found.points) EXPECT_GE(point.x, 64);
}

// Turned by 90 degrees and moved, the same things match each other.
TEST(Keypoints, MatchWhenTurned) {
  const int size = 160;
  std::vector<Blob> blobs = RandomBlobs(60, size, size);
  const Keypoints a = FindKeypoints(Draw(size, size, blobs), {}, {.enlarge = true});
  for (Blob& blob : blobs) blob = {size - blob.y, blob.x, blob.sigma, blob.height};
  const Keypoints b = FindKeypoints(Draw(size, size, blobs), {}, {.enlarge = true});
  const auto matches = MatchByLooks(a, b, 1000);
  EXPECT_GT(matches.size(), 0.6 * a.points.size() / 2);
  int right = 0;
  for (const auto& [i, j] : matches) {
    right += std::hypot(size - a.points[i].y - b.points[j].x, a.points[i].x - b.points[j].y) < 1;
  }
  EXPECT_GT(right, 0.95 * matches.size());
}

// Matches of two views of random points, a third of them wrong: the right ones are found without any pose.
TEST(ConsistentMatches, ArePickedOutOfWrongOnes) {
  Random random(3);
  const Pose b_from_a{Mat3(LookAt(Vec3::Zero(), Vec3(0.2, 0.1, 1), -Vec3::UnitY()).rotation),
                      Vec3(1, 0.2, 0.1)};
  std::vector<Vec3> a, b;
  std::vector<std::pair<int, int>> matches;
  for (int i = 0; i < 120; ++i) {
    const Vec3 point(random.Uniform(-2, 2), random.Uniform(-2, 2), random.Uniform(4, 8));
    const Vec3 other(random.Uniform(-2, 2), random.Uniform(-2, 2), random.Uniform(4, 8));
    a.push_back(point.normalized());
    b.push_back((b_from_a * (i % 3 == 0 ? other : point)).normalized());
    matches.emplace_back(i, i);
  }
  const auto consistent = ConsistentMatches(matches, a, b, 1e-3, 1);
  ASSERT_GE(consistent.size(), 80u);
  EXPECT_LE(consistent.size(), 90u);
  EXPECT_GE(
      std::count_if(consistent.begin(), consistent.end(), [](const auto& m) { return m.first % 3 != 0; }),
      79);
  // Nothing but chance: none.
  for (Vec3& direction : b) direction = Vec3(random.Uniform(-1, 1), random.Uniform(-1, 1), 1).normalized();
  EXPECT_TRUE(ConsistentMatches(matches, a, b, 1e-3, 1).empty());
}

}  // namespace
}  // namespace semfield::diagnosis
