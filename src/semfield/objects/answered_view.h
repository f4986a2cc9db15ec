#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "semfield/objects/answer_ranker.h"
#include "semfield/objects/view_answers.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A view's answers to one or several prompts, seen on the surface.
struct AnsweredView {
  static constexpr int kMostAnswers = 15;  // bits of a cell's word that tell answers apart; more are left out
  static constexpr uint16_t kSeen = 0x8000;  // the bit that tells that the view sees the cell

  int view = 0;                           // into SurfaceMap::views()
  std::vector<AnswerFacts> facts;         // [answers]; what other views say comes by CompleteFacts
  std::vector<std::vector<float>> share;  // [answers][cells of the view] of a cell's pixels, those inside
  std::vector<uint16_t> bits;             // [num_cells] answer k holds the cell: bit k; seen: kSeen

  int num_answers() const { return static_cast<int>(share.size()); }
  bool Sees(int32_t cell) const { return (bits[cell] & kSeen) != 0; }
  bool Holds(int answer, int32_t cell) const { return (bits[cell] >> answer & 1) != 0; }
};

// Asks a view of the map. is_clicked: the first click was made in it.
AnsweredView AskView(const SurfaceMap& map, ViewAnswers& answers, int view,
                     const std::vector<Prompt>& prompts, bool is_clicked, const StopToken* stop);

// A mask of a view, at the size of its depth, as its only answer.
AnsweredView AnsweredByMask(const SurfaceMap& map, int view, const Mask& mask);

// Intersection over union of two sets from three counts; two empty sets agree.
double IouOfCounts(int64_t a, int64_t b, int64_t both);

// Cells that two answers of two views hold, of those that both views see.
struct CommonCells {
  int64_t a = 0, b = 0, both = 0;
};
CommonCells Overlap(const SurfaceMap& map, const AnsweredView& view_a, int answer_a,
                    const AnsweredView& view_b, int answer_b);

// Fills in what the answers of a click's views say of each other: agreement, worst judge, sizes.
void CompleteFacts(const SurfaceMap& map, std::vector<AnsweredView>* answered);

}  // namespace semfield
