#pragma once

#include <string>
#include <vector>

#include "semfield/methods/laser/matrix_tape.h"
#include "semfield/perception/text_encoder.h"

namespace semfield {

// The text vectors of a few names in coordinates of the space that they span: dot products are those of the
// text encoder's own vectors, with as many numbers as there are names.
struct ClassTexts {
  Matrix once;   // [names, names] rows of length 1
  Matrix twice;  // of "name name", what of it lies in that space; rows of length 1
};
ClassTexts EncodeClassTexts(const std::vector<std::string>& names, TextEncoder& encoder);

// The lower triangle L with L L^T = gram, which is symmetric and positive definite but for rounding.
Matrix LowerTriangle(const Matrix& gram);

}  // namespace semfield
