#pragma once

#include "semfield/geometry/camera.h"
#include "semfield/image/image.h"

namespace semfield {

// Averages normals over what lies on one surface, so that a wall has one: an edge-avoiding a-trous wavelet
// (Dammertz et al., Edge-Avoiding A-Trous Wavelet Transform for fast Global Illumination Filtering, 2010)
// whose weights fall where neighbouring pixels lie farther apart than a surface would have it and, in its
// wider steps, where the normals differ. normals: 3 channels, unit, any frame; depth: z-depth of the camera,
// 0 where nothing is, and the normals there stay 0. Both of the camera's size.
ImageF SmoothNormals(const ImageF& normals, const ImageF& depth, const Camera& camera);

}  // namespace semfield
