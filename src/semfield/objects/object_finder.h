#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "semfield/objects/answer_ranker.h"
#include "semfield/objects/view_answers.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A click in one of the map's views.
struct ObjectClick {
  int view = 0;  // into SurfaceMap::views()
  Vec2 pixel = Vec2::Zero();
  bool positive = true;
};

// A box around the thing in one of the map's views, in its pixels.
struct ObjectBox {
  int view = 0;
  PromptBox box;
};

// What is asked for: at least one positive click, or a box.
struct ObjectPrompt {
  std::vector<ObjectClick> clicks;
  std::optional<ObjectBox> box;
};

// How much of what was clicked is meant: the ranker's choice (kObject), or of the answers that are nested
// with it the one that is smaller (kPart) or larger (kGroup) and on which the views agree best.
enum class Nesting { kPart, kObject, kGroup };
const char* NestingName(Nesting nesting);       // "part", "object", "group"
Nesting ParseNesting(const std::string& name);  // unknown: InputError listing the three

struct FinderOptions {
  int views = 6;      // that are asked about the clicked points
  int rounds = 3;     // in which the object prompts further views
  int per_round = 3;  // views of a round
  // The least agreement (IoU over cells that are known) of an answer that votes.
  double accept = 0.4;
  double accept_grown = 0.5;
  Nesting nesting = Nesting::kObject;
  const AnswerRanker* ranker = nullptr;  // who chooses among the answers; nullptr: AnswerRanker::Installed()
};

// What the views that were asked say of the surface.
struct FoundObject {
  std::vector<float>
      inside;  // [num_cells] sum of the votes: of each view the share of the cell's pixels inside
  std::vector<float> looked;  // [num_cells] views that voted and see the cell
  double agreement = 0;       // of the answer that won with the other views' best ones, 0..1
  int decoder_calls = 0;
  int voters = 0;
  Nesting nesting = Nesting::kObject;  // what was found; kObject where no nested answer was there

  bool Has(int32_t cell) const { return looked[cell] > 0 && inside[cell] > 0.5f * looked[cell]; }
};

// One thing of the scene from a few clicks. Several views of the clicked points are asked; every answer is a
// candidate, and a ranker chooses one, mostly by how well the other views' best answers agree with it over
// the cells that both see. The others vote. Then the object prompts further views by its own visible part and
// box, those first that show most of it and most unknown surface around it.
//
// A box decides in its own view: the answer whose own box is nearest to it wins.
// prompt.clicks: the first one positive. A click where the surface has a hole counts in its own view alone.
FoundObject FindObject(const SurfaceMap& map, ViewAnswers& answers, const ObjectPrompt& prompt,
                       const FinderOptions& options, const StopToken* stop = nullptr);

// The object that a mask of one view shows, at the size of the view's depth: it votes first, then the object
// prompts further views.
FoundObject FindMasked(const SurfaceMap& map, ViewAnswers& answers, int view, const ImageU8& mask,
                       const FinderOptions& options, const StopToken* stop = nullptr);

// Lets an object prompt further views in options.rounds. asked: views that have voted (true) are not asked.
void GrowObject(const SurfaceMap& map, ViewAnswers& answers, const FinderOptions& options,
                std::vector<bool> asked, FoundObject* object, const StopToken* stop = nullptr);

// An answer that competes for being the thing.
struct AnswerCandidate {
  int view = 0;  // into SurfaceMap::views()
  AnswerFacts facts;
  std::vector<int32_t> cells;  // that it holds, increasing
};
// All answers to the clicks, before one is chosen: what a ranker learns from.
std::vector<AnswerCandidate> CandidatesOf(const SurfaceMap& map, ViewAnswers& answers,
                                          const ObjectPrompt& prompt, const FinderOptions& options,
                                          const StopToken* stop = nullptr);

// What a further click makes of an object that was found with the clicks before it. What lies under the click
// is found as a thing of its own, which the other clicks bound, and is added or taken away. Where that would
// change most of the object, or contradict a click, the view of the click corrects what it sees of the
// object, and where it cannot do that either, the object is looked for anew with all clicks.
FoundObject MendObject(const SurfaceMap& map, ViewAnswers& answers, const FoundObject& before,
                       const ObjectPrompt& prompt, const FinderOptions& options,
                       const StopToken* stop = nullptr);

}  // namespace semfield
