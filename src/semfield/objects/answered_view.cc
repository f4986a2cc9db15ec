#include "semfield/objects/answered_view.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr int kFewestCells = 20;           // that two views must both see to compare their answers
constexpr double kSeesAPart = 0.3;         // share of an answer that a view must see to be its worst judge
constexpr double kUnknownAgreement = 0.5;  // of an answer that no other view can judge

// What a mask looks like in its view.
AnswerFacts FactsOfMask(const SurfaceView& view, const Mask& mask) {
  AnswerFacts facts;
  facts.score = mask.score;
  const int width = mask.binary.width, height = mask.binary.height;
  int x0 = width, y0 = height, x1 = -1, y1 = -1;
  double pixels = 0, at_border = 0, depth_sum = 0, with_depth = 0, nearest = 1e300, farthest = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (mask.binary.At(x, y) == 0) continue;
      ++pixels;
      at_border += x == 0 || y == 0 || x == width - 1 || y == height - 1;
      x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
      const double depth = view.depth.At(x, y);
      if (depth <= 0) continue;
      depth_sum += depth;
      ++with_depth;
      nearest = std::min(nearest, depth);
      farthest = std::max(farthest, depth);
    }
  }
  if (pixels == 0) return facts;
  facts.share = pixels / static_cast<double>(mask.binary.num_pixels());
  facts.fill = pixels / (static_cast<double>(x1 - x0 + 1) * (y1 - y0 + 1));
  facts.border = at_border / pixels;
  if (with_depth > 0) facts.depth_range = (farthest - nearest) / (depth_sum / with_depth);
  return facts;
}

// Adds the mask as a further answer.
void AddAnswer(const SurfaceView& view, const Mask& mask, AnsweredView* answered) {
  SF_CHECK_EQ(mask.binary.data.size(), view.cell_of.size());
  answered->facts.push_back(FactsOfMask(view, mask));
  answered->facts.back().rank = answered->num_answers();
  std::vector<float> share(view.cells.size(), 0);
  for (size_t pixel = 0; pixel < view.cell_of.size(); ++pixel) {
    if (view.cell_of[pixel] >= 0 && mask.binary.data[pixel] != 0) ++share[view.cell_of[pixel]];
  }
  for (size_t c = 0; c < share.size(); ++c) share[c] /= static_cast<float>(view.pixels[c]);
  answered->share.push_back(std::move(share));
}

// What AnsweredView::bits says, from the shares.
void FillBits(const SurfaceMap& map, AnsweredView* answered) {
  const SurfaceView& view = map.views()[answered->view];
  answered->bits.assign(map.num_cells(), 0);
  for (size_t c = 0; c < view.cells.size(); ++c) {
    uint16_t bits = AnsweredView::kSeen;
    for (size_t k = 0; k < answered->share.size(); ++k)
      if (answered->share[k][c] > 0.5f) bits |= uint16_t{1} << k;
    answered->bits[view.cells[c]] = bits;
  }
}

// For each answer of `a` its best IoU with an answer of `b` over cells that both see, and how much of it b
// sees; nothing if they see too little together.
struct Agreement {
  double iou = 0, weight = 0;
};
std::vector<Agreement> Compare(const SurfaceMap& map, const AnsweredView& a, const AnsweredView& b) {
  constexpr int kMost = AnsweredView::kMostAnswers;
  const size_t num_a = a.share.size(), num_b = b.share.size();
  std::array<std::array<int64_t, kMost>, kMost> both{};
  std::array<int64_t, kMost> of_a{}, of_b{}, whole_a{};
  int64_t common = 0;
  for (const int32_t cell : map.views()[a.view].cells) {
    const uint16_t in_a = a.bits[cell], in_b = b.bits[cell];
    for (size_t k = 0; k < num_a; ++k) whole_a[k] += in_a >> k & 1;
    if ((in_b & AnsweredView::kSeen) == 0) continue;
    ++common;
    for (size_t o = 0; o < num_b; ++o) of_b[o] += in_b >> o & 1;
    for (size_t k = 0; k < num_a; ++k) {
      if ((in_a >> k & 1) == 0) continue;
      ++of_a[k];
      for (size_t o = 0; o < num_b; ++o) both[k][o] += in_b >> o & 1;
    }
  }
  if (common < kFewestCells) return {};
  std::vector<Agreement> agreements(num_a);
  for (size_t k = 0; k < num_a; ++k) {
    for (size_t o = 0; o < num_b; ++o) {
      agreements[k].iou = std::max(agreements[k].iou, IouOfCounts(of_a[k], of_b[o], both[k][o]));
    }
    agreements[k].weight =
        static_cast<double>(of_a[k]) / static_cast<double>(std::max<int64_t>(1, whole_a[k]));
  }
  return agreements;
}

