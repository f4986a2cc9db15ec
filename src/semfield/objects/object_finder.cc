#include "semfield/objects/object_finder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr int kMostAnswers = 15;           // bits of a cell's word that tell answers apart
constexpr uint16_t kSeen = 0x8000;         // the bit that tells that the view sees the cell
constexpr int kFewestCells = 20;           // that two views must both see to compare their answers
constexpr double kBrokenClick = 0.5;       // what an answer loses for each click that it contradicts
constexpr double kSeesAPart = 0.3;         // share of an answer that a view must see to be its worst judge
constexpr double kUnknownAgreement = 0.5;  // of an answer that no other view can judge
constexpr double kFewestPixels = 3.5e-4;   // share of a view in which an object is big enough to prompt it
constexpr double kNearEnough = 0.5;        // IoU with what is known of an answer that corrects it
constexpr int kRing = 6;                   // pixels around an object that should be known

// A view's answers to one prompt, seen on the surface.
struct Asked {
  int view = 0;
  std::vector<AnswerFacts> facts;         // [answers] but for what other views say
  std::vector<std::vector<float>> share;  // [answers][cells of the view] of a cell's pixels, those inside
  std::vector<uint16_t> bits;             // [num_cells] answer k holds the cell: bit k; seen: kSeen
};

// IoU of two sets of cells from three counts; two empty sets agree.
double Iou(int64_t a, int64_t b, int64_t both) {
  const int64_t either = a + b - both;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

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

class Finder {
 public:
  Finder(const SurfaceMap& map, ViewAnswers& answers, const std::vector<ObjectClick>& clicks,
         const FinderOptions& options, const StopToken* stop)
      : map_(map), answers_(answers), clicks_(clicks), options_(options), stop_(stop) {
    found_.inside.assign(map.num_cells(), 0);
    found_.looked.assign(map.num_cells(), 0);
    used_.assign(map.views().size(), false);
    for (const ObjectClick& click : clicks) {
      const SurfaceView& view = map.views()[click.view];
      points_.push_back(view.PointAt(click.pixel));
      cells_.push_back(points_.back()
                           ? view.CellAt(static_cast<int>(click.pixel.x()), static_cast<int>(click.pixel.y()))
                           : -1);
    }
  }

  FoundObject Run() {
    AskAboutTheClicks();
    VoteAboutTheClicks();
    for (int round = 0; round < options_.rounds; ++round) {
      if (!Grow()) break;
    }
    return std::move(found_);
  }

  std::vector<AnswerCandidate> Candidates() {
    AskAboutTheClicks();
    CompleteFacts();
    std::vector<AnswerCandidate> candidates;
    for (const Asked& asked : asked_) {
      const std::vector<int32_t>& cells = map_.views()[asked.view].cells;
      for (size_t k = 0; k < asked.facts.size(); ++k) {
        AnswerCandidate candidate{.view = asked.view, .facts = asked.facts[k], .cells = {}};
        for (size_t c = 0; c < cells.size(); ++c) {
          if (asked.share[k][c] > 0.5f) candidate.cells.push_back(cells[c]);
        }
        candidates.push_back(std::move(candidate));
      }
    }
    return candidates;
  }

  // `before` as the view of the last click corrects it: its answer to the clicks that it sees, if one is near
  // to what is known and contradicts none, is law for the cells that it sees. Nothing otherwise.
  std::optional<FoundObject> Correct(const FoundObject& before) {
    found_ = before;
    found_.decoder_calls = 0;
    const Asked asked = Ask(clicks_.back().view, {{.points = ClicksIn(clicks_.back().view)}});
    const auto [answer, agreement] = Nearest(asked);
    if (agreement < kNearEnough) return std::nullopt;
    const SurfaceView& view = map_.views()[asked.view];
    for (size_t c = 0; c < view.cells.size(); ++c) {
      float& looked = found_.looked[view.cells[c]];
      looked = std::max(looked, 1.0f);
      found_.inside[view.cells[c]] = asked.share[answer][c] * looked;
    }
    return std::move(found_);
  }

 private:
  // The clicks that a view sees, in its pixels; those made in it always.
  std::vector<PromptPoint> ClicksIn(int view) const {
    std::vector<PromptPoint> points;
    for (size_t n = 0; n < clicks_.size(); ++n) {
      std::optional<Vec2> at;
      if (clicks_[n].view == view) {
        at = clicks_[n].pixel;
      } else if (points_[n] && map_.views()[view].Sees(*points_[n], map_.cell_size())) {
        at = map_.views()[view].Project(*points_[n])->pixel;
      }
      if (at) points.push_back({.x = at->x(), .y = at->y(), .positive = clicks_[n].positive});
    }
    return points;
  }

  Asked Ask(int view_index, const std::vector<Prompt>& prompts) {
    const SurfaceView& view = map_.views()[view_index];
    Asked asked{.view = view_index, .facts = {}, .share = {}, .bits = {}};
    for (const Prompt& prompt : prompts) {
      ++found_.decoder_calls;
      for (const Mask& mask : answers_.Answer(view, prompt, stop_)) {
        SF_CHECK_EQ(mask.binary.data.size(), view.cell_of.size());
        if (asked.share.size() == kMostAnswers) break;
        asked.facts.push_back(FactsOfMask(view, mask));
        asked.facts.back().rank = static_cast<int>(asked.share.size());
        asked.facts.back().is_clicked_view = clicks_.front().view == view_index;
        std::vector<float> share(view.cells.size(), 0);
        for (size_t pixel = 0; pixel < view.cell_of.size(); ++pixel) {
          if (view.cell_of[pixel] >= 0 && mask.binary.data[pixel] != 0) ++share[view.cell_of[pixel]];
        }
        for (size_t c = 0; c < share.size(); ++c) share[c] /= static_cast<float>(view.pixels[c]);
        asked.share.push_back(std::move(share));
      }
    }
    asked.bits.assign(map_.num_cells(), 0);
    for (size_t c = 0; c < view.cells.size(); ++c) {
      uint16_t bits = kSeen;
      for (size_t k = 0; k < asked.share.size(); ++k)
        if (asked.share[k][c] > 0.5f) bits |= uint16_t{1} << k;
      asked.bits[view.cells[c]] = bits;
    }
    return asked;
  }

  // Views that see a clicked point from new directions, with the point well inside the picture, at a like
  // distance; the clicked one first.
  std::vector<int> ViewsOf(size_t n) const {
    std::vector<int> chosen = {clicks_[n].view};
    if (!points_[n]) return chosen;
    const Vec3 point = *points_[n];
    std::vector<int> left;
    for (int i = 0; i < static_cast<int>(map_.views().size()); ++i) {
      if (i != clicks_[n].view && map_.views()[i].Sees(point, map_.cell_size())) left.push_back(i);
    }
    const auto offset = [&](int i) { return Vec3(point - map_.views()[i].world_from_camera.translation); };
    const double first = std::max(offset(clicks_[n].view).norm(), 1e-9);
    const auto worth = [&](int i) {
      const SurfaceView& view = map_.views()[i];
      const Vec2 at = view.Project(point)->pixel;
      const double inside = 1 - 2 * std::max(std::abs(at.x() / view.depth.width - 0.5),
                                             std::abs(at.y() / view.depth.height - 0.5));
      double angle = 4;
      for (const int other : chosen) {
        const double cosine = offset(i).normalized().dot(offset(other).normalized());
        angle = std::min(angle, std::acos(std::clamp(cosine, -1.0, 1.0)));
      }
      return std::min(angle, 0.6) + 0.5 * std::min(inside, 0.5) -
             0.15 * std::abs(std::log(std::max(offset(i).norm(), 1e-9) / first));
    };
    while (!left.empty() && static_cast<int>(chosen.size()) < options_.views) {
      const auto best =
          std::max_element(left.begin(), left.end(), [&](int a, int b) { return worth(a) < worth(b); });
      chosen.push_back(*best);
      left.erase(best);
    }
    return chosen;
  }

  void AskAboutTheClicks() {
    std::vector<int> views;
    for (size_t n = clicks_.size(); n-- > 0;) {
      const std::vector<int> more = clicks_[n].positive ? ViewsOf(n) : std::vector<int>{clicks_[n].view};
      for (const int view : more) {
        if (std::find(views.begin(), views.end(), view) == views.end()) views.push_back(view);
      }
    }
    for (const int view : views) {
      const std::vector<PromptPoint> points = ClicksIn(view);
      const bool any = std::any_of(points.begin(), points.end(), [](const auto& p) { return p.positive; });
      if (any) asked_.push_back(Ask(view, {{.points = points}}));
    }
  }

  int Broken(const Asked& asked, size_t answer) const {
    int broken = 0;
    for (size_t n = 0; n < clicks_.size(); ++n) {
      if (cells_[n] < 0 || (asked.bits[cells_[n]] & kSeen) == 0) continue;
      broken += ((asked.bits[cells_[n]] >> answer & 1) != 0) != clicks_[n].positive;
    }
    return broken;
  }

  // For each answer of `a` its best IoU with an answer of `b` over cells that both see, and how much of it b
  // sees; nothing if they see too little together.
  struct Agreement {
    double iou = 0, weight = 0;
  };
  std::vector<Agreement> Compare(const Asked& a, const Asked& b) const {
    const size_t num_a = a.share.size(), num_b = b.share.size();
    std::array<std::array<int64_t, kMostAnswers>, kMostAnswers> both{};
    std::array<int64_t, kMostAnswers> of_a{}, of_b{}, whole_a{};
    int64_t common = 0;
    for (const int32_t cell : map_.views()[a.view].cells) {
      const uint16_t in_a = a.bits[cell], in_b = b.bits[cell];
      for (size_t k = 0; k < num_a; ++k) whole_a[k] += in_a >> k & 1;
      if ((in_b & kSeen) == 0) continue;
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
        agreements[k].iou = std::max(agreements[k].iou, Iou(of_a[k], of_b[o], both[k][o]));
      }
      agreements[k].weight =
          static_cast<double>(of_a[k]) / static_cast<double>(std::max<int64_t>(1, whole_a[k]));
    }
    return agreements;
  }

  // Of every answer to the clicks, what is known of it.
  void CompleteFacts() {
    double best = 0;
    for (size_t i = 0; i < asked_.size(); ++i) {
      std::vector<Agreement> sums(asked_[i].share.size());
      std::vector<double> worst(asked_[i].share.size(), 1);
      for (size_t j = 0; j < asked_.size(); ++j) {
        if (i == j) continue;
        const std::vector<Agreement> agreements = Compare(asked_[i], asked_[j]);
        for (size_t k = 0; k < agreements.size(); ++k) {
          sums[k].iou += agreements[k].weight * agreements[k].iou;
          sums[k].weight += agreements[k].weight;
          if (agreements[k].weight > kSeesAPart) worst[k] = std::min(worst[k], agreements[k].iou);
        }
      }
      for (size_t k = 0; k < sums.size(); ++k) {
        AnswerFacts& facts = asked_[i].facts[k];
        facts.agreement = sums[k].weight > 0 ? sums[k].iou / sums[k].weight : kUnknownAgreement;
        facts.worst_agreement = worst[k];
        best = std::max(best, facts.agreement);
      }
      CompleteSizes(&asked_[i]);
    }
    for (Asked& asked : asked_) {
      for (AnswerFacts& facts : asked.facts) facts.best_agreement = best;
    }
  }

  // How much of the surface the answers of a view hold.
  void CompleteSizes(Asked* asked) const {
    const std::vector<int32_t>& cells = map_.views()[asked->view].cells;
    double largest = 0, smallest = 1e300;
    for (size_t k = 0; k < asked->share.size(); ++k) {
      Vec3 low = Vec3::Constant(1e300), high = -low;
      double count = 0;
      for (size_t c = 0; c < cells.size(); ++c) {
        if (asked->share[k][c] <= 0.5f) continue;
        const Vec3 center = map_.CellCenter(cells[c]);
        low = low.cwiseMin(center);
        high = high.cwiseMax(center);
        ++count;
      }
      asked->facts[k].cells = count;
      if (count > 0) asked->facts[k].extent = (high - low).norm() / map_.Extent().norm();
      largest = std::max(largest, count);
      if (count > 0) smallest = std::min(smallest, count);
    }
    for (AnswerFacts& facts : asked->facts) {
      facts.largest = largest;
      facts.smallest = std::min(smallest, largest);
    }
  }

  void VoteAboutTheClicks() {
    if (asked_.empty()) return;
    CompleteFacts();
    const AnswerRanker& ranker = options_.ranker != nullptr ? *options_.ranker : AnswerRanker::Installed();
    size_t best_view = 0, best_answer = 0;
    double best = -1e9;
    for (size_t i = 0; i < asked_.size(); ++i) {
      for (size_t k = 0; k < asked_[i].facts.size(); ++k) {
        const double worth = ranker.Judge(asked_[i].facts[k]) - kBrokenClick * Broken(asked_[i], k);
        if (worth <= best) continue;
        best = worth;
        found_.agreement = asked_[i].facts[k].agreement;
        best_view = i;
        best_answer = k;
      }
    }
    Vote(asked_[best_view], best_answer);
    std::vector<bool> done(asked_.size(), false);
    done[best_view] = true;
    for (size_t turn = 1; turn < asked_.size(); ++turn) {
      size_t next = 0;
      int64_t most = -1;
      for (size_t i = 0; i < asked_.size(); ++i) {
        if (done[i]) continue;
        int64_t shown = 0;
        for (const int32_t cell : map_.views()[asked_[i].view].cells) shown += found_.Has(cell);
        if (shown > most) most = shown, next = i;
      }
      done[next] = true;
      VoteIfItAgrees(asked_[next], options_.accept);
    }
  }

  void Vote(const Asked& asked, size_t answer) {
    const SurfaceView& view = map_.views()[asked.view];
    for (size_t c = 0; c < view.cells.size(); ++c) {
      found_.inside[view.cells[c]] += asked.share[answer][c];
      found_.looked[view.cells[c]] += 1;
    }
    used_[asked.view] = true;
    ++found_.voters;
  }

  // The answer nearest to what is known, and how near: IoU over known cells, less what clicks take off.
  std::pair<size_t, double> Nearest(const Asked& asked) const {
    std::array<int64_t, kMostAnswers> of{}, both{};
    int64_t known = 0;
    for (const int32_t cell : map_.views()[asked.view].cells) {
      if (found_.looked[cell] == 0) continue;
      const bool has = found_.Has(cell);
      known += has;
      for (size_t k = 0; k < asked.share.size(); ++k) {
        if ((asked.bits[cell] >> k & 1) == 0) continue;
        ++of[k];
        both[k] += has;
      }
    }
    double best = -1e9;
    size_t answer = 0;
    for (size_t k = 0; k < asked.share.size(); ++k) {
      const double worth = Iou(of[k], known, both[k]) - kBrokenClick * Broken(asked, k);
      if (worth > best) best = worth, answer = k;
    }
    return {answer, best};
  }

  void VoteIfItAgrees(const Asked& asked, double accept) {
    used_[asked.view] = true;
    const auto [answer, agreement] = Nearest(asked);
    if (agreement >= accept) Vote(asked, answer);
  }

  // What an object prompts a view with: its own visible part.
  struct Visible {
    int view = 0;
    double worth = 0;
    ImageU8 mask;
    PromptBox box;
  };

  std::optional<Visible> VisibleIn(int index) const {
    const SurfaceView& view = map_.views()[index];
    const int width = view.depth.width, height = view.depth.height;
    Visible visible{.view = index, .worth = 0, .mask = ImageU8(width, height, 1), .box = {}};
    int x0 = width, y0 = height, x1 = -1, y1 = -1;
    int64_t count = 0;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int32_t cell = view.CellAt(x, y);
        if (cell < 0 || !found_.Has(cell)) continue;
        visible.mask.At(x, y) = 255;
        ++count;
        x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
      }
    }
    if (static_cast<double>(count) < kFewestPixels * static_cast<double>(view.depth.num_pixels())) {
      return std::nullopt;
    }
    int64_t around = 0, unknown = 0;
    for (int y = std::max(0, y0 - kRing); y <= std::min(height - 1, y1 + kRing); ++y) {
      for (int x = std::max(0, x0 - kRing); x <= std::min(width - 1, x1 + kRing); ++x) {
        if (visible.mask.At(x, y) != 0) continue;
        ++around;
        const int32_t cell = view.CellAt(x, y);
        unknown += cell < 0 || found_.looked[cell] == 0;
      }
    }
    visible.worth = static_cast<double>(count) *
                    (0.3 + static_cast<double>(unknown) / static_cast<double>(std::max<int64_t>(1, around)));
    visible.box = {
        .x0 = static_cast<double>(x0), .y0 = static_cast<double>(y0), .x1 = x1 + 1.0, .y1 = y1 + 1.0};
    return visible;
  }

  // One round; false if no view is left to ask.
  bool Grow() {
    std::vector<Visible> todo;
    for (int i = 0; i < static_cast<int>(map_.views().size()); ++i) {
      if (used_[i]) continue;
      if (std::optional<Visible> visible = VisibleIn(i)) todo.push_back(std::move(*visible));
    }
    std::stable_sort(todo.begin(), todo.end(),
                     [](const Visible& a, const Visible& b) { return a.worth > b.worth; });
    if (static_cast<int>(todo.size()) > options_.per_round) todo.resize(options_.per_round);
    std::vector<Asked> asked;
    for (const Visible& visible : todo) {
      const ImageF distance = DistanceToBorder(visible.mask);
      const size_t inner =
          std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
      std::vector<PromptPoint> points = {{.x = static_cast<double>(inner % distance.width) + 0.5,
                                          .y = static_cast<double>(inner / distance.width) + 0.5}};
      for (const PromptPoint& click : ClicksIn(visible.view)) points.push_back(click);
      asked.push_back(Ask(visible.view, {{.points = points}, {.points = points, .boxes = {visible.box}}}));
    }
    for (const Asked& one : asked) VoteIfItAgrees(one, options_.accept_grown);
    return !asked.empty();
  }

  const SurfaceMap& map_;
  ViewAnswers& answers_;
  const std::vector<ObjectClick>& clicks_;
  const FinderOptions& options_;
  const StopToken* stop_;
  std::vector<std::optional<Vec3>> points_;  // [clicks] on the surface
  std::vector<int32_t> cells_;               // [clicks], -1: none
  std::vector<Asked> asked_;
  std::vector<bool> used_;  // [views]
  FoundObject found_;
};

}  // namespace

