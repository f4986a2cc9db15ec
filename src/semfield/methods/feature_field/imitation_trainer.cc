#include "semfield/methods/feature_field/imitation_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/training/checkpoint.h"

namespace semfield {

int64_t FreshUsedUpTo(const FeatureOptions& options, int first_step, int last_step, int64_t fresh_used) {
  for (int step = first_step; step < last_step; ++step)
    fresh_used += FeatureTrainer::WantsFresh(options, step, fresh_used);
  return fresh_used;
}

ImitationTrainer::ImitationTrainer(const ViewMaker& maker, const FeatureOptions& options,
                                   std::filesystem::path cache_folder, bool keep_cache)
    : maker_(maker),
      keep_cache_(keep_cache),
      trainer_(options, maker.Space()),
      cache_(options.cache_size, std::move(cache_folder), keep_cache) {}

void ImitationTrainer::StartStream() {
  const int64_t end = FreshUsedUpTo(options(), step(), options().steps, fresh_used_);
  stream_ = std::make_unique<TeacherStream>(
      [this](int64_t index, int worker, const StopToken* stop) {
        return maker_.Make(index, worker, &cache_, stop);
      },
      fresh_used_, end, maker_.num_workers(), 4 * maker_.num_workers());
}

void ImitationTrainer::Begin(const JobControl& control) {
  if (Done()) return;
  const int64_t first = std::max<int64_t>(0, fresh_used_ - options().cache_size);
  TeacherStream stream([this](int64_t index, int worker,
                              const StopToken* stop) { return maker_.Make(index, worker, &cache_, stop); },
                       first, fresh_used_, maker_.num_workers(), 4 * maker_.num_workers());
  for (int64_t index = first; index < fresh_used_; ++index) {
    control.Report({.stage = "imitate", .detail = "collecting the teacher's views again"});
    cache_.Add(stream.Take(control.stop));
  }
  StartStream();
}

void ImitationTrainer::Step(const JobControl& control) {
  const TeacherEntry* entry;
  if (FeatureTrainer::WantsFresh(options(), step(), fresh_used_)) {
    if (step() == 0) control.Report({.stage = "imitate", .detail = "waiting for the teacher's first view"});
    cache_.Add(stream_->Take(control.stop));
    ++fresh_used_;
    entry = &cache_[cache_.size() - 1];
  } else {
    entry = &cache_[FeatureTrainer::PickCached(options(), step(), cache_.size())];
  }
  error_ += trainer_.Step(*entry);
  ++counted_;
}

SceneSnapshot ImitationTrainer::Snapshot() const {
  return {.step = step(), .radiance = nullptr, .features = trainer_.model().Copy()};
}

Json ImitationTrainer::State() const {
  Json state = trainer_.State();
  state["fresh_used"] = fresh_used_;
  return state;
}

void ImitationTrainer::Restore(const SafetensorsFile& file) {
  const Json state = CheckpointState(file, {"fresh_used"});
  trainer_.Restore(file, state);
  fresh_used_ = fresh_saved_ = state.at("fresh_used").get<int64_t>();
}

void ImitationTrainer::Saved() {
  // What was the newest checkpoint is the previous one now, and may be gone back to.
  cache_.ForgetBefore(fresh_saved_ - options().cache_size);
  fresh_saved_ = fresh_used_;
}

void ImitationTrainer::Finish() {
  stream_.reset();
  if (!keep_cache_) cache_.RemoveFiles();
}

Json ImitationTrainer::Metrics(double) const {
  return {{"feature_mse", error_ / std::max(1, counted_)}, {"views", fresh_used_}};
}

std::string ImitationTrainer::Detail(double) const {
  return fmt::format("feature MSE {:.5f}, {} views", error_ / std::max(1, counted_), fresh_used_);
}

bool ImitationTrainer::Diverged() const {
  return !std::isfinite(error_);
}

}  // namespace semfield
