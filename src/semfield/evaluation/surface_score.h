#pragma once

#include <array>
#include <span>
#include <vector>

#include "semfield/surface/mesh.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// Points among which the nearest is looked for, within a radius.
class PointGrid {
 public:
  // radius > 0: the farthest that is looked for.
  PointGrid(std::vector<Vec3f> points, double radius);
  // Distance to the nearest point; `radius` where none is as near.
  double NearestWithin(const Vec3f& to) const;

 private:
  std::array<int64_t, 3> CellOf(const Vec3f& point) const;
  static uint64_t KeyOf(const std::array<int64_t, 3>& cell);

  const double radius_;
  double side_;                  // of a cell
  std::vector<Vec3f> points_;    // cell after cell
  std::vector<uint64_t> keys_;   // of cells that hold points, increasing
  std::vector<int32_t> begins_;  // [cells + 1] into points_
};

// Points spread evenly over the area, drawn with a seed.
std::vector<Vec3f> SampleSurface(const Mesh& mesh, int count, uint64_t seed);

// How two surfaces agree, at each of the distances that were asked for.
struct SurfaceScore {
  std::vector<double> precision, recall, f;  // [distances]
  double judged_share = 0;                   // of our area that at least two views can judge
};

// What at least two of `views` see of the truth is asked for (a depth within 2 cm + 1 % of theirs). Of ours,
// what fewer than two can judge is left out: behind every true surface by more than 10 cm, or outside of
// their pictures; what floats before a surface counts. Precision: the share of our points that have a true
// point within the distance; recall: of true points asked for that have one of ours; f: their harmonic mean.
// Meshes and views in one frame; centimeter: in its units. views: exact depths of the truth.
SurfaceScore ScoreSurface(const Mesh& ours, const Mesh& truth, std::span<const DepthView> views,
                          const std::vector<double>& distances, double centimeter, int samples);

}  // namespace semfield
