#include "semfield/objects/everything.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "semfield/objects/objects_test_util.h"

namespace semfield {
namespace {

// Answers with the exact mask of what was clicked on.
class ExactAnswers : public ViewAnswers {
 public:
  explicit ExactAnswers(const std::vector<Image<int>>& instances) : instances_(instances) {}
  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken*) override {
    const Image<int>& ids = instances_[view.view];
    const int id = ids.At(static_cast<int>(prompt.points[0].x), static_cast<int>(prompt.points[0].y));
    Mask mask;
    mask.binary = ImageU8(ids.width, ids.height, 1);
    mask.logits = ImageF(ids.width, ids.height, 1);
    mask.score = 0.9;
    for (size_t i = 0; i < ids.data.size(); ++i) {
      mask.binary.data[i] = ids.data[i] == id ? 255 : 0;
      mask.logits.data[i] = ids.data[i] == id ? 9.0f : -9.0f;
    }
    return {mask};
  }

 private:
  const std::vector<Image<int>>& instances_;
};

TEST(Everything, FindsTheThingsOfARoom) {
  const RoomOfDepths room(24);
  const SurfaceMap map(room.depths);
  ExactAnswers answers(room.instances);
  const std::vector<FoundThing> things = FindEverything(map, answers, {}, {});
  ASSERT_GT(things.size(), 5u);
  // Each thing's cells lie on one instance for the most part, and no two things are of the same one.
  std::vector<std::map<int, int>> votes(things.size());
  for (const SurfaceView& view : map.views()) {
    for (int y = 0; y < view.depth.height; y += 2) {
      for (int x = 0; x < view.depth.width; x += 2) {
        const int32_t cell = view.CellAt(x, y);
        if (cell < 0) continue;
        for (size_t t = 0; t < things.size(); ++t) {
          if (things[t].weight[cell] > 0.5f) ++votes[t][room.instances[view.view].At(x, y)];
        }
      }
    }
  }
  std::set<int> found;
  int pure = 0;
  for (const std::map<int, int>& of_thing : votes) {
    int most = 0, all = 0, id = 0;
    for (const auto& [instance, count] : of_thing) {
      all += count;
      if (count > most) most = count, id = instance;
    }
    pure += most > 0.85 * all;
    found.insert(id);
  }
  EXPECT_GE(pure, 0.9 * static_cast<double>(things.size()));
  EXPECT_GE(found.size(), 0.7 * static_cast<double>(things.size()));
}

TEST(Everything, LabelsEveryPointOnce) {
  const std::vector<FoundThing> things = {
      {.weight = {1, 0.9f, 0.6f, 0}, .looked = {}, .agreement = 1, .voters = {0}},
      {.weight = {0, 1, 0.6f, 0.8f}, .looked = {}, .agreement = 0.5, .voters = {0}},
      {.weight = {0, 0.8f, 0, 0}, .looked = {}, .agreement = 0.4, .voters = {0}}};
  const std::vector<FoundThing> once = LabelOnce(things, 1);
  ASSERT_EQ(once.size(), 2u);  // the last one keeps nothing
  for (int cell = 0; cell < 4; ++cell) {
    EXPECT_EQ((once[0].weight[cell] > 0.5f) + (once[1].weight[cell] > 0.5f), 1) << cell;
  }
  EXPECT_GT(once[1].weight[1], 0.5f);
  EXPECT_GT(once[0].weight[2], 0.5f);  // equal: the first
  EXPECT_EQ(LabelOnce(things, 3).size(), 0u);
}

TEST(Everything, SpreadsItsViews) {
  const RoomOfDepths room(12, 64, 48);
  const SurfaceMap map(room.depths);
  const std::vector<int> views = SpreadOverSurface(map, 5);
  EXPECT_EQ(std::set<int>(views.begin(), views.end()).size(), 5u);
  EXPECT_EQ(SpreadOverSurface(map, 100).size(), 12u);
}

}  // namespace
}  // namespace semfield
