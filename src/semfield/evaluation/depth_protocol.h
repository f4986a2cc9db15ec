#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/evaluation/protocol.h"

namespace semfield {

// How far rendered z-depth is from the true one, over pixels whose truth is known.
struct DepthErrors {
  std::vector<float> relative;  // (ours - truth) / truth; -1 where nothing was rendered
  double MedianAbsolute() const;
  double ShareWithin(double tolerance) const;  // of |relative|
  double ShareNearer(
      double tolerance) const;  // ours is nearer than (1 - tolerance) truth, or nothing is there
  double ShareFarther(double tolerance) const;
};

struct DepthScore {
  int view = 0;
  DepthErrors all;
  std::map<std::string, DepthErrors> by_class;  // of labelled captures
};

// Both depths are of one size; 0 in `truth` is unknown, 0 in `ours` is nothing.
DepthErrors CompareDepth(const ImageF& ours, const ImageF& truth);

// Rendered depth of held-out views against the capture's.
std::shared_ptr<const Protocol> MakeDepthProtocol();

}  // namespace semfield
