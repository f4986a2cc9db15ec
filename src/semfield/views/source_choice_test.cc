#include "semfield/views/source_choice.h"

#include <gtest/gtest.h>

#include "semfield/surface/surface_test_util.h"

namespace semfield {
namespace {

DepthView At(const Vec3& eye, const Vec3& target) {
  return {.view = 0,
          .camera = {.width = 8, .height = 8, .fx = 8, .fy = 8, .cx = 4, .cy = 4},
          .world_from_camera = LookAt(eye, target, {0, 0, 1}),
          .depth = ImageF(8, 8, 1, 1)};
}

// By hand: angle + distance over the target's distance from the center, which is 2.
TEST(NearestSources, ByAngleAndDistance) {
  const Vec3 center = Vec3::Zero();
  const Pose target = LookAt({2, 0, 0}, center, {0, 0, 1});
  const std::vector<DepthView> candidates = {
      At({0, 2, 0}, center),             // a quarter turn: 1.57 + 1.41
      At({4, 0, 0}, center),             // behind the target: 0 + 1
      At({1.9, 0.2, 0}, {2.9, 0.2, 0}),  // beside it, but looks away
      At({2, 0.4, 0}, center),           // beside it: 0.2 + 0.2
      At({-2, 0, 0}, center),            // opposite: 3.14 + 2
  };
  EXPECT_EQ(NearestSources(candidates, target, center, 5), (std::vector<int>{3, 1, 0, 4, 2}));
  EXPECT_EQ(NearestSources(candidates, target, center, 2), (std::vector<int>{3, 1}));
  EXPECT_EQ(NearestSources(candidates, target, center, 50).size(), 5u);
  EXPECT_TRUE(NearestSources({}, target, center, 5).empty());
}

TEST(NearestSources, AreTheSameInALargerWorldAroundAnotherPlace) {
  const Vec3 shift(3, -4, 5);
  std::vector<DepthView> small, large;
  for (int i = 0; i < 9; ++i) {
    const Vec3 eye(2 * std::cos(0.9 * i), 2 * std::sin(0.9 * i), 0.3 * (i % 3));
    small.push_back(At(eye, Vec3::Zero()));
    large.push_back(At(10 * eye + shift, shift));
  }
  const Vec3 eye(1.5, 0.7, 0.2);
  EXPECT_EQ(NearestSources(small, LookAt(eye, Vec3::Zero(), {0, 0, 1}), Vec3::Zero(), 9),
            NearestSources(large, LookAt(10 * eye + shift, shift, {0, 0, 1}), shift, 9));
}

TEST(SeeingSources, TheFirstSeesMostAndTheOthersAdd) {
  const RoomOfDepths room(12, 80, 60);
  const double cell = 3 * MedianFootprint(room.depths);
  std::vector<Vec3> places;
  for (int y = 1; y < 60; y += 5) {
    for (int x = 1; x < 80; x += 5) {
      if (const auto place = room.depths[0].PointAt({x + 0.5, y + 0.5})) places.push_back(*place);
    }
  }
  const std::span<const DepthView> others = std::span(room.depths).subspan(1);
  const auto seen = [&](int source) {
    return std::count_if(places.begin(), places.end(),
                         [&](const Vec3& place) { return others[source].Sees(place, cell); });
  };
  const std::vector<int> chosen = SeeingSources(others, places, cell, 4);
  ASSERT_EQ(chosen.size(), 4u);
  for (int i = 0; i < static_cast<int>(others.size()); ++i) EXPECT_LE(seen(i), seen(chosen[0])) << i;
  // Of a few more, the first ones are the same.
  const std::vector<int> more = SeeingSources(others, places, cell, 6);
  EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(), more.begin()));
}

TEST(SeeingSources, WhoSeesNothingIsNotChosen) {
  const std::vector<DepthView> candidates = {At({2, 0, 0}, {3, 0, 0}), At({2, 0, 0}, {1, 0, 0})};
  const std::vector<Vec3> places = {{1, 0, 0}};
  EXPECT_EQ(SeeingSources(candidates, places, 0.01, 5), (std::vector<int>{1}));
  EXPECT_TRUE(SeeingSources(candidates, std::vector<Vec3>{}, 0.01, 5).empty());
}

}  // namespace
}  // namespace semfield
