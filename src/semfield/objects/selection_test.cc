#include "semfield/objects/selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/objects/objects_test_util.h"
#include "semfield/objects/selection_store.h"

namespace semfield {
namespace {

class SelectionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new RoomOfDepths(8, 96, 72);
    map_ = new SurfaceMap(room_->depths);
  }
  static void TearDownTestSuite() {
    delete map_;
    delete room_;
  }
  // What lies within a box.
  static Selection InBox(const Vec3& low, const Vec3& high) {
    Selection selection{.name = "box", .clicks = {}, .weight = std::vector<float>(map_->num_cells())};
    for (int32_t cell = 0; cell < map_->num_cells(); ++cell) {
      const Vec3 at = map_->CellCenter(cell);
      const bool in = (at - low).minCoeff() > 0 && (high - at).minCoeff() > 0;
      selection.weight[cell] = in ? 1 : 0;
    }
    return selection;
  }
  static RoomOfDepths* room_;
  static SurfaceMap* map_;
};
RoomOfDepths* SelectionTest::room_ = nullptr;
SurfaceMap* SelectionTest::map_ = nullptr;

TEST_F(SelectionTest, CombinesAsSetsDo) {
  const Box3 all = room_->scene.Bounds();
  const Vec3 third = all.Extent() / 3, far = 10 * all.Extent();
  const Selection left = InBox(all.min - far, Vec3(all.min.x() + 2 * third.x(), 1e9, 1e9));
  const Selection right = InBox(Vec3(all.min.x() + third.x(), -1e9, -1e9), all.max + far);
  const int both = Intersect(left, right).NumCells();
  EXPECT_GT(both, 100);
  EXPECT_EQ(Union(left, right).NumCells(), left.NumCells() + right.NumCells() - both);
  EXPECT_EQ(Subtract(left, right).NumCells(), left.NumCells() - both);
  EXPECT_EQ(Intersect(Subtract(left, right), right).NumCells(), 0);
}

TEST_F(SelectionTest, GrowsAndShrinksAtItsBorder) {
  const Vec3 middle = room_->scene.Bounds().Center();
  const Selection half = InBox(Vec3(-1e9, -1e9, -1e9), Vec3(middle.x(), 1e9, 1e9));
  const Selection more = Grown(*map_, half, 2), less = Grown(*map_, half, -2);
  EXPECT_GT(more.NumCells(), half.NumCells());
  EXPECT_LT(less.NumCells(), half.NumCells());
  for (int32_t cell = 0; cell < map_->num_cells(); ++cell) {
    EXPECT_TRUE(!less.Has(cell) || half.Has(cell));
    EXPECT_TRUE(!half.Has(cell) || more.Has(cell));
    if (!more.Has(cell)) continue;
    EXPECT_LT(map_->CellCenter(cell).x(), middle.x() + 2.6 * map_->cell_size());
  }
  EXPECT_EQ(Grown(*map_, half, 0).weight, half.weight);
  Selection named = half;
  named.names = GivenNames{};
  EXPECT_FALSE(Grown(*map_, named, 1).names);  // it is another thing now
  EXPECT_FALSE(LargestPart(*map_, named).names);
  EXPECT_FALSE(Union(named, named).names);
}

TEST_F(SelectionTest, KeepsItsLargestPartAndKnowsItsSize) {
  const Box3 all = room_->scene.Bounds();
  const double width = all.Extent().x();
  const Selection large = InBox(Vec3(-1e9, -1e9, -1e9), Vec3(all.min.x() + 0.4 * width, 1e9, 1e9));
  const Selection small = InBox(Vec3(all.max.x() - 0.1 * width, -1e9, -1e9), Vec3(1e9, 1e9, 1e9));
  const Selection kept = LargestPart(*map_, Union(large, small));
  EXPECT_EQ(Intersect(kept, small).NumCells(), 0);
  EXPECT_GT(kept.NumCells(), 0.9 * large.NumCells());
  const Box3 box = ExtentOf(*map_, large);
  EXPECT_NEAR(box.max.x(), all.min.x() + 0.4 * width, 3 * map_->cell_size());
  EXPECT_EQ(ExtentOf(*map_, Intersect(large, small)).Extent().norm(), 0);
}

