#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/image.h"

namespace semfield {

// A view's picture of the surface: what is known of it before cells are.
struct DepthView {
  int view = -1;  // into Capture::views; -1: none of the capture's
  Camera camera;  // at the size of `depth`
  Pose world_from_camera;
  ImageF depth;  // 1 channel, z-depth in world units, 0: nothing there

  // Where a pixel's ray meets the surface; nothing where there is none.
  std::optional<Vec3> PointAt(const Vec2& pixel) const;
  // Where a point of the world lies in the picture, with its depth; nothing outside of it.
  struct Projection {
    Vec2 pixel;
    double depth;
  };
  std::optional<Projection> Project(const Vec3& point) const;
  // Whether the view's surface there is the point's, and nothing is before it. The tolerance is 3 % of the
  // depth, a cell, and how far the depths of neighbouring pixels lie apart.
  bool Sees(const Vec3& point, double cell_size) const;
};

// World units that a pixel is wide on the surface, the median over some pixels of all views; 1 if nothing is
// seen.
double MedianFootprint(std::span<const DepthView> views);

// A view whose pixels know their piece of the surface.
struct SurfaceView : DepthView {
  std::vector<int32_t> cells;    // the map's cells that the view sees, increasing
  std::vector<int32_t> pixels;   // [cells] how many pixels each of them covers here
  std::vector<int32_t> cell_of;  // [height * width] into `cells`, -1: nothing there

  // Of the map, -1: nothing there.
  int32_t CellAt(int x, int y) const {
    const int32_t local = cell_of[static_cast<size_t>(y) * depth.width + x];
    return local < 0 ? -1 : cells[local];
  }
};

// The surface of a scene as its views see it, cut into cubic cells of one size: what selections are made of.
// Cells are numbered; the same views give the same numbers.
class SurfaceMap {
 public:
  // A cell is `cell_pixels` wide as the median pixel sees it. Pixels that see nothing have no cell.
  SurfaceMap(std::vector<DepthView> views, double cell_pixels = 3);

  const std::vector<SurfaceView>& views() const { return views_; }
  int num_cells() const { return static_cast<int>(keys_.size()); }
  double cell_size() const { return cell_size_; }  // world units
  Vec3 CellCenter(int32_t cell) const;
  Vec3 Extent() const { return extent_; }  // of the box around all cells, world units
  // Index of the view that shows Capture::views[view], -1: none.
  int Find(int view) const;
  // Cells that touch this one, itself not among them.
  std::vector<int32_t> Neighbors(int32_t cell) const;

  // The cell that holds a point, or the nearest within `reach` cells; -1: none.
  int32_t CellAt(const Vec3& point, int reach) const { return Nearest(IndexOf(point), reach); }

  // A view that is none of the map's: its pixels get the map's cells, or the nearest within `reach` cells.
  SurfaceView Look(DepthView view, int reach = 2) const;

 private:
  struct Index {
    int32_t x, y, z;
  };
  uint64_t KeyOf(const Index& index) const;
  Index IndexOf(const Vec3& point) const;
  int32_t FindKey(uint64_t key) const;  // -1: no cell
  int32_t Nearest(const Index& index, int reach) const;

  double cell_size_ = 1;
  Vec3 origin_ = Vec3::Zero(), extent_ = Vec3::Zero();
  std::vector<SurfaceView> views_;
  std::vector<uint64_t> keys_;  // increasing
};

}  // namespace semfield