// How much of the surface the answers of a view hold.
void CompleteSizes(const SurfaceMap& map, AnsweredView* answered) {
  const std::vector<int32_t>& cells = map.views()[answered->view].cells;
  double largest = 0, smallest = 1e300;
  for (size_t k = 0; k < answered->share.size(); ++k) {
    Vec3 low = Vec3::Constant(1e300), high = -low;
    double count = 0;
    for (size_t c = 0; c < cells.size(); ++c) {
      if (answered->share[k][c] <= 0.5f) continue;
      const Vec3 center = map.CellCenter(cells[c]);
      low = low.cwiseMin(center);
      high = high.cwiseMax(center);
      ++count;
    }
    answered->facts[k].cells = count;
    if (count > 0) answered->facts[k].extent = (high - low).norm() / map.Extent().norm();
    largest = std::max(largest, count);
    if (count > 0) smallest = std::min(smallest, count);
  }
  for (AnswerFacts& facts : answered->facts) {
    facts.largest = largest;
    facts.smallest = std::min(smallest, largest);
  }
}

}  // namespace

double IouOfCounts(int64_t a, int64_t b, int64_t both) {
  const int64_t either = a + b - both;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

AnsweredView AskView(const SurfaceMap& map, ViewAnswers& answers, int view,
                     const std::vector<Prompt>& prompts, bool is_clicked, const StopToken* stop) {
  AnsweredView answered{.view = view, .facts = {}, .share = {}, .bits = {}};
  for (const Prompt& prompt : prompts) {
    for (const Mask& mask : answers.Answer(map.views()[view], prompt, stop)) {
      if (answered.num_answers() == AnsweredView::kMostAnswers) break;
      AddAnswer(map.views()[view], mask, &answered);
      answered.facts.back().is_clicked_view = is_clicked;
    }
  }
  FillBits(map, &answered);
  return answered;
}

AnsweredView AnsweredByMask(const SurfaceMap& map, int view, const Mask& mask) {
  AnsweredView answered{.view = view, .facts = {}, .share = {}, .bits = {}};
  AddAnswer(map.views()[view], mask, &answered);
  FillBits(map, &answered);
  return answered;
}

CommonCells Overlap(const SurfaceMap& map, const AnsweredView& view_a, int answer_a,
                    const AnsweredView& view_b, int answer_b) {
  CommonCells common;
  for (const int32_t cell : map.views()[view_a.view].cells) {
    if (!view_b.Sees(cell)) continue;
    const bool in_a = view_a.Holds(answer_a, cell), in_b = view_b.Holds(answer_b, cell);
    common.a += in_a;
    common.b += in_b;
    common.both += in_a && in_b;
  }
  return common;
}

void CompleteFacts(const SurfaceMap& map, std::vector<AnsweredView>* answered) {
  double best = 0;
  for (size_t i = 0; i < answered->size(); ++i) {
    AnsweredView& own = (*answered)[i];
    std::vector<Agreement> sums(own.share.size());
    std::vector<double> worst(own.share.size(), 1);
    for (size_t j = 0; j < answered->size(); ++j) {
      if (i == j) continue;
      const std::vector<Agreement> agreements = Compare(map, own, (*answered)[j]);
      for (size_t k = 0; k < agreements.size(); ++k) {
        sums[k].iou += agreements[k].weight * agreements[k].iou;
        sums[k].weight += agreements[k].weight;
        if (agreements[k].weight > kSeesAPart) worst[k] = std::min(worst[k], agreements[k].iou);
      }
    }
    for (size_t k = 0; k < sums.size(); ++k) {
      AnswerFacts& facts = own.facts[k];
      facts.agreement = sums[k].weight > 0 ? sums[k].iou / sums[k].weight : kUnknownAgreement;
      facts.worst_agreement = worst[k];
      best = std::max(best, facts.agreement);
    }
    CompleteSizes(map, &own);
  }
  for (AnsweredView& own : *answered) {
    for (AnswerFacts& facts : own.facts) facts.best_agreement = best;
  }
}

}  // namespace semfield
