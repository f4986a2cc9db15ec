#include "semfield/objects/everything.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "semfield/objects/object_finder.h"

namespace semfield {
namespace {

constexpr int kFewestCommon = 20;  // cells that two views must both see to compare their masks

// A mask of one view on the surface.
struct Piece {
  int view = 0;
  std::vector<int32_t> cells;  // indices into the view's cells, increasing
  double worth = 0;            // the decoder's score
  double agreement = 0;
  std::vector<int> matches;  // pieces of other views that are the same thing
  int judges = 0;            // views that see enough to say
};

double Stability(const Mask& mask) {
  int64_t high = 0, low = 0;
  for (const float logit : mask.logits.data) {
    high += logit > 1;
    low += logit > -1;
  }
  return low == 0 ? 0 : static_cast<double>(high) / static_cast<double>(low);
}

double Iou(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  size_t both = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      ++both, ++i, ++j;
    } else {
      a[i] < b[j] ? ++i : ++j;
    }
  }
  const size_t either = a.size() + b.size() - both;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

std::vector<int32_t> CellsInside(const SurfaceView& view, const Mask& mask) {
  std::vector<int32_t> inside(view.cells.size(), 0), cells;
  for (size_t pixel = 0; pixel < view.cell_of.size(); ++pixel) {
    if (view.cell_of[pixel] >= 0 && mask.binary.data[pixel] != 0) ++inside[view.cell_of[pixel]];
  }
  for (size_t c = 0; c < inside.size(); ++c) {
    if (2 * inside[c] > view.pixels[c]) cells.push_back(static_cast<int32_t>(c));
  }
  return cells;
}

// The masks of a grid of prompts, each once.
std::vector<Piece> PiecesOf(const SurfaceMap& map, int index, ViewAnswers& answers,
                            const EverythingOptions& options, const StopToken* stop) {
  const SurfaceView& view = map.views()[index];
  const int longer = std::max(view.depth.width, view.depth.height);
  const int columns = std::max(1, options.across * view.depth.width / longer);
  const int rows = std::max(1, options.across * view.depth.height / longer);
  std::vector<Piece> pieces;
  for (int i = 0; i < columns * rows; ++i) {
    const PromptPoint point = {.x = (i % columns + 0.5) * view.depth.width / columns,
                               .y = (i / columns + 0.5) * view.depth.height / rows};
    for (const Mask& mask : answers.Answer(view, {.points = {point}}, stop)) {
      if (mask.score < options.min_score || Stability(mask) < options.min_stability) continue;
      Piece piece{.view = index, .cells = CellsInside(view, mask), .worth = mask.score, .matches = {}};
      if (static_cast<int>(piece.cells.size()) >= options.fewest_cells) pieces.push_back(std::move(piece));
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.worth > b.worth; });
  std::vector<Piece> kept;
  for (Piece& piece : pieces) {
    const bool is_new = std::none_of(kept.begin(), kept.end(), [&](const Piece& other) {
      return Iou(piece.cells, other.cells) > options.same_in_view;
    });
    if (is_new) kept.push_back(std::move(piece));
  }
  return kept;
}

// Pieces [first, last) of one view.
struct Range {
  int view = 0;
  size_t first = 0, last = 0;
};

// What the pieces of two views have in common: for each piece of `a`, its best match among those of `b`.
class Comparison {
 public:
  Comparison(const SurfaceMap& map, const std::vector<Piece>& pieces, const Range& a, const Range& b)
      : num_b_(b.last - b.first),
        both_((a.last - a.first) * num_b_, 0),
        of_a_(a.last - a.first, 0),
        of_b_(num_b_, 0) {
    const std::vector<int32_t>&cells_a = map.views()[a.view].cells, &cells_b = map.views()[b.view].cells;
    std::vector<std::vector<size_t>> in_b(cells_b.size());
    for (size_t p = b.first; p < b.last; ++p) {
      for (const int32_t cell : pieces[p].cells) in_b[cell].push_back(p - b.first);
    }
    std::vector<int32_t> to_b(cells_a.size(), -1);
    for (size_t i = 0, j = 0; i < cells_a.size() && j < cells_b.size();) {
      if (cells_a[i] == cells_b[j]) {
        to_b[i] = static_cast<int32_t>(j);
        for (const size_t p : in_b[j]) ++of_b_[p];
        ++common_, ++i, ++j;
      } else {
        cells_a[i] < cells_b[j] ? ++i : ++j;
      }
    }
    for (size_t p = a.first; p < a.last; ++p) {
      for (const int32_t cell : pieces[p].cells) {
        if (to_b[cell] < 0) continue;
        ++of_a_[p - a.first];
        for (const size_t other : in_b[to_b[cell]]) ++both_[(p - a.first) * num_b_ + other];
      }
    }
  }

