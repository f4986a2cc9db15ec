#include "semfield/methods/feature_field/imitation_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/training/checkpoint.h"

namespace semfield {

ImitationTrainer::ImitationTrainer(const ViewMaker& maker, const FeatureOptions& options,
                                   std::unique_ptr<Student> student, std::filesystem::path cache_folder,
                                   bool keep_cache)
    : maker_(maker),
      keep_cache_(keep_cache),
      options_(options),
      student_(std::move(student)),
      cache_(options.cache_size, std::move(cache_folder), keep_cache),
      schedule_(options) {}

void ImitationTrainer::StartStream() {
  stream_ = std::make_unique<TeacherStream>(
      [this](int64_t index, int worker, const StopToken* stop) {
        return maker_.Make(index, worker, &cache_, stop);
      },
      schedule_.fresh_used(), FreshViewsOf(options_), maker_.num_workers(), 4 * maker_.num_workers());
}

void ImitationTrainer::Begin(const JobControl& control) {
  if (Done()) return;
  const int64_t first = std::max<int64_t>(0, schedule_.fresh_used() - options_.cache_size);
  TeacherStream stream([this](int64_t index, int worker,
                              const StopToken* stop) { return maker_.Make(index, worker, &cache_, stop); },
                       first, schedule_.fresh_used(), maker_.num_workers(), 4 * maker_.num_workers());
  for (int64_t index = first; index < schedule_.fresh_used(); ++index) {
    control.Report({.stage = "imitate", .detail = "collecting the teacher's views again"});
    cache_.Add(stream.Take(control.stop));
  }
  StartStream();
}

void ImitationTrainer::Step(const JobControl& control) {
  const ViewSchedule::Visit visit = schedule_.Next();
  if (visit.is_fresh) {
    if (step() == 0) control.Report({.stage = "imitate", .detail = "waiting for the teacher's first view"});
    cache_.Add(stream_->Take(control.stop));
  }
  schedule_.Advance();
  error_ += student_->Step(cache_[visit.cached]);
}

void ImitationTrainer::ChangePlan(const PlanChange& change) {
  options_.steps = change.steps;
  student_->set_steps(change.steps);
  if (stream_) stream_->SetEnd(FreshViewsOf(options_));
}

Json ImitationTrainer::State() const {
  Json state = student_->State();
  state["fresh_used"] = schedule_.fresh_used();
  return state;
}

void ImitationTrainer::Restore(const SafetensorsFile& file) {
  const Json state = CheckpointState(file, {"fresh_used"});
  student_->Restore(file, state);
  while (schedule_.step() < step()) schedule_.Advance();
  fresh_saved_ = schedule_.fresh_used();
  const int64_t used = state.at("fresh_used").get<int64_t>();
  if (used != fresh_saved_) {
    throw InputError("{}: state.fresh_used: expected {} at step {}, got {}; imitate anew",
                     file.path().string(), fresh_saved_, step(), used);
  }
}

void ImitationTrainer::Saved() {
  // What was the newest checkpoint is the previous one now, and may be gone back to.
  cache_.ForgetBefore(fresh_saved_ - options_.cache_size);
  fresh_saved_ = schedule_.fresh_used();
}

void ImitationTrainer::Finish() {
  stream_.reset();
  if (!keep_cache_) cache_.RemoveFiles();
}

void ImitationTrainer::StartInterval() {
  error_ = 0;
  student_->StartInterval();
}

Json ImitationTrainer::Metrics(double) const {
  Json metrics = student_->Metrics();
  metrics["views"] = schedule_.fresh_used();
  return metrics;
}

std::string ImitationTrainer::Detail(double) const {
  return fmt::format("{}, {} views", student_->Detail(), schedule_.fresh_used());
}

bool ImitationTrainer::Diverged() const {
  return !std::isfinite(error_);
}

}  // namespace semfield
