#pragma once

// Random vectors for tests.

#include "semfield/base/random.h"
#include "semfield/geometry/pose.h"

namespace semfield {

// Every coordinate uniform in [-size, size].
inline Vec3 RandomVec3(Random& random, float size) {
  const float x = random.Uniform(-size, size), y = random.Uniform(-size, size),
              z = random.Uniform(-size, size);
  return {x, y, z};
}

}  // namespace semfield