  bool Knows() const { return common_ >= kFewestCommon; }
  int64_t CommonOf(size_t a) const { return of_a_[a]; }
  // IoU and index of the best match; 0 without one.
  std::pair<double, size_t> Best(size_t a) const {
    std::pair<double, size_t> best = {0, 0};
    for (size_t b = 0; b < num_b_; ++b) {
      const int64_t both = both_[a * num_b_ + b], either = of_a_[a] + of_b_[b] - both;
      const double iou = either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
      if (iou > best.first) best = {iou, b};
    }
    return best;
  }

 private:
  size_t num_b_;
  int64_t common_ = 0;
  std::vector<int64_t> both_, of_a_, of_b_;
};

void JudgeAll(const SurfaceMap& map, const std::vector<Range>& ranges, const EverythingOptions& options,
              std::vector<Piece>* pieces) {
  std::vector<double> sums(pieces->size(), 0), weights(pieces->size(), 0);
  for (const Range& a : ranges) {
    for (const Range& b : ranges) {
      if (a.view == b.view) continue;
      const Comparison comparison(map, *pieces, a, b);
      if (!comparison.Knows()) continue;
      for (size_t p = a.first; p < a.last; ++p) {
        Piece& piece = (*pieces)[p];
        const double weight =
            static_cast<double>(comparison.CommonOf(p - a.first)) / static_cast<double>(piece.cells.size());
        if (weight == 0) continue;
        const auto [iou, best] = comparison.Best(p - a.first);
        sums[p] += weight * iou;
        weights[p] += weight;
        if (weight > 0.3) ++piece.judges;
        if (iou > options.same_in_space) piece.matches.push_back(static_cast<int>(b.first + best));
      }
    }
  }
  for (size_t p = 0; p < pieces->size(); ++p) {
    // What a single view shows has nobody to agree with.
    (*pieces)[p].agreement = weights[p] > 0.3 ? sums[p] / weights[p] : 0.3;
  }
}

FoundThing ThingOf(const SurfaceMap& map, const std::vector<Piece>& pieces, const Piece& first) {
  FoundThing thing{.weight = std::vector<float>(map.num_cells(), 0),
                   .looked = std::vector<float>(map.num_cells(), 0),
                   .agreement = first.agreement,
                   .voters = {}};
  const auto vote = [&](const Piece& piece) {
    const std::vector<int32_t>& cells = map.views()[piece.view].cells;
    for (const int32_t cell : cells) thing.looked[cell] += 1;
    for (const int32_t cell : piece.cells) thing.weight[cells[cell]] += 1;
    thing.voters.push_back(piece.view);
  };
  vote(first);
  for (const int match : first.matches) vote(pieces[match]);
  for (size_t cell = 0; cell < thing.weight.size(); ++cell) {
    if (thing.looked[cell] > 0) thing.weight[cell] /= thing.looked[cell];
  }
  return thing;
}

// The thing prompts views that have not voted about it.
void Refine(const SurfaceMap& map, ViewAnswers& answers, int rounds, const StopToken* stop,
            FoundThing* thing) {
  FoundObject object{.inside = std::move(thing->weight), .looked = std::move(thing->looked)};
  for (size_t cell = 0; cell < object.inside.size(); ++cell) object.inside[cell] *= object.looked[cell];
  std::vector<bool> asked(map.views().size(), false);
  for (const int view : thing->voters) asked[view] = true;
  GrowObject(map, answers, {.rounds = rounds}, std::move(asked), &object, stop);
  for (size_t cell = 0; cell < object.inside.size(); ++cell) {
    if (object.looked[cell] > 0) object.inside[cell] /= object.looked[cell];
  }
  thing->weight = std::move(object.inside);
  thing->looked = std::move(object.looked);
}

std::vector<int32_t> Held(const FoundThing& thing) {
  std::vector<int32_t> cells;
  for (size_t cell = 0; cell < thing.weight.size(); ++cell) {
    if (thing.weight[cell] > 0.5f) cells.push_back(static_cast<int32_t>(cell));
  }
  return cells;
}

// Things that are large enough and not the same as one before them.
class DifferentThings {
 public:
  explicit DifferentThings(const EverythingOptions& options) : options_(options) {}

