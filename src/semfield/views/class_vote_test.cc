#include "semfield/views/class_vote.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/random.h"
#include "semfield/base/test_threads.h"
#include "semfield/image/pixels.h"
#include "semfield/surface/surface_test_util.h"

namespace semfield {
namespace {

constexpr int kClasses = 3;

// A camera at (x, 0, 0) that looks along z at a wall 2 away, unless `depth` says otherwise.
DepthView Facing(double x, float depth = 2) {
  DepthView view{.view = 0,
                 .camera = {.width = 8, .height = 8, .fx = 8, .fy = 8, .cx = 4, .cy = 4},
                 .world_from_camera = {Mat3::Identity(), {x, 0, 0}},
                 .depth = ImageF(8, 8, 1, depth)};
  return view;
}

// The same of every place.
ImageF Says(const std::array<float, kClasses>& probability) {
  ImageF classes(4, 4, kClasses);
  for (size_t i = 0; i < classes.data.size(); ++i) classes.data[i] = probability[i % kClasses];
  return classes;
}

const std::array<float, kClasses> kA = {0.7f, 0.2f, 0.1f}, kB = {0.1f, 0.3f, 0.6f};

TEST(ClassVote, IsTheWeightedMeanOfProbabilities) {
  const DepthView left = Facing(-0.2), right = Facing(0.2);
  const ImageF a = Says(kA), b = Says(kB);
  ClassVote vote({{0, 0, 2}}, kClasses, {.cell_size = 0.01});
  const float weight_a = 3, weight_b = 1;
  vote.Add({&left, &a}, {&weight_a, 1});
  vote.Add({&right, &b}, {&weight_b, 1});
  const VotedClasses voted = vote.Result();
  EXPECT_EQ(voted.seen_by[0], 2);
  for (int c = 0; c < kClasses; ++c) EXPECT_NEAR(voted.probability[c], (3 * kA[c] + kB[c]) / 4, 1e-6) << c;
  EXPECT_EQ(voted.ClassOf(0), 0);
}

// softmax((log a + log b) / 2): the normalised geometric mean.
TEST(ClassVote, OnLogitsIsTheGeometricMean) {
  const DepthView left = Facing(-0.2), right = Facing(0.2);
  const ImageF a = Says(kA), b = Says(kB);
  ClassVote vote({{0, 0, 2}}, kClasses, {.on = VoteRule::On::kLogits, .cell_size = 0.01});
  vote.Add({&left, &a});
  vote.Add({&right, &b});
  const VotedClasses voted = vote.Result();
  double sum = 0;
  for (int c = 0; c < kClasses; ++c) sum += std::sqrt(kA[c] * kB[c]);
  for (int c = 0; c < kClasses; ++c)
    EXPECT_NEAR(voted.probability[c], std::sqrt(kA[c] * kB[c]) / sum, 1e-6) << c;
}

TEST(ClassVote, WhoDoesNotSeeAPlaceVotesOnlyIfNobodyDoes) {
  const DepthView sees = Facing(-0.2), hidden = Facing(0.2, 1);  // something 1 away stands before it
  const ImageF a = Says(kA), b = Says(kB);
  const std::vector<Vec3> place = {{0, 0, 2}};
  ClassVote both(place, kClasses, {.cell_size = 0.01});
  both.Add({&hidden, &b});
  both.Add({&sees, &a});
  EXPECT_EQ(both.Result().seen_by[0], 1);
  EXPECT_NEAR(both.Result().probability[0], kA[0], 1e-6);
  ClassVote alone(place, kClasses, {.cell_size = 0.01});
  alone.Add({&hidden, &b});
  EXPECT_EQ(alone.Result().seen_by[0], 0);
  EXPECT_NEAR(alone.Result().probability[2], kB[2], 1e-6);
  ClassVote blind(place, kClasses, {.visibility = false});
  blind.Add({&hidden, &b});
  blind.Add({&sees, &a});
  EXPECT_EQ(blind.Result().seen_by[0], 2);
  EXPECT_NEAR(blind.Result().probability[0], (kA[0] + kB[0]) / 2, 1e-6);
}

TEST(ClassVote, WhatLiesInNoPictureHasNoClass) {
  const DepthView view = Facing(0);
  const ImageF a = Says(kA);
  ClassVote vote({{50, 0, 2}, {0, 0, -2}}, kClasses, {});
  vote.Add({&view, &a});
  EXPECT_EQ(vote.Result().ClassOf(0), -1);
  EXPECT_EQ(vote.Result().ClassOf(1), -1);
}

TEST(SampleAllChannels, IsBilinearOfEachChannel) {
  Random random(3);
  ImageF image(5, 4, kClasses);
  for (float& value : image.data) value = random.Uniform();
  std::array<float, kClasses> values;
  for (int i = 0; i < 200; ++i) {
    const double x = random.Uniform(-1, 6), y = random.Uniform(-1, 5);
    SampleAllChannels(image, x, y, values);
    for (int c = 0; c < kClasses; ++c) EXPECT_NEAR(values[c], SampleBilinear(image, x, y, c), 1e-6);
  }
}

// A room whose instances are the classes.
class RoomVoteTest : public testing::Test {
 protected:
  RoomVoteTest() : room_(12, 80, 60) {
    for (const Image<int>& ids : room_.instances)
      for (const int id : ids.data) num_classes_ = std::max(num_classes_, id + 1);
    for (const Image<int>& ids : room_.instances) {
      ImageF one(ids.width, ids.height, num_classes_);
      for (size_t i = 0; i < ids.data.size(); ++i) one.data[i * num_classes_ + ids.data[i]] = 1;
      classes_.push_back(std::move(one));
    }
    for (int y = 0; y < 60; y += 3) {
      for (int x = 0; x < 80; x += 3) {
        const auto place = room_.depths[0].PointAt({x + 0.5, y + 0.5});
        if (!place) continue;
        places_.push_back(*place);
        truth_.push_back(room_.instances[0].At(x, y));
      }
    }
    cell_size_ = 3 * MedianFootprint(room_.depths);
  }

