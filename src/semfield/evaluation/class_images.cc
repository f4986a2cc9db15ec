#include "semfield/evaluation/class_images.h"

#include <algorithm>
#include <array>
#include <map>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"

namespace semfield {

std::optional<ClassImage> TrueClasses(const EvaluationScene& scene, int view,
                                      const std::vector<std::string>& classes, int width, int height) {
  if (scene.capture.views[view].instance.empty()) return std::nullopt;
  const ImageU16 instances = scene.store.Instances(view);
  const std::shared_ptr<const ImageU8> mask = scene.store.Mask(view);
  std::map<int, uint8_t> class_of;
  for (const auto& [id, label] : scene.capture.instances) {
    const auto found = std::find(classes.begin(), classes.end(), label.class_name);
    if (found != classes.end()) class_of[id] = static_cast<uint8_t>(found - classes.begin());
  }
  ClassImage truth(width, height, 1);
  const auto scaled = [](int i, int to, int from) { return static_cast<int>((i + 0.5) * from / to); };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto found =
          class_of.find(instances.At(scaled(x, width, instances.width), scaled(y, height, instances.height)));
      const bool excluded =
          mask != nullptr && mask->At(scaled(x, width, mask->width), scaled(y, height, mask->height)) == 0;
      truth.At(x, y, 0) = found == class_of.end() || excluded ? kNoClass : found->second;
    }
  }
  return truth;
}

std::vector<ClassAgreement> CompareClasses(const ClassImage& a, const ClassImage& b, double smallest_share,
                                           const ClassImage* scored) {
  SF_CHECK_EQ(a.data.size(), b.data.size());
  std::array<int64_t, 256> in_a{}, in_b{}, in_both{};
  int64_t all = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    if (scored != nullptr && scored->data[i] == kNoClass) continue;
    ++all;
    ++in_a[a.data[i]];
    ++in_b[b.data[i]];
    in_both[a.data[i]] += a.data[i] == b.data[i];
  }
  std::vector<ClassAgreement> classes;
  for (int c = 0; c < kNoClass; ++c) {
    const int64_t most = std::max(in_a[c], in_b[c]), any = in_a[c] + in_b[c] - in_both[c];
    const double share = static_cast<double>(most) / static_cast<double>(std::max<int64_t>(1, all));
    if (most == 0 || share < smallest_share) continue;
    classes.push_back({c, share, static_cast<double>(in_both[c]) / static_cast<double>(any)});
  }
  return classes;
}

}  // namespace semfield
