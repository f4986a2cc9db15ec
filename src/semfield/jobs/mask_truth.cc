#include "semfield/jobs/mask_truth.h"

#include <algorithm>

namespace semfield {

MaskTruth::MaskTruth(const OpenedRun& run, const NamedView& view, const Prompt& prompt) : run_(run) {
  if (view.index < 0) return;
  const ImageU16 ids = run.store->Instances(view.index);
  if (ids.empty()) return;
  const auto positive = std::find_if(prompt.points.begin(), prompt.points.end(),
                                     [](const PromptPoint& point) { return point.positive; });
  if (positive == prompt.points.end()) return;
  id_ = ids.At(std::min(static_cast<int>(positive->x), ids.width - 1),
               std::min(static_cast<int>(positive->y), ids.height - 1));
}

std::optional<MaskTruth::Score> MaskTruth::Compare(const NamedView& view, const ImageU8& mask) const {
  if (id_ == 0 || view.index < 0) return std::nullopt;
  const ImageU16 ids = run_.store->Instances(view.index);
  if (ids.empty() || ids.width != mask.width || ids.height != mask.height) return std::nullopt;
  int64_t both = 0, either = 0;
  for (size_t i = 0; i < ids.data.size(); ++i) {
    const bool truth = ids.data[i] == id_, ours = mask.data[i] > 127;
    both += truth && ours;
    either += truth || ours;
  }
  const auto label = run_.capture->instances.find(id_);
  return Score{.iou = either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either),
               .name = label == run_.capture->instances.end() ? std::to_string(id_) : label->second.name};
}

}  // namespace semfield
