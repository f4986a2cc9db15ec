#include "semfield/objects/object_finder.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "semfield/base/error.h"
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

  static ObjectPrompt On(const ObjectClick& click) { return {.clicks = {click}, .box = {}}; }

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
    const FoundObject found = FindObject(*map_, answers, On(ClickOn(id)), {});
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
  FindObject(*map_, right, On(click), {});
  ASSERT_GT(right.asked.size(), 3u);
  TrueAnswers wrong(room_->instances, {right.asked[2]});
  EXPECT_GT(MeanIou(FindObject(*map_, wrong, On(click), {}), id), 0.75);
}

// The answers nest: the thing, its half, the thing with the floor. A second click says which.
TEST_F(ObjectFinderTest, LaterClicksAreHeard) {
  const std::set<int> things = Things();
  const int one = *things.begin(), other = *std::next(things.begin());
  ObjectClick no = ClickOn(other);
  no.positive = false;
  TrueAnswers answers(room_->instances);
  const FoundObject found = FindObject(*map_, answers, {.clicks = {ClickOn(one), no}, .box = {}}, {});
  const int32_t cell =
      map_->views()[no.view].CellAt(static_cast<int>(no.pixel.x()), static_cast<int>(no.pixel.y()));
  EXPECT_FALSE(found.Has(cell));
  EXPECT_GT(MeanIou(found, one), 0.8);
}

// The answers about a click are the thing, its left half, and the thing with all that is below its middle.
TEST_F(ObjectFinderTest, NestedAnswersStayAtHand) {
  const int id = *Things().begin();
  const auto cells = [&](Nesting nesting) {
    TrueAnswers answers(room_->instances);
    const FoundObject found = FindObject(*map_, answers, On(ClickOn(id)), {.rounds = 0, .nesting = nesting});
    EXPECT_EQ(found.nesting, nesting) << NestingName(nesting);
    int count = 0;
    for (int32_t cell = 0; cell < map_->num_cells(); ++cell) count += found.Has(cell);
    return count;
  };
  const int object = cells(Nesting::kObject);
  EXPECT_LT(cells(Nesting::kPart), object);
  EXPECT_GT(cells(Nesting::kGroup), object);
  EXPECT_EQ(ParseNesting("group"), Nesting::kGroup);
  EXPECT_THROW(ParseNesting("whole"), Error);
}

// The box of the thing in one view; the answer that fills it wins, the others are its half and more than it.
TEST_F(ObjectFinderTest, ABoxDecidesInItsView) {
  for (const int id : Things()) {
    const ObjectClick click = ClickOn(id);
    const Image<int>& ids = room_->instances[click.view];
    PromptBox box{.x0 = 1e9, .y0 = 1e9, .x1 = 0, .y1 = 0};
    for (int y = 0; y < ids.height; ++y) {
      for (int x = 0; x < ids.width; ++x) {
        if (ids.At(x, y) != id) continue;
        box.x0 = std::min<double>(box.x0, x), box.x1 = std::max<double>(box.x1, x + 1);
        box.y0 = std::min<double>(box.y0, y), box.y1 = std::max<double>(box.y1, y + 1);
      }
    }
    TrueAnswers answers(room_->instances);
    const FoundObject found =
        FindObject(*map_, answers, {.clicks = {click}, .box = ObjectBox{.view = click.view, .box = box}}, {});
    EXPECT_GT(MeanIou(found, id), 0.8) << room_->scene.instances().at(id).name;
    EXPECT_GT(found.voters, 1);
  }
}

TEST_F(ObjectFinderTest, APaintedMaskIsSeenByAllViews) {
  const int id = *Things().begin();
  const ObjectClick click = ClickOn(id);
  const Image<int>& ids = room_->instances[click.view];
  ImageU8 painted(ids.width, ids.height, 1);
  for (size_t i = 0; i < ids.data.size(); ++i) painted.data[i] = ids.data[i] == id ? 255 : 0;
  TrueAnswers answers(room_->instances);
  const FoundObject found = FindMasked(*map_, answers, click.view, painted, {});
  EXPECT_GT(MeanIou(found, id), 0.8);
  EXPECT_GT(found.voters, 1);
}

// A further click mends what was found and never leaves the click unheard.
TEST_F(ObjectFinderTest, AFurtherClickMends) {
  const std::set<int> things = Things();
  const ObjectClick one = ClickOn(*things.begin()), other = ClickOn(*std::next(things.begin()));
  TrueAnswers answers(room_->instances);
  const FoundObject before = FindObject(*map_, answers, On(one), {});
  const FoundObject both = MendObject(*map_, answers, before, {.clicks = {one, other}, .box = {}}, {});
  const int32_t cell =
      map_->views()[other.view].CellAt(static_cast<int>(other.pixel.x()), static_cast<int>(other.pixel.y()));
  EXPECT_FALSE(before.Has(cell));
  EXPECT_TRUE(both.Has(cell));
}

TEST_F(ObjectFinderTest, IsTheSameTwice) {
  const ObjectClick click = ClickOn(*Things().begin());
  TrueAnswers answers(room_->instances), again(room_->instances);
  const FoundObject found = FindObject(*map_, answers, On(click), {}),
                    same = FindObject(*map_, again, On(click), {});
  EXPECT_EQ(found.inside, same.inside);
  EXPECT_EQ(found.looked, same.looked);
  EXPECT_EQ(answers.asked, again.asked);
}

}  // namespace
}  // namespace semfield
