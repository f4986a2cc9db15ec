#pragma once

#include "semfield/image/image.h"

namespace semfield {

// Variance of the Laplacian (4 neighbours) of a picture's first channel: the sharper of two pictures of the
// same thing, at the same size, has the larger one (Pech-Pacheco et al., ICPR 2000). Under 3 x 3 pixels: 0.
double LaplacianVariance(const ImageU8& image);

}  // namespace semfield
