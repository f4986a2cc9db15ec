#include "semfield/objects/answer_ranker.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/base/log.h"
#include "semfield/perception/model_folders.h"

namespace semfield {
namespace {

constexpr char kFile[] = "rankers/objects.json";
constexpr char kWeights[] = "weights";
// Views agree well on what lies around a thing, and the answers that were learned from were of rooms, where
// it never fills a photo. In a photo from near by it does: what covers most of it is rarely meant.
constexpr double kMostOfAView = 0.6;
constexpr double kLossBeyond = 1.5;  // a share of the view

double LogRatio(double a, double b) {
  return std::log(std::max(a, 1.0) / std::max(b, 1.0));
}

}  // namespace

AnswerRanker::AnswerRanker() {
  weights_[1] = 1;
}

AnswerRanker::Numbers AnswerRanker::NumbersOf(const AnswerFacts& facts) {
  const double behind = facts.best_agreement - facts.agreement;
  // Held to what nine tenths of the answers had that were learned from: beyond, squares know nothing.
  const double below = std::max(LogRatio(facts.cells, facts.largest), -4.1);
  const double above = std::min(LogRatio(facts.cells, facts.smallest), 3.7);
  const double share = std::clamp(std::log(std::max(facts.share, 1e-9)), -6.3, -1.07);
  const double extent = std::clamp(std::log(std::max(facts.extent, 1e-9)), -3.36, -0.52);
  Numbers numbers = {1,
                     facts.agreement,
                     facts.agreement * facts.agreement,
                     behind,
                     behind * behind,
                     facts.worst_agreement,
                     facts.score,
                     below,
                     below * below,
                     above,
                     above * above,
                     share,
                     share * share,
                     facts.fill,
                     facts.border,
                     extent,
                     extent * extent,
                     std::min(facts.depth_range, 1.56),
                     facts.is_clicked_view ? 1.0 : 0.0,
                     0,
                     0,
                     0};
  if (facts.rank >= 1 && facts.rank <= 3) numbers[18 + facts.rank] = 1;
  return numbers;
}

double AnswerRanker::Judge(const AnswerFacts& facts) const {
  const Numbers numbers = NumbersOf(facts);
  double sum = 0;
  for (int i = 0; i < kNumbers; ++i) sum += weights_[i] * numbers[i];
  return sum - kLossBeyond * std::max(0.0, facts.share - kMostOfAView);
}

AnswerRanker AnswerRanker::Read(const std::filesystem::path& path) {
  const Json json = ReadJsonFile(path);
  if (!json.is_object() || !json.contains(kWeights) || !json[kWeights].is_array() ||
      json[kWeights].size() != kNumbers) {
    throw InputError("{}: \"{}\": expected {} numbers", path.string(), kWeights, kNumbers);
  }
  Numbers weights{};
  for (int i = 0; i < kNumbers; ++i) {
    const Json& weight = json[kWeights][i];
    if (!weight.is_number() || !std::isfinite(weight.get<double>()))
      throw InputError("{}: \"{}\"[{}]: expected a number", path.string(), kWeights, i);
    weights[i] = weight.get<double>();
  }
  return AnswerRanker(weights);
}

void AnswerRanker::Write(const std::filesystem::path& path) const {
  WriteJsonFile(path, {{kWeights, weights_}});
}

const AnswerRanker& AnswerRanker::Installed() {
  static const AnswerRanker ranker = [] {
    for (const std::filesystem::path& folder : ModelFolders()) {
      if (std::filesystem::exists(folder / kFile)) return Read(folder / kFile);
    }
    LogWarning("{} is not in the models folder: answers are chosen by the views' agreement alone", kFile);
    return AnswerRanker();
  }();
  return ranker;
}

}  // namespace semfield
