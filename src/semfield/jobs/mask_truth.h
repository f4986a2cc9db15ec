#pragma once

#include <optional>
#include <string>

#include "semfield/image/image.h"
#include "semfield/perception/prompt.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// The labelled instance under a prompt, to compare masks with.
class MaskTruth {
 public:
  // Of the first positive click; nothing where the view has no labels or the click is on none. The run must
  // outlive it.
  MaskTruth(const OpenedRun& run, const NamedView& view, const Prompt& prompt);

  struct Score {
    double iou = 0;
    std::string name;  // of the instance
  };
  // Nothing where the view has no labels of the mask's size, or there is no instance.
  std::optional<Score> Compare(const NamedView& view, const ImageU8& mask) const;

 private:
  const OpenedRun& run_;
  int id_ = 0;
};

}  // namespace semfield
