#include "semfield/objects/selection.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr double kOutermost = 0.01;

// What a selection is called holds for its cells as they are.
void ForgetNames(Selection* selection) {
  selection->text.clear();
  selection->names.reset();
}

template <class Rule>
Selection Combine(const Selection& a, const Selection& b, Rule rule) {
  SF_CHECK_EQ(a.weight.size(), b.weight.size());
  Selection combined = a;
  combined.answered_by.clear();
  combined.looked.clear();
  ForgetNames(&combined);
  for (size_t i = 0; i < combined.weight.size(); ++i) combined.weight[i] = rule(a.weight[i], b.weight[i]);
  return combined;
}

}  // namespace

int Selection::NumCells() const {
  return static_cast<int>(std::count_if(weight.begin(), weight.end(), [](float w) { return w > 0.5f; }));
}

void TakeFound(const FoundObject& found, Selection* selection) {
  selection->weight.assign(found.inside.size(), 0);
  for (size_t i = 0; i < found.inside.size(); ++i) {
    if (found.looked[i] > 0) selection->weight[i] = found.inside[i] / found.looked[i];
  }
  selection->looked = found.looked;
  ForgetNames(selection);
}

FoundObject FoundOf(const Selection& selection) {
  FoundObject found{.inside = selection.weight, .looked = selection.looked};
  if (found.looked.empty()) found.looked.assign(selection.weight.size(), 1);
  SF_CHECK_EQ(found.looked.size(), found.inside.size());
  // What was painted or set is known, whoever looked.
  for (size_t i = 0; i < found.inside.size(); ++i) {
    if (found.inside[i] > 0) found.looked[i] = std::max(found.looked[i], 1.0f);
    found.inside[i] *= found.looked[i];
  }
  return found;
}

void Paint(const SurfaceView& view, const ImageU8& painted, bool add, Selection* selection) {
  SF_CHECK_EQ(painted.data.size(), view.cell_of.size());
  ForgetNames(selection);
  std::vector<int32_t> inside(view.cells.size(), 0);
  for (size_t pixel = 0; pixel < view.cell_of.size(); ++pixel) {
    if (view.cell_of[pixel] >= 0 && painted.data[pixel] != 0) ++inside[view.cell_of[pixel]];
  }
  for (size_t c = 0; c < inside.size(); ++c) {
    if (2 * inside[c] > view.pixels[c]) selection->weight[view.cells[c]] = add ? 1 : 0;
  }
}

Selection Union(const Selection& a, const Selection& b) {
  Selection both = Combine(a, b, [](float x, float y) { return std::max(x, y); });
  both.clicks.insert(both.clicks.end(), b.clicks.begin(), b.clicks.end());
  return both;
}

Selection Intersect(const Selection& a, const Selection& b) {
  return Combine(a, b, [](float x, float y) { return std::min(x, y); });
}

Selection Subtract(const Selection& a, const Selection& b) {
  return Combine(a, b, [](float x, float y) { return std::min(x, 1 - y); });
}

Selection Grown(const SurfaceMap& map, const Selection& selection, int steps) {
  Selection grown = selection;
  ForgetNames(&grown);
  for (int step = 0; step < std::abs(steps); ++step) {
    const Selection before = grown;
    for (int32_t cell = 0; cell < map.num_cells(); ++cell) {
      if (before.Has(cell) == (steps > 0)) continue;
      const std::vector<int32_t> neighbors = map.Neighbors(cell);
      const bool at_border = std::any_of(neighbors.begin(), neighbors.end(),
                                         [&](int32_t other) { return before.Has(other) == (steps > 0); });
      if (at_border) grown.weight[cell] = steps > 0 ? 1 : 0;
    }
  }
  return grown;
}

Selection LargestPart(const SurfaceMap& map, const Selection& selection) {
  std::vector<int32_t> part_of(selection.weight.size(), -1);
  std::vector<int> sizes;
  std::vector<int32_t> open;
  for (int32_t first = 0; first < map.num_cells(); ++first) {
    if (!selection.Has(first) || part_of[first] >= 0) continue;
    const auto part = static_cast<int32_t>(sizes.size());
    sizes.push_back(0);
    part_of[first] = part;
    open.push_back(first);
    while (!open.empty()) {
      const int32_t cell = open.back();
      open.pop_back();
      ++sizes[part];
      for (const int32_t other : map.Neighbors(cell)) {
        if (!selection.Has(other) || part_of[other] >= 0) continue;
        part_of[other] = part;
        open.push_back(other);
      }
    }
  }
  Selection kept = selection;
  ForgetNames(&kept);
  if (sizes.empty()) return kept;
  const auto largest = static_cast<int32_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
  for (size_t i = 0; i < kept.weight.size(); ++i) {
    if (part_of[i] != largest) kept.weight[i] = std::min(kept.weight[i], 0.5f);
  }
  return kept;
}

Box3 ExtentOf(const SurfaceMap& map, const Selection& selection, const Mat4& to_from_world) {
  Box3 box{.min = Vec3::Zero(), .max = Vec3::Zero()};
  std::array<std::vector<double>, 3> along;
  for (int32_t cell = 0; cell < map.num_cells(); ++cell) {
    if (!selection.Has(cell)) continue;
    const Vec3 center =
        to_from_world.topLeftCorner<3, 3>() * map.CellCenter(cell) + to_from_world.topRightCorner<3, 1>();
    for (int k = 0; k < 3; ++k) along[k].push_back(center[k]);
  }
  if (along[0].empty()) return box;
  const double half_cell = 0.5 * map.cell_size() * to_from_world.block<3, 1>(0, 0).norm();
  for (int k = 0; k < 3; ++k) {
    std::sort(along[k].begin(), along[k].end());
    const auto skip = static_cast<size_t>(kOutermost * static_cast<double>(along[k].size()));
    box.min[k] = along[k][skip] - half_cell;
    box.max[k] = along[k][along[k].size() - 1 - skip] + half_cell;
  }
  return box;
}

ImageU8 MaskOf(const Selection& selection, const SurfaceView& view, int width, int height) {
  ImageF weights(view.depth.width, view.depth.height, 1);
  for (int y = 0; y < weights.height; ++y) {
    for (int x = 0; x < weights.width; ++x) {
      const int32_t cell = view.CellAt(x, y);
      if (cell >= 0) weights.At(x, y) = selection.weight[cell];
    }
  }
  if (width != weights.width || height != weights.height) weights = ResizeBilinear(weights, width, height);
  ImageU8 mask(width, height, 1);
  for (size_t i = 0; i < mask.data.size(); ++i) mask.data[i] = weights.data[i] > 0.5f ? 255 : 0;
  return mask;
}

}  // namespace semfield