FoundObject FindObject(const SurfaceMap& map, ViewAnswers& answers, const std::vector<ObjectClick>& clicks,
                       const FinderOptions& options, const StopToken* stop) {
  SF_CHECK(!clicks.empty() && clicks.front().positive);
  return Finder(map, answers, clicks, options, stop).Run();
}

std::vector<AnswerCandidate> CandidatesOf(const SurfaceMap& map, ViewAnswers& answers,
                                          const std::vector<ObjectClick>& clicks,
                                          const FinderOptions& options, const StopToken* stop) {
  SF_CHECK(!clicks.empty() && clicks.front().positive);
  return Finder(map, answers, clicks, options, stop).Candidates();
}

namespace {

constexpr double kMostChanged = 0.5;  // of an object, by which a further click mends it without looking anew

// Clicks that say the opposite of where an object has cells.
int Contradicted(const SurfaceMap& map, const FoundObject& object, const std::vector<ObjectClick>& clicks) {
  int contradicted = 0;
  for (const ObjectClick& click : clicks) {
    const int32_t cell =
        map.views()[click.view].CellAt(static_cast<int>(click.pixel.x()), static_cast<int>(click.pixel.y()));
    contradicted += cell >= 0 && object.Has(cell) != click.positive;
  }
  return contradicted;
}

// `object` with a part added or taken away; returns how many of its cells that changed, over those it had.
double Edit(const FoundObject& part, bool add, FoundObject* object) {
  int64_t had = 0, changed = 0;
  for (size_t cell = 0; cell < object->inside.size(); ++cell) {
    const bool has = object->Has(static_cast<int32_t>(cell));
    had += has;
    if (!part.Has(static_cast<int32_t>(cell)) || has == add) continue;
    ++changed;
    object->looked[cell] = std::max(object->looked[cell], 1.0f);
    object->inside[cell] = add ? object->looked[cell] : 0;
  }
  return static_cast<double>(changed) / static_cast<double>(std::max<int64_t>(1, had));
}

}  // namespace

