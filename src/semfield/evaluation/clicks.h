#pragma once

#include <vector>

#include "semfield/geometry/types.h"
#include "semfield/image/image.h"

namespace semfield {

// Middles of the cells of a per_side x per_side partition of a width x height picture, row by row.
std::vector<Vec2> ClickGrid(int width, int height, int per_side);

// One labelled thing of a view.
struct Thing {
  int id = 0;
  double share = 0;  // of the view's pixels
  Vec2 click =
      Vec2::Zero();   // middle of the pixel that is farthest from the thing's border (first in reading order)
  ImageU8 mask = {};  // 255 inside
};

// The things of an instance map that cover at least min_share of it, by increasing id. Id 0 is no thing.
std::vector<Thing> FindThings(const ImageU16& instances, double min_share);

}  // namespace semfield