  // The vote of all views but the first, in a world that is so many times larger.
  VotedClasses Vote(VoteRule rule, double scale = 1) {
    rule.cell_size = scale * cell_size_;
    std::vector<Vec3> places = places_;
    for (Vec3& place : places) place *= scale;
    ClassVote vote(places, num_classes_, rule);
    Random random(1);
    for (size_t v = 1; v < room_.depths.size(); ++v) {
      DepthView depth = room_.depths[v];
      depth.world_from_camera.translation *= scale;
      for (float& z : depth.depth.data) z *= static_cast<float>(scale);
      std::vector<float> weights(places.size());
      for (float& weight : weights) weight = random.Uniform(0.5f, 1);
      vote.Add({&depth, &classes_[v]}, weights);
    }
    return vote.Result();
  }

  double ShareRight(const VotedClasses& voted) const {
    int right = 0;
    for (size_t p = 0; p < truth_.size(); ++p) right += voted.ClassOf(static_cast<int64_t>(p)) == truth_[p];
    return right / static_cast<double>(truth_.size());
  }

  RoomOfDepths room_;
  std::vector<ImageF> classes_;
  int num_classes_ = 0;
  std::vector<Vec3> places_;
  std::vector<int> truth_;
  double cell_size_ = 0;
};

TEST_F(RoomVoteTest, AgreesWithTheLabelsAndVisibilityHelps) {
  const double seeing = ShareRight(Vote({})), blind = ShareRight(Vote({.visibility = false}));
  EXPECT_GT(seeing, 0.8);
  EXPECT_GT(seeing, blind + 0.02);
}

TEST_F(RoomVoteTest, IsAConvexMixWhateverTheWeights) {
  const VotedClasses voted = Vote({});
  for (size_t p = 0; p < places_.size(); ++p) {
    double sum = 0;
    for (int c = 0; c < num_classes_; ++c) {
      const float value = voted.probability[p * num_classes_ + c];
      EXPECT_GE(value, 0);
      EXPECT_LE(value, 1 + 1e-5);
      sum += value;
    }
    if (voted.ClassOf(static_cast<int64_t>(p)) >= 0) {
      EXPECT_NEAR(sum, 1, 1e-4);
    }
  }
}

// s(x) is of the place alone: asked among others, as from another view's ray, it has the same bits.
TEST_F(RoomVoteTest, KnowsNothingOfTheRayThatAsks) {
  ClassVote all(places_, num_classes_, {.cell_size = cell_size_});
  std::vector<Vec3> reversed(places_.rbegin(), places_.rend());
  ClassVote other(reversed, num_classes_, {.cell_size = cell_size_});
  for (size_t v = 1; v < room_.depths.size(); ++v) {
    all.Add({&room_.depths[v], &classes_[v]});
    other.Add({&room_.depths[v], &classes_[v]});
  }
  const VotedClasses a = all.Result(), b = other.Result();
  for (size_t p = 0; p < places_.size(); ++p) {
    for (int c = 0; c < num_classes_; ++c) {
      ASSERT_EQ(a.probability[p * num_classes_ + c],
                b.probability[(places_.size() - 1 - p) * num_classes_ + c]);
    }
  }
}

TEST_F(RoomVoteTest, ALargerWorldHasTheSameClasses) {
  const VotedClasses one = Vote({}), ten = Vote({}, 10);
  for (size_t p = 0; p < places_.size(); ++p)
    EXPECT_EQ(one.ClassOf(static_cast<int64_t>(p)), ten.ClassOf(static_cast<int64_t>(p))) << p;
}

TEST_F(RoomVoteTest, ThreadsDoNotChangeTheAnswer) {
  std::vector<float> alone;
  {
    const ScopedThreads one(1);
    alone = Vote({}).probability;
  }
  const ScopedThreads three(3);
  EXPECT_EQ(alone, Vote({}).probability);
}

}  // namespace
}  // namespace semfield
