#include "semfield/objects/thing_mesh.h"

#include <gtest/gtest.h>

#include <map>

#include "semfield/surface/depth_fusion.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/surface_test_util.h"

namespace semfield {
namespace {

// A synthetic room, its exact surface as cells and as a mesh, and the instance of every cell.
class ThingMeshTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new RoomOfDepths(16);
    map_ = new SurfaceMap(room_->depths);
    mesh_ = new Mesh(FuseDepths(room_->depths, {}, {}));
    std::vector<std::map<int, int>> votes(map_->num_cells());
    for (size_t v = 0; v < map_->views().size(); ++v) {
      const SurfaceView& view = map_->views()[v];
      for (int y = 0; y < view.depth.height; ++y) {
        for (int x = 0; x < view.depth.width; ++x) {
          if (view.CellAt(x, y) >= 0) ++votes[view.CellAt(x, y)][room_->instances[v].At(x, y)];
        }
      }
    }
    for (const auto& vote : votes) {
      int best = 0, most = 0;
      for (const auto& [id, count] : vote) {
        if (count > most) best = id;
        most = std::max(most, count);
      }
      instance_.push_back(best);
    }
  }
  static void TearDownTestSuite() {
    delete room_;
    delete map_;
    delete mesh_;
  }
  static Selection Of(int instance) {
    Selection selection{.name = "thing"};
    for (const int id : instance_) selection.weight.push_back(id == instance ? 1 : 0);
    return selection;
  }
  static inline RoomOfDepths* room_;
  static inline SurfaceMap* map_;
  static inline Mesh* mesh_;
  static inline std::vector<int> instance_;
};

TEST(GiveCrumbs, TakesWhatAThingCutsOffOrHolds) {
  Mesh mesh;
  const auto quad = [&mesh](const Vec3f& at, float side) {
    const int first = mesh.num_vertices();
    for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {1, 1}, {0, 1}})
      mesh.vertices.push_back(at + side * Vec3f(static_cast<float>(x), static_cast<float>(y), 0));
    mesh.faces.push_back({first, first + 1, first + 2});
    mesh.faces.push_back({first, first + 2, first + 3});
  };
  quad({0, 0, 0}, 1);              // faces 0, 1: the thing
  quad({0, 0, 1}, 1);              // 2, 3: too, so that its box has a height
  quad({0.4f, 0.4f, 0.5f}, 0.1f);  // 4, 5: a crumb inside of the box
  quad({3, 0, 0}, 0.1f);           // 6, 7: one elsewhere
  quad({0.2f, 0.2f, 0.5f}, 0.7f);  // 8, 9: inside, but no crumb
  mesh.vertices.push_back({1.05f, 0, 0});
  mesh.faces.push_back({1, 20, 2});  // 10: outside of the box, but it hangs on the thing alone
  std::vector<int> owners = {0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1};
  GiveCrumbs(mesh, 0.05, &owners);
  EXPECT_EQ(owners, (std::vector<int>{0, 0, 0, 0, 0, 0, -1, -1, -1, -1, 0}));
  // A crumb of the thing's own elsewhere is dropped.
  std::vector<int> stray = {0, 0, 0, 0, -1, -1, 0, 0, -1, -1, -1};
  DropStrayFaces(mesh, 0.05, &stray);
  EXPECT_EQ(stray, (std::vector<int>{0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1}));
  std::vector<int> nobodys(mesh.faces.size(), -1);
  GiveCrumbs(mesh, 0.05, &nobodys);
  EXPECT_EQ(nobodys, std::vector<int>(mesh.faces.size(), -1));
}

TEST_F(ThingMeshTest, AThingsFacesShowTheThing) {
  std::vector<int> ids;
  std::vector<std::vector<float>> weights;
  for (const auto& [id, label] : room_->scene.instances()) {
    if (std::count(instance_.begin(), instance_.end(), id) < 100) continue;
    ids.push_back(id);
    weights.push_back(VertexWeights(*mesh_, *map_, Of(id)));
  }
  ASSERT_GT(ids.size(), 3u);
  const std::vector<int> owners = OwnersOfFaces(*mesh_, weights);
  EXPECT_GT(std::count(owners.begin(), owners.end(), -1), 0);
  for (size_t s = 0; s < ids.size(); ++s) {
    const Mesh thing = ThingMesh(*mesh_, owners, static_cast<int>(s));
    ASSERT_GT(thing.num_faces(), 0);
    EXPECT_TRUE(DefectsOf(thing).None());
    // Looked at by the cameras, its pixels are the instance's.
    const MeshRays rays(thing);
    int right = 0, all = 0;
    for (const DepthView& view : room_->depths) {
      const ImageF depth = Picture(thing, rays, view.camera, view.world_from_camera).depth;
      for (size_t i = 0; i < depth.data.size(); ++i) {
        if (depth.data[i] <= 0 || std::abs(depth.data[i] / view.depth.data[i] - 1) > 0.03f) continue;
        ++all;
        right += room_->instances[view.view].data[i] == ids[s];
      }
    }
    EXPECT_GT(right, 0.85 * all) << ids[s];
  }
}

TEST_F(ThingMeshTest, NothingSelectedIsNothing) {
  const std::vector<float> weights = VertexWeights(*mesh_, *map_, Of(-5));
  EXPECT_EQ(*std::max_element(weights.begin(), weights.end()), 0);
  const std::vector<int> owners = OwnersOfFaces(*mesh_, {weights});
  EXPECT_TRUE(ThingMesh(*mesh_, owners, 0).faces.empty());
}

TEST_F(ThingMeshTest, AVertexFarFromEveryCellBelongsToNothing) {
  const Mesh far{.vertices = {{1e4f, 0, 0}}, .faces = {}, .colors = {}};
  Selection all{.name = "all"};
  all.weight.assign(map_->num_cells(), 1);
  EXPECT_EQ(VertexWeights(far, *map_, all)[0], 0);
  const std::vector<float> near = VertexWeights(*mesh_, *map_, all);
  EXPECT_GT(std::count_if(near.begin(), near.end(), [](float w) { return w > 0.99f; }), 0.95 * near.size());
}

}  // namespace
}  // namespace semfield
