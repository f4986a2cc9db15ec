#include "semfield/methods/radiance/views/view_term.h"

#include <utility>

namespace semfield {

ViewTerm::ViewTerm(std::string name, size_t num_views, std::vector<int> views)
    : block_(std::move(name), {static_cast<int64_t>(num_views), kStride}), views_(std::move(views)) {
  block_.PrepareTraining();
}

std::vector<TensorView> ViewTerm::Tensors() const {
  std::vector<TensorView> tensors;
  if (!enabled()) return tensors;
  tensors.push_back(block_.ValueTensor());
  block_.AppendMomentTensors(&tensors);
  return tensors;
}

void ViewTerm::Load(const SafetensorsFile& file) {
  if (!enabled()) return;
  block_.LoadValues(file);
  block_.LoadMoments(file);
  AfterLoad();
}

}  // namespace semfield
