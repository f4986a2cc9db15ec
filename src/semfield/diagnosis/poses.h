#pragma once

#include <string>
#include <vector>

#include "semfield/diagnosis/finding.h"
#include "semfield/diagnosis/tracks.h"

// Whether the poses and focal lengths agree with what the photos show, and if not, what would.
namespace semfield::diagnosis {

struct PoseVerdict {
  Placements placements;      // as given, or as the finding about all views would mend them
  std::vector<bool> suspect;  // views that disagree with the rest
  std::vector<bool> judged;   // views with enough matches to tell
  double agreeing = -1;       // share of matches that agree with the capture as given; -1: no matches
  TrackErrors errors;         // of the views that are not suspect, with `placements`
  Findings findings;
};

PoseVerdict JudgePoses(const Capture& capture, const Evidence& evidence);

// The one change to all views that makes the matches agree, if the capture as given does not and such a
// change is known: other camera axes, poses the other way round, poses shifted against the photos, another
// focal length. Sets *placements and returns its finding in *finding.
bool ExplainAll(const Capture& capture, const Evidence& evidence, double given_share, Placements* placements,
                Finding* finding);

// What is wrong with each suspect, by trying what makes its matches with the others agree: swapped or
// misplaced photos, turned or mirrored photos, another focal length; or only that it disagrees.
Findings ExplainSuspects(const Capture& capture, const Evidence& evidence, const Placements& placements,
                         const std::vector<bool>& suspect);

// Views of which each agrees with its neighbours, but which do not fit together: a loop that does not close,
// or two reconstructions in one file. Views in themselves are right, so that no one of them can be named.
Findings CheckLoops(const Capture& capture, const Evidence& evidence, const Placements& placements,
                    const std::vector<bool>& suspect);

// The factor on the focal lengths of `views` (all others stay) that makes tracks fit best.
struct FocalFit {
  double factor = 1;
  double cost_given = -1, cost_best = -1;
};
FocalFit FitFocal(const Evidence& evidence, const Placements& placements, const std::vector<Track>& tracks,
                  const std::vector<bool>& views);

}  // namespace semfield::diagnosis
