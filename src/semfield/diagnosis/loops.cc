#include <algorithm>
#include <deque>
#include <set>

#include "semfield/diagnosis/poses.h"

namespace semfield::diagnosis {
namespace {

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(std::max<size_t>(1, values.size()));
}

// Pairs with many matches, most of which agree with the poses, or most of which do not.
constexpr double kGoodShare = 0.6, kBrokenShare = 0.3;
constexpr int kManyAgreeing = 16, kManyMatches = 24;
// A third view that agrees with both of a broken pair says that their poses are right, and that the two
// photos show things that look alike.
constexpr int kFewestSteps = 3;
constexpr int kFewestPairs = 3;
constexpr size_t kFewestViews = 4;

using Neighbors = std::vector<std::vector<int>>;

// Steps from view to view over pairs that agree; more than kFewestSteps count as that many.
bool IsNear(const Neighbors& neighbors, int from, int to) {
  std::vector<int> steps(neighbors.size(), -1);
  std::deque<int> open = {from};
  steps[from] = 0;
  while (!open.empty()) {
    const int view = open.front();
    open.pop_front();
    if (view == to) return true;
    if (steps[view] + 1 >= kFewestSteps) continue;
    for (const int next : neighbors[view]) {
      if (steps[next] >= 0) continue;
      steps[next] = steps[view] + 1;
      open.push_back(next);
    }
  }
  return false;
}

}  // namespace

Findings CheckLoops(const Capture& capture, const Evidence& evidence, const Placements& placements,
                    const std::vector<bool>& suspect) {
  Neighbors neighbors(capture.views.size());
  std::vector<const PairEvidence*> broken;
  for (const PairEvidence& pair : evidence.pairs) {
    if (suspect[pair.a] || suspect[pair.b]) continue;
    const PairScore score = ScorePair(evidence, pair, placements[pair.a], placements[pair.b]);
    if (score.agreeing >= kManyAgreeing && score.Share() > kGoodShare) {
      neighbors[pair.a].push_back(pair.b);
      neighbors[pair.b].push_back(pair.a);
    } else if (score.total >= kManyMatches && score.Share() < kBrokenShare) {
      broken.push_back(&pair);
    }
  }
  std::set<int> views;
  std::vector<double> matches;
  int num_broken = 0;
  for (const PairEvidence* pair : broken) {
    if (IsNear(neighbors, pair->a, pair->b)) continue;
    // A view that agrees with none says nothing of a loop.
    if (neighbors[pair->a].empty() || neighbors[pair->b].empty()) continue;
    ++num_broken;
    views.insert({pair->a, pair->b});
    matches.push_back(static_cast<double>(pair->matches.size()));
  }
  if (num_broken < kFewestPairs || views.size() < kFewestViews) return {};
  Finding finding{.kind = "open-loop"};
  for (const int view : views) finding.views.push_back(capture.views[view].name);
  finding.message = fmt::format(
      "the poses do not close: {} pairs of photos show the same things ({:.0f} points each), but not where "
      "their "
      "poses say, and no third photo agrees with both. It concerns {}",
      num_broken, Mean(matches), NamesInWords(finding.views));
  finding.advice =
      "The poses drifted, or consist of parts that do not belong together. Recover them anew from all "
      "photos, with "
      "more overlap where the parts meet, or leave one part out.";
  finding.numbers = {{"pairs", num_broken}, {"views", views.size()}, {"points_a_pair", Mean(matches)}};
  return {finding};
}

}  // namespace semfield::diagnosis
