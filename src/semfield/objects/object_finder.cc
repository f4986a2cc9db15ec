#include "semfield/objects/object_finder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/pixels.h"
#include "semfield/objects/answered_view.h"

namespace semfield {
namespace {

constexpr double kBrokenClick = 0.5;      // what an answer loses for each click that it contradicts
constexpr double kFewestPixels = 3.5e-4;  // share of a view in which an object is big enough to prompt it
constexpr double kNearEnough = 0.5;       // IoU with what is known of an answer that corrects it
constexpr int kRing = 6;                  // pixels around an object that should be known
constexpr double kNested = 0.8;           // share of the smaller of two nested answers that the larger holds
constexpr double kSmaller = 0.7;          // of the larger one's cells, that the smaller has at most

class Finder {
 public:
  Finder(const SurfaceMap& map, ViewAnswers& answers, const ObjectPrompt& prompt,
         const FinderOptions& options, const StopToken* stop)
      : map_(map), answers_(answers), prompt_(prompt), options_(options), stop_(stop) {
    found_.inside.assign(map.num_cells(), 0);
    found_.looked.assign(map.num_cells(), 0);
    used_.assign(map.views().size(), false);
    for (const ObjectClick& click : prompt.clicks) {
      const SurfaceView& view = map.views()[click.view];
      points_.push_back(view.PointAt(click.pixel));
      cells_.push_back(points_.back()
                           ? view.CellAt(static_cast<int>(click.pixel.x()), static_cast<int>(click.pixel.y()))
                           : -1);
    }
  }

  FoundObject Run() {
    if (prompt_.box) {
      VoteAboutTheBox();
    } else {
      AskAboutTheClicks();
      VoteAboutTheClicks();
    }
    GrowRounds();
    return std::move(found_);
  }

  FoundObject RunFrom(const AnsweredView& first) {
    Vote(first, 0);
    found_.agreement = 1;  // nobody else was asked
    GrowRounds();
    return std::move(found_);
  }

  void Continue(std::vector<bool> used, FoundObject* object) {
    found_ = std::move(*object);
    used_ = std::move(used);
    GrowRounds();
    *object = std::move(found_);
  }

