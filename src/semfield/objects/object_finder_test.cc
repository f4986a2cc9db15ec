#include "semfield/objects/object_finder.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "semfield/image/pixels.h"
#include "semfield/objects/objects_test_util.h"

namespace semfield {
namespace {

class ObjectFinderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new RoomOfDepths(24);
    map_ = new SurfaceMap(room_->depths);
  }
  static void TearDownTestSuite() {
    delete map_;
    delete room_;
  }

  // The instance `name` in the view that shows most of it, clicked at the pixel nearest to its middle.
  ObjectClick ClickOn(int id) const {
    ObjectClick click;
    double most = 0;
    for (size_t v = 0; v < room_->instances.size(); ++v) {
      const Image<int>& ids = room_->instances[v];
      ImageU8 mask(ids.width, ids.height, 1);
      double count = 0;
      for (size_t i = 0; i < ids.data.size(); ++i) {
        if (ids.data[i] != id) continue;
        mask.data[i] = 255;
        ++count;
      }
      if (count <= most) continue;
      most = count;
      const ImageF distance = DistanceToBorder(mask);
      const size_t best =
          std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
      click = {.view = static_cast<int>(v),
               .pixel = {static_cast<double>(best % ids.width) + 0.5,
                         static_cast<double>(best / ids.width) + 0.5}};
    }
    return click;
  }

  // Mean over the views that show at least 1 % of their pixels as `id`.
  double MeanIou(const FoundObject& found, int id) const {
    double sum = 0;
    int views = 0;
    for (const SurfaceView& view : map_->views()) {
      const Image<int>& ids = room_->instances[view.view];
      double both = 0, either = 0, truth = 0;
      for (int y = 0; y < ids.height; ++y) {
        for (int x = 0; x < ids.width; ++x) {
          const int32_t cell = view.CellAt(x, y);
          const bool ours = cell >= 0 && found.Has(cell), theirs = ids.At(x, y) == id;
          both += ours && theirs;
          either += ours || theirs;
          truth += theirs;
        }
      }
      if (truth < 0.01 * static_cast<double>(ids.num_pixels())) continue;
      sum += both / either;
      ++views;
    }
    return sum / std::max(1, views);
  }

  // Furniture, by its name's id.
  std::set<int> Things() const {
    std::set<int> things;
    for (const auto& [id, label] : room_->scene.instances()) {
      for (const char* name : {"Cabinet", "Wardrobe", "Sofa", "Coffee table"}) {
        if (label.name == name) things.insert(id);
      }
    }
    return things;
  }

  static RoomOfDepths* room_;
  static SurfaceMap* map_;
};
RoomOfDepths* ObjectFinderTest::room_ = nullptr;
SurfaceMap* ObjectFinderTest::map_ = nullptr;

TEST_F(ObjectFinderTest, OneClickFindsTheThingInAllViews) {
  const std::set<int> things = Things();
  ASSERT_EQ(things.size(), 4u);
  for (const int id : things) {
    TrueAnswers answers(room_->instances);
    const FoundObject found = FindObject(*map_, answers, {ClickOn(id)}, {});
    EXPECT_GT(MeanIou(found, id), 0.8) << room_->scene.instances().at(id).name;
    EXPECT_GT(found.agreement, 0.7);
    EXPECT_GE(static_cast<int>(answers.asked.size()), found.voters);
    const std::set<int> different(answers.asked.begin(), answers.asked.end());
    EXPECT_GT(different.size(), 3u);
  }
}

TEST_F(ObjectFinderTest, AViewThatIsWrongDoesNotDecide) {
  const int id = *Things().begin();
  const ObjectClick click = ClickOn(id);
  TrueAnswers right(room_->instances);
  FindObject(*map_, right, {click}, {});
  ASSERT_GT(right.asked.size(), 3u);
  TrueAnswers wrong(room_->instances, {right.asked[2]});
  EXPECT_GT(MeanIou(FindObject(*map_, wrong, {click}, {}), id), 0.75);
}

// The answers nest: the thing, its half, the thing with the floor. A second click says which.
TEST_F(ObjectFinderTest, LaterClicksAreHeard) {
  const std::set<int> things = Things();
  const int one = *things.begin(), other = *std::next(things.begin());
  ObjectClick no = ClickOn(other);
  no.positive = false;
  TrueAnswers answers(room_->instances);
  const FoundObject found = FindObject(*map_, answers, {ClickOn(one), no}, {});
  const int32_t cell =
      map_->views()[no.view].CellAt(static_cast<int>(no.pixel.x()), static_cast<int>(no.pixel.y()));
  EXPECT_FALSE(found.Has(cell));
  EXPECT_GT(MeanIou(found, one), 0.8);
}

TEST_F(ObjectFinderTest, IsTheSameTwice) {
  const ObjectClick click = ClickOn(*Things().begin());
  TrueAnswers answers(room_->instances), again(room_->instances);
  const FoundObject found = FindObject(*map_, answers, {click}, {}),
                    same = FindObject(*map_, again, {click}, {});
  EXPECT_EQ(found.inside, same.inside);
  EXPECT_EQ(found.looked, same.looked);
  EXPECT_EQ(answers.asked, again.asked);
}

}  // namespace
}  // namespace semfield