FoundObject MendObject(const SurfaceMap& map, ViewAnswers& answers, const FoundObject& before,
                       const std::vector<ObjectClick>& clicks, const FinderOptions& options,
                       const StopToken* stop) {
  SF_CHECK_GT(clicks.size(), 1u);
  const bool add = clicks.back().positive;
  std::vector<ObjectClick> about_part = {clicks.back()};
  about_part.front().positive = true;
  for (size_t n = 0; n + 1 < clicks.size(); ++n) {
    if (clicks[n].positive == add) continue;
    about_part.push_back(clicks[n]);
    about_part.back().positive = false;
  }
  const FoundObject part = FindObject(map, answers, about_part, options, stop);
  FoundObject mended = before;
  const double changed = Edit(part, add, &mended);
  mended.decoder_calls = part.decoder_calls;
  mended.voters = part.voters;
  const int contradicted = Contradicted(map, mended, clicks);
  if (changed > 0 && changed < kMostChanged && contradicted == 0) return mended;
  if (std::optional<FoundObject> corrected = Finder(map, answers, clicks, options, stop).Correct(before)) {
    corrected->decoder_calls += part.decoder_calls;
    return std::move(*corrected);
  }
  FoundObject anew = FindObject(map, answers, clicks, options, stop);
  anew.decoder_calls += part.decoder_calls;
  return Contradicted(map, anew, clicks) <= contradicted ? anew : mended;
}

}  // namespace semfield
