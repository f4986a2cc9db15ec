#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/options.h"
#include "semfield/run/opened_run.h"
#include "semfield/views/class_vote.h"
#include "semfield/views/photo_classes.h"

namespace semfield {

// How classes of a scene are found: a method over many scenes, what it takes for the scene's geometry, and
// the photos that it asks.
struct ClassVoteOptions {
  std::string method = "gnesf";
  std::string geometry = "auto";  // auto: classes as the run's method renders them, if it does; run: see help
  std::string weights;            // of a capture that is shown without training
  std::string model = "rooms-fast";  // PhotoClassesOptions::model
  std::string onnxruntime;
  std::string choice = "seen";  // of sources: seen (SeeingSources) or nearest (NearestSources)
  int sources = 20;
  // The options of a verb that has --words-model and --onnxruntime already.
  void DescribeVote(OptionList& list);
  void Describe(OptionList& list);
};

// A view's classes.
struct ClassView {
  int width = 0, height = 0;
  VotedClasses voted;        // [height * width] places; none where the view sees no surface
  std::vector<int> sources;  // into Capture::views, the best first
  double unseen = 0;         // share of pixels that no source sees
  ImageU8 Ids() const;       // class of every pixel, kNoClass where there is none
};

// Classes of a run's scene by a vote of its training photos: in any view, and at any place.
class RunClasses {
 public:
  // Where the run's method renders classes itself and geometry is "auto": by that. Else a vote of photos:
  // renders the depths of the training views that the run does not keep yet; photos are looked at when they
  // are first asked. The run must outlive it. No training view with a photo (or label map), or more classes
  // than 255: InputError.
  RunClasses(const OpenedRun& run, const ClassVoteOptions& options, const JobControl& control);

  const std::vector<std::string>& classes() const {
    return rendered_ != nullptr ? rendered_->classes() : photos_.classes();
  }
  PhotoClasses& photos() { return photos_; }
  const ClassVoteOptions& options() const { return options_; }
  // Of classes() by its name or what else the model calls it (PhotoClasses::ClassCalled); unknown: InputError
  // that lists them, the nearest first.
  int FindClass(const std::string& name) const;

  // What `camera` at the view's pose sees, by the photos that are chosen for it; the view's own is never one.
  // Only this and VoteAt are there where the method renders classes.
  ClassView Look(const NamedView& view, const Camera& camera, const StopToken* stop);
  // The same in two steps: what is seen there, by whom; and a vote by a rule (its cell_size is set).
  struct Target {
    int view = -1;  // into Capture::views
    int width = 0, height = 0;
    std::vector<Vec3> places;     // in the world, of the pixels that see a surface
    std::vector<int32_t> pixels;  // [places] row-major
    std::vector<int> sources;     // into Capture::views
  };
  Target Aim(const NamedView& view, const Camera& camera, const StopToken* stop) const;
  ClassView Vote(const Target& target, VoteRule rule, const StopToken* stop);
  // Every training view that sees a place votes on it.
  VotedClasses VoteAt(const std::vector<Vec3>& places, VoteRule rule, const JobControl& control);

 private:
  ClassView Render(const NamedView& view, const Camera& camera, const StopToken* stop) const;
  std::vector<int> Choose(const NamedView& view, const Target& target) const;
  VotedClasses VoteOf(const std::vector<int>& sources, std::vector<Vec3> places, const VoteRule& rule,
                      const StopToken* stop);

  const OpenedRun& run_;
  const ClassVoteOptions options_;
  const ClassRenderer* rendered_ = nullptr;  // the run's, where it renders classes
  PhotoClasses photos_;
  std::vector<DepthView> depths_;  // of the views that can be asked
  double cell_size_ = 0;
};

}  // namespace semfield