  std::vector<AnswerCandidate> Candidates() {
    AskAboutTheClicks();
    CompleteFacts(map_, &asked_);
    std::vector<AnswerCandidate> candidates;
    for (const AnsweredView& asked : asked_) {
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
    const int view_index = prompt_.clicks.back().view;
    const AnsweredView asked = Ask(view_index, {{.points = ClicksIn(view_index)}});
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
  // One of the answers that were asked for.
  struct Choice {
    size_t view = 0;  // into asked_
    int answer = 0;
  };

  // The clicks that a view sees, in its pixels; those made in it always.
  std::vector<PromptPoint> ClicksIn(int view) const {
    std::vector<PromptPoint> points;
    for (size_t n = 0; n < prompt_.clicks.size(); ++n) {
      const ObjectClick& click = prompt_.clicks[n];
      std::optional<Vec2> at;
      if (click.view == view) {
        at = click.pixel;
      } else if (points_[n] && map_.views()[view].Sees(*points_[n], map_.cell_size())) {
        at = map_.views()[view].Project(*points_[n])->pixel;
      }
      if (at) points.push_back({.x = at->x(), .y = at->y(), .positive = click.positive});
    }
    return points;
  }

  AnsweredView Ask(int view, const std::vector<Prompt>& prompts) {
    found_.decoder_calls += static_cast<int>(prompts.size());
    const bool is_clicked = !prompt_.clicks.empty() && prompt_.clicks.front().view == view;
    return AskView(map_, answers_, view, prompts, is_clicked, stop_);
  }

  // Views that see a clicked point from new directions, with the point well inside the picture, at a like
  // distance; the clicked one first.
  std::vector<int> ViewsOf(size_t n) const {
    std::vector<int> chosen = {prompt_.clicks[n].view};
    if (!points_[n]) return chosen;
    const Vec3 point = *points_[n];
    std::vector<int> left;
    for (int i = 0; i < static_cast<int>(map_.views().size()); ++i) {
      if (i != prompt_.clicks[n].view && map_.views()[i].Sees(point, map_.cell_size())) left.push_back(i);
    }
    const auto offset = [&](int i) { return Vec3(point - map_.views()[i].world_from_camera.translation); };
    const double first = std::max(offset(prompt_.clicks[n].view).norm(), 1e-9);
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
    for (size_t n = prompt_.clicks.size(); n-- > 0;) {
      const ObjectClick& click = prompt_.clicks[n];
      const std::vector<int> more = click.positive ? ViewsOf(n) : std::vector<int>{click.view};
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

  int Broken(const AnsweredView& asked, int answer) const {
    int broken = 0;
    for (size_t n = 0; n < prompt_.clicks.size(); ++n) {
      if (cells_[n] < 0 || !asked.Sees(cells_[n])) continue;
      broken += asked.Holds(answer, cells_[n]) != prompt_.clicks[n].positive;
    }
    return broken;
  }

  void VoteAboutTheClicks() {
    if (asked_.empty()) return;
    CompleteFacts(map_, &asked_);
    const Choice chosen = Nested(BestByRanker());
    found_.agreement = asked_[chosen.view].facts[chosen.answer].agreement;
    Vote(asked_[chosen.view], chosen.answer);
    std::vector<bool> done(asked_.size(), false);
    done[chosen.view] = true;
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

  Choice BestByRanker() const {
    const AnswerRanker& ranker = options_.ranker != nullptr ? *options_.ranker : AnswerRanker::Installed();
    Choice best;
    double most = -1e9;
    for (size_t i = 0; i < asked_.size(); ++i) {
      for (int k = 0; k < asked_[i].num_answers(); ++k) {
        const double worth = ranker.Judge(asked_[i].facts[k]) - kBrokenClick * Broken(asked_[i], k);
        if (worth > most) most = worth, best = {.view = i, .answer = k};
      }
    }
    return best;
  }

  // Of the answers that are nested with the object's, the one that the views agree on best.
  Choice Nested(const Choice& object) {
    if (options_.nesting == Nesting::kObject) return object;
    Choice best = object;
    double most = 0;
    for (size_t i = 0; i < asked_.size(); ++i) {
      for (int k = 0; k < asked_[i].num_answers(); ++k) {
        if (Broken(asked_[i], k) > 0) continue;
        CommonCells cells = Overlap(map_, asked_[object.view], object.answer, asked_[i], k);
        if (options_.nesting == Nesting::kPart) std::swap(cells.a, cells.b);  // a: the smaller of the two
        const bool is_nested = cells.a > 0 &&
                               static_cast<double>(cells.both) >= kNested * static_cast<double>(cells.a) &&
                               static_cast<double>(cells.a) <= kSmaller * static_cast<double>(cells.b);
        const double agreement = asked_[i].facts[k].agreement;
        if (is_nested && agreement > most) most = agreement, best = {.view = i, .answer = k};
      }
    }
    if (most > 0) found_.nesting = options_.nesting;
    return best;
  }

  // The box's own view decides alone: the other views are asked by the object.
  void VoteAboutTheBox() {
    const ObjectBox& box = *prompt_.box;
    const SurfaceView& view = map_.views()[box.view];
    const AnsweredView asked = Ask(box.view, {{.points = ClicksIn(box.view), .boxes = {box.box}}});
    int best = 0;
    double most = -1e9;
    for (int k = 0; k < asked.num_answers(); ++k) {
      const double worth = BoxIou(view, asked, k, box.box) - kBrokenClick * Broken(asked, k);
      if (worth > most) most = worth, best = k;
    }
    if (asked.num_answers() == 0) return;
    found_.agreement = std::max(0.0, BoxIou(view, asked, best, box.box));
    Vote(asked, best);
  }

  // IoU of a box with the box around the pixels whose cells an answer holds.
  static double BoxIou(const SurfaceView& view, const AnsweredView& asked, int answer, const PromptBox& box) {
    double x0 = 1e300, y0 = 1e300, x1 = -1e300, y1 = -1e300;
    for (int y = 0; y < view.depth.height; ++y) {
      for (int x = 0; x < view.depth.width; ++x) {
        const int32_t cell = view.CellAt(x, y);
        if (cell < 0 || !asked.Holds(answer, cell)) continue;
        x0 = std::min<double>(x0, x), x1 = std::max<double>(x1, x + 1);
        y0 = std::min<double>(y0, y), y1 = std::max<double>(y1, y + 1);
      }
    }
    if (x1 < x0) return 0;
    const double both = std::max(0.0, std::min(x1, box.x1) - std::max(x0, box.x0)) *
                        std::max(0.0, std::min(y1, box.y1) - std::max(y0, box.y0));
    return both / ((x1 - x0) * (y1 - y0) + (box.x1 - box.x0) * (box.y1 - box.y0) - both);
  }

  void Vote(const AnsweredView& asked, int answer) {
    const SurfaceView& view = map_.views()[asked.view];
    for (size_t c = 0; c < view.cells.size(); ++c) {
      found_.inside[view.cells[c]] += asked.share[answer][c];
      found_.looked[view.cells[c]] += 1;
    }
    used_[asked.view] = true;
    ++found_.voters;
  }

  // The answer nearest to what is known, and how near: IoU over known cells, less what clicks take off.
  std::pair<int, double> Nearest(const AnsweredView& asked) const {
    std::array<int64_t, AnsweredView::kMostAnswers> of{}, both{};
    int64_t known = 0;
    for (const int32_t cell : map_.views()[asked.view].cells) {
      if (found_.looked[cell] == 0) continue;
      const bool has = found_.Has(cell);
      known += has;
      for (int k = 0; k < asked.num_answers(); ++k) {
        if (!asked.Holds(k, cell)) continue;
        ++of[k];
        both[k] += has;
      }
    }
    double best = -1e9;
    int answer = 0;
    for (int k = 0; k < asked.num_answers(); ++k) {
      const double worth = IouOfCounts(of[k], known, both[k]) - kBrokenClick * Broken(asked, k);
      if (worth > best) best = worth, answer = k;
    }
    return {answer, best};
  }

  void VoteIfItAgrees(const AnsweredView& asked, double accept) {
    used_[asked.view] = true;
    const auto [answer, agreement] = Nearest(asked);
    if (agreement >= accept) Vote(asked, answer);
  }

  void GrowRounds() {
    for (int round = 0; round < options_.rounds; ++round) {
      if (!Grow()) break;
    }
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
    std::vector<AnsweredView> asked;
    for (const Visible& visible : todo) {
      const ImageF distance = DistanceToBorder(visible.mask);
      const size_t inner =
          std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
      std::vector<PromptPoint> points = {{.x = static_cast<double>(inner % distance.width) + 0.5,
                                          .y = static_cast<double>(inner / distance.width) + 0.5}};
      for (const PromptPoint& click : ClicksIn(visible.view)) points.push_back(click);
      asked.push_back(Ask(visible.view, {{.points = points}, {.points = points, .boxes = {visible.box}}}));
    }
    for (const AnsweredView& one : asked) VoteIfItAgrees(one, options_.accept_grown);
    return !asked.empty();
  }

  const SurfaceMap& map_;
  ViewAnswers& answers_;
  const ObjectPrompt& prompt_;
  const FinderOptions& options_;
  const StopToken* stop_;
  std::vector<std::optional<Vec3>> points_;  // [clicks] on the surface
  std::vector<int32_t> cells_;               // [clicks], -1: none
  std::vector<AnsweredView> asked_;
  std::vector<bool> used_;  // [views]
  FoundObject found_;
};

void CheckPrompt(const ObjectPrompt& prompt) {
  SF_CHECK(prompt.box || (!prompt.clicks.empty() && prompt.clicks.front().positive));
}

}  // namespace

const char* NestingName(Nesting nesting) {
  return nesting == Nesting::kPart ? "part" : nesting == Nesting::kGroup ? "group" : "object";
}

Nesting ParseNesting(const std::string& name) {
  for (const Nesting nesting : {Nesting::kPart, Nesting::kObject, Nesting::kGroup}) {
    if (name == NestingName(nesting)) return nesting;
  }
  throw InputError("granularity '{}': expected part, object or group", name);
}

FoundObject FindObject(const SurfaceMap& map, ViewAnswers& answers, const ObjectPrompt& prompt,
                       const FinderOptions& options, const StopToken* stop) {
  CheckPrompt(prompt);
  return Finder(map, answers, prompt, options, stop).Run();
}

FoundObject FindMasked(const SurfaceMap& map, ViewAnswers& answers, int view, const ImageU8& mask,
                       const FinderOptions& options, const StopToken* stop) {
  Mask answer;
  answer.binary = mask;
  const ObjectPrompt none;
  return Finder(map, answers, none, options, stop).RunFrom(AnsweredByMask(map, view, answer));
}

void GrowObject(const SurfaceMap& map, ViewAnswers& answers, const FinderOptions& options,
                std::vector<bool> asked, FoundObject* object, const StopToken* stop) {
  SF_CHECK_EQ(asked.size(), map.views().size());
  const ObjectPrompt none;
  Finder(map, answers, none, options, stop).Continue(std::move(asked), object);
}

std::vector<AnswerCandidate> CandidatesOf(const SurfaceMap& map, ViewAnswers& answers,
                                          const ObjectPrompt& prompt, const FinderOptions& options,
                                          const StopToken* stop) {
  CheckPrompt(prompt);
  return Finder(map, answers, prompt, options, stop).Candidates();
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
                       const ObjectPrompt& prompt, const FinderOptions& options, const StopToken* stop) {
  const std::vector<ObjectClick>& clicks = prompt.clicks;
  SF_CHECK(!clicks.empty());
  const bool add = clicks.back().positive;
  ObjectPrompt about_part{.clicks = {clicks.back()}, .box = {}};
  about_part.clicks.front().positive = true;
  for (size_t n = 0; n + 1 < clicks.size(); ++n) {
    if (clicks[n].positive == add) continue;
    about_part.clicks.push_back(clicks[n]);
    about_part.clicks.back().positive = false;
  }
  const FoundObject part = FindObject(map, answers, about_part, options, stop);
  FoundObject mended = before;
  const double changed = Edit(part, add, &mended);
  mended.decoder_calls = part.decoder_calls;
  mended.voters = part.voters;
  const int contradicted = Contradicted(map, mended, clicks);
  if (changed > 0 && changed < kMostChanged && contradicted == 0) return mended;
  if (std::optional<FoundObject> corrected = Finder(map, answers, prompt, options, stop).Correct(before)) {
    corrected->decoder_calls += part.decoder_calls;
    return std::move(*corrected);
  }
  if (!prompt.box && !clicks.front().positive) return mended;  // nothing to look for anew
  FoundObject anew = FindObject(map, answers, prompt, options, stop);
  anew.decoder_calls += part.decoder_calls;
  return Contradicted(map, anew, clicks) <= contradicted ? anew : mended;
}

}  // namespace semfield