TEST_F(SelectionTest, IsSeenThroughAnyView) {
  const Vec3 middle = room_->scene.Bounds().Center();
  const Selection half = InBox(Vec3(-1e9, -1e9, -1e9), Vec3(middle.x(), 1e9, 1e9));
  for (const SurfaceView& view : map_->views()) {
    const ImageU8 mask = MaskOf(half, view, view.depth.width, view.depth.height);
    const ImageU8 twice = MaskOf(half, view, 2 * view.depth.width, 2 * view.depth.height);
    double area = 0, double_area = 0;
    for (const uint8_t v : mask.data) area += v > 0;
    for (const uint8_t v : twice.data) double_area += v > 0;
    EXPECT_NEAR(double_area, 4 * area, 0.05 * static_cast<double>(twice.data.size()));
    for (int y = 2; y < view.depth.height; y += 9) {
      for (int x = 2; x < view.depth.width; x += 9) {
        const auto point = view.PointAt({x + 0.5, y + 0.5});
        if (!point || std::abs(point->x() - middle.x()) < map_->cell_size()) continue;
        EXPECT_EQ(mask.At(x, y) != 0, point->x() < middle.x());
      }
    }
  }
}

class SelectionStoreTest : public testing::Test {
 protected:
  static Selection Named(const std::string& name, float weight) {
    return {.name = name,
            .color = {1, 2, 3},
            .clicks = {{.view = 4, .x = 5.5, .y = 6.5, .positive = false}},
            .answered_by = "photos",
            .weight = {0, weight, 1}};
  }
  SelectionStore Store(const std::string& surface = "s") const { return {folder_ / "selections", surface}; }
  TestFolder folder_;
};

TEST_F(SelectionStoreTest, KeepsWhatWasPutThere) {
  SelectionStore store = Store();
  EXPECT_TRUE(store.List().empty());
  store.Put("click", Named("chair", 0.25f));
  const Selection chair = Store().Load("chair");
  EXPECT_EQ(chair.weight, (std::vector<float>{0, 0.25f, 1}));
  EXPECT_EQ(chair.color, (std::array<uint8_t, 3>{1, 2, 3}));
  EXPECT_EQ(chair.answered_by, "photos");
  ASSERT_EQ(chair.clicks.size(), 1u);
  EXPECT_EQ(chair.clicks[0].view, 4);
  EXPECT_EQ(chair.clicks[0].y, 6.5);
  EXPECT_FALSE(chair.clicks[0].positive);
}

TEST_F(SelectionStoreTest, KeepsNames) {
  Selection chair = Named("chair", 0.25f);
  chair.text = "something to sit on";
  chair.names = GivenNames{.weights = {0.75f, 0.25f}, .vocabulary = "v", .views = {3, 1}};
  Store().Put("named", chair);
  const Selection read = Store().Load("chair");
  EXPECT_EQ(read.text, chair.text);
  ASSERT_TRUE(read.names);
  EXPECT_EQ(read.names->weights, chair.names->weights);
  EXPECT_EQ(read.names->vocabulary, "v");
  EXPECT_EQ(read.names->views, chair.names->views);
}

TEST_F(SelectionStoreTest, UndoesAndRedoesWithoutEnd) {
  for (int i = 0; i < 5; ++i)
    Store().Put("click " + std::to_string(i), Named("chair", 0.1f * static_cast<float>(i)));
  Store().Remove("chair");
  EXPECT_FALSE(Store().Has("chair"));
  EXPECT_EQ(Store().Undo(), "remove chair");
  for (int i = 4; i > 0; --i) {
    EXPECT_FLOAT_EQ(Store().Load("chair").weight[1], 0.1f * static_cast<float>(i));
    Store().Undo();
  }
  Store().Undo();
  EXPECT_FALSE(Store().Has("chair"));
  EXPECT_THROW(Store().Undo(), Error);
  for (int i = 0; i < 5; ++i) Store().Redo();
  EXPECT_FLOAT_EQ(Store().Load("chair").weight[1], 0.4f);
  Store().Undo();
  Store().Put("another", Named("table", 1));  // what was undone is forgotten
  EXPECT_THROW(Store().Redo(), Error);
  EXPECT_EQ(Store().List().size(), 2u);
  EXPECT_FLOAT_EQ(Store().Load("chair").weight[1], 0.3f);
}

TEST_F(SelectionStoreTest, SaysWhatIsWrong) {
  Store().Put("click", Named("chair", 1));
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message([&] { Store().Load("chai"); }).find("there are: chair"), std::string::npos);
  EXPECT_NE(message([&] { Store("other").Load("chair"); }).find("another state of the field"),
            std::string::npos);
  EXPECT_NE(message([&] { Store().Remove("table"); }).find("no selection 'table'"), std::string::npos);
  std::ofstream(folder_ / "selections" / "selections.json")
      << R"({"steps": [{}], "done": 1, "next_file": 2})";
  EXPECT_NE(message([&] { Store(); }).find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace semfield
