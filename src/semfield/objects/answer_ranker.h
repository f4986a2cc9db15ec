#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace semfield {

// What is known of one answer of the decoder about a click, beside the answers of other views. Lengths are
// relative to the scene, so that rooms and table tops are alike.
struct AnswerFacts {
  double agreement = 0;        // with the best answers of the other views, 0..1
  double best_agreement = 0;   // of all answers
  double worst_agreement = 0;  // of the other views that see a part of it
  double score = 0;            // the decoder's own
  int rank = 0;                // which of the decoder's masks it is
  double cells = 0;            // of the surface that it holds
  double largest = 0;          // cells of the largest answer of its view
  double smallest = 0;         // and of the smallest
  double share = 0;            // of the view's pixels
  double fill = 0;             // of its box in the picture
  double border = 0;           // share of its pixels at the picture's border
  double extent = 0;           // diagonal of the box around its cells over that of the scene
  double depth_range = 0;      // (largest - smallest depth) / mean depth of its pixels
  bool is_clicked_view = false;
};

// Judges which answer is the thing that was meant: a linear function of some numbers of its facts, learned on
// labelled scenes by bench/quality/learn_ranker.cc (ridge regression of the IoU with the thing). Plain
// agreement between views prefers groups, since a border that is off by a cell costs them less.
class AnswerRanker {
 public:
  static constexpr int kNumbers = 22;
  using Numbers = std::array<double, kNumbers>;

  // By agreement alone.
  AnswerRanker();
  explicit AnswerRanker(const Numbers& weights) : weights_(weights) {}
  // rankers/objects.json in one of ModelFolders, read once; where there is none, agreement alone, with a
  // warning. Damaged: Error.
  static const AnswerRanker& Installed();
  static AnswerRanker Read(const std::filesystem::path& path);
  void Write(const std::filesystem::path& path) const;

  // The higher, the likelier; about the IoU that the answer has with the thing.
  double Judge(const AnswerFacts& facts) const;
  static Numbers NumbersOf(const AnswerFacts& facts);

 private:
  Numbers weights_{};
};

}  // namespace semfield
