#include "semfield/run/view_list.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "semfield/base/error.h"

namespace semfield {
namespace {

Capture SomeCapture(int count) {
  Capture capture;
  for (int i = 0; i < count; ++i) {
    View view;
    view.name = fmt::format("{:03}.jpg", i);
    view.camera = PinholeCamera(64, 48, 1.0);
    view.camera.k1 = 0.1 / 3;
    if (i % 2 == 1) view.camera.model = CameraModel::kFisheye;
    view.world_from_camera = LookAt(Vec3(1.0 / 3 + i, 2, 0.7), Vec3::Zero(), Vec3::UnitZ());
    view.image = "/somewhere/" + view.name;
    view.has_alpha = i == 2;
    capture.views.push_back(view);
    (i % 8 == 0 ? capture.held_out : capture.train).push_back(i);
  }
  capture.split_rule = "every 8th";
  capture.extent = SceneExtent::kBounded;
  capture.bounds = {Vec3(-1.0 / 3, -1, -1), Vec3(1, 1, 1)};
  capture.bounds_rule = "by hand";
  capture.points = {{.position = Vec3(0, 0, 1)}};
  capture.observations = {{.view = 1, .point = 0}, {.view = 4, .point = 0}};
  return capture;
}

Capture ThereAndBack(const Capture& capture) {
  return CaptureOfViewList(ParseJson(DumpJson(ViewListJson(capture)), "list"), "views.json");
}

TEST(ViewList, HoldsEverythingThatAFieldHangsOn) {
  const Capture before = SomeCapture(10), after = ThereAndBack(before);
  ASSERT_EQ(after.views.size(), before.views.size());
  for (size_t i = 0; i < before.views.size(); ++i) {
    const View &a = before.views[i], &b = after.views[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.camera.fx, b.camera.fx);
    EXPECT_EQ(a.camera.k1, b.camera.k1);
    EXPECT_EQ(a.camera.model, b.camera.model);
    EXPECT_EQ(a.world_from_camera.rotation, b.world_from_camera.rotation);  // to the last bit
    EXPECT_EQ(a.world_from_camera.translation, b.world_from_camera.translation);
    EXPECT_EQ(a.has_alpha, b.has_alpha);
    EXPECT_TRUE(b.image.empty());
  }
  EXPECT_EQ(after.train, before.train);
  EXPECT_EQ(after.held_out, before.held_out);
  EXPECT_EQ(after.split_rule, before.split_rule);
  EXPECT_EQ(after.extent, before.extent);
  EXPECT_EQ(after.bounds.min, before.bounds.min);
}

TEST(ViewList, MatchesViewsByName) {
  Capture list = ThereAndBack(SomeCapture(10));
  Capture now = SomeCapture(10);
  now.views.erase(now.views.begin() + 4);  // all later ones are at other places now
  for (Observation& seen : now.observations) seen.view = seen.view == 4 ? 5 : seen.view;
  View added;
  added.name = "new.jpg";
  now.views.push_back(added);
  now.views[6].camera.fx *= 1.1;  // 007.jpg
  const ViewListChanges changes = TakeFiles(std::move(now), &list);
  EXPECT_EQ(changes.lost, std::vector<std::string>{"004.jpg"});
  EXPECT_EQ(changes.gained, std::vector<std::string>{"new.jpg"});
  EXPECT_EQ(changes.moved, std::vector<std::string>{"007.jpg"});
  EXPECT_EQ(list.views.size(), 10u);
  EXPECT_EQ(list.views[5].image, "/somewhere/005.jpg");
  EXPECT_TRUE(list.views[4].image.empty());
  EXPECT_EQ(list.train, SomeCapture(10).train);
  ASSERT_EQ(list.observations.size(), 2u);
  EXPECT_EQ(list.observations[1].view, 6u);  // the fifth of those that were read
}

std::string MessageOf(const Json& list) {
  try {
    CaptureOfViewList(list, "views.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

TEST(ViewList, DamageIsNamed) {
  const Json good = ViewListJson(SomeCapture(3));
  EXPECT_EQ(MessageOf(good), "");
  const std::vector<std::function<void(Json&)>> damages = {
      [](Json& j) { j = Json::array(); },
      [](Json& j) { j.erase("views"); },
      [](Json& j) { j["views"] = Json::array(); },
      [](Json& j) { j["views"][1]["name"] = j["views"][0]["name"]; },
      [](Json& j) { j["views"][1]["camera"]["w"] = 0; },
      [](Json& j) { j["views"][1]["camera"]["fx"] = -1; },
      [](Json& j) { j["views"][1]["camera"]["model"] = "lens"; },
      [](Json& j) { j["views"][1]["world_from_camera"][0][0] = 3; },
      [](Json& j) { j["views"][1]["world_from_camera"] = Json::array(); },
      [](Json& j) { j["views"][1]["split"] = "both"; },
      [](Json& j) {
        for (Json& view : j["views"]) view["split"] = "test";
      },
      [](Json& j) { j["bounds"]["min"] = j["bounds"]["max"]; },
      [](Json& j) { j["bounds"]["max"][0] = "far"; }};
  for (size_t i = 0; i < damages.size(); ++i) {
    Json json = good;
    damages[i](json);
    EXPECT_NE(MessageOf(json).find("views.json"), std::string::npos) << i;
  }
}

}  // namespace
}  // namespace semfield