  void Add(FoundThing thing) {
    std::vector<int32_t> cells = Held(thing);
    if (static_cast<int>(cells.size()) < options_.fewest_cells) return;
    const bool is_new = std::none_of(held_.begin(), held_.end(), [&](const std::vector<int32_t>& other) {
      return Iou(cells, other) > options_.same_thing;
    });
    if (!is_new) return;
    things_.push_back(std::move(thing));
    held_.push_back(std::move(cells));
  }
  std::vector<FoundThing> Take() { return std::move(things_); }

 private:
  const EverythingOptions& options_;
  std::vector<FoundThing> things_;
  std::vector<std::vector<int32_t>> held_;
};

}  // namespace

std::vector<int> SpreadOverSurface(const SurfaceMap& map, int count) {
  std::vector<int> chosen;
  std::vector<int> seen(map.num_cells(), 0);
  while (static_cast<int>(chosen.size()) < std::min<int>(count, static_cast<int>(map.views().size()))) {
    int best = -1;
    double most = -1;
    for (int v = 0; v < static_cast<int>(map.views().size()); ++v) {
      if (std::find(chosen.begin(), chosen.end(), v) != chosen.end()) continue;
      double gain = 0;
      for (const int32_t cell : map.views()[v].cells) gain += 1.0 / (1 + 3 * seen[cell]);
      if (gain > most) most = gain, best = v;
    }
    chosen.push_back(best);
    for (const int32_t cell : map.views()[best].cells) ++seen[cell];
  }
  return chosen;
}

std::vector<FoundThing> FindEverything(const SurfaceMap& map, ViewAnswers& answers,
                                       const EverythingOptions& options, const JobControl& control) {
  const std::vector<int> views = SpreadOverSurface(map, options.views);
  std::vector<Piece> pieces;
  std::vector<Range> ranges;
  for (const int view : views) {
    control.ThrowIfStopped();
    Range range{.view = view, .first = pieces.size()};
    for (Piece& piece : PiecesOf(map, view, answers, options, control.stop))
      pieces.push_back(std::move(piece));
    range.last = pieces.size();
    ranges.push_back(range);
    control.Report({.stage = "everything",
                    .done = static_cast<double>(ranges.size()),
                    .total = static_cast<double>(views.size()),
                    .detail = fmt::format("{} masks", pieces.size())});
  }
  JudgeAll(map, ranges, options, &pieces);
  std::vector<size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return pieces[a].agreement > pieces[b].agreement; });
  DifferentThings different(options);
  for (const size_t p : order) different.Add(ThingOf(map, pieces, pieces[p]));
  if (options.rounds == 0) return different.Take();
  DifferentThings refined(options);
  std::vector<FoundThing> things = different.Take();
  for (size_t i = 0; i < things.size(); ++i) {
    control.ThrowIfStopped();
    Refine(map, answers, options.rounds, control.stop, &things[i]);
    refined.Add(std::move(things[i]));
    control.Report({.stage = "everything",
                    .done = static_cast<double>(i + 1),
                    .total = static_cast<double>(things.size()),
                    .detail = "things prompt further views"});
  }
  return refined.Take();
}

std::vector<FoundThing> LabelOnce(std::vector<FoundThing> things, int fewest_cells) {
  if (things.empty()) return things;
  const size_t num_cells = things.front().weight.size();
  for (size_t cell = 0; cell < num_cells; ++cell) {
    size_t best = 0;
    for (size_t t = 1; t < things.size(); ++t) {
      if (things[t].weight[cell] > things[best].weight[cell]) best = t;
    }
    for (size_t t = 0; t < things.size(); ++t) {
      if (t != best) things[t].weight[cell] = std::min(things[t].weight[cell], 0.5f);
    }
  }
  std::erase_if(things,
                [&](const FoundThing& thing) { return static_cast<int>(Held(thing).size()) < fewest_cells; });
  return things;
}

}  // namespace semfield
