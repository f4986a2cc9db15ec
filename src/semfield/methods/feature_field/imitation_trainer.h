#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/methods/feature_field/student.h"
#include "semfield/methods/feature_field/teacher_cache.h"
#include "semfield/methods/feature_field/view_maker.h"
#include "semfield/methods/feature_field/view_schedule.h"
#include "semfield/methods/scene_trainer.h"

namespace semfield {

// Trains a student on views that the teacher sees in the background while steps go on.
class ImitationTrainer : public SceneTrainer {
 public:
  // The maker must outlive it. What the teacher said is kept in `cache_folder` (empty: nowhere) as long as a
  // checkpoint stands on it, with keep_cache for good.
  ImitationTrainer(const ViewMaker& maker, const FeatureOptions& options, std::unique_ptr<Student> student,
                   std::filesystem::path cache_folder, bool keep_cache);

  void Begin(const JobControl& control) override;
  void Step(const JobControl& control) override;
  void ChangePlan(const PlanChange& change) override;
  int step() const override { return student_->step(); }
  int num_steps() const override { return options_.steps; }
  SceneSnapshot Snapshot() const override { return student_->Snapshot(); }

  std::vector<TensorView> Tensors() const override { return student_->Tensors(); }
  Json State() const override;
  void Restore(const SafetensorsFile& file) override;
  void Saved() override;
  void Finish() override;

  Json Metrics(double seconds) const override;
  std::string Detail(double seconds) const override;
  void StartInterval() override;
  int metrics_interval() const override { return 25; }
  bool Diverged() const override;
  std::vector<std::string> StepSizeOptions() const override { return {"head-learning-rate"}; }

 private:
  void StartStream();

  const ViewMaker& maker_;
  const bool keep_cache_;
  FeatureOptions options_;
  const std::unique_ptr<Student> student_;
  TeacherCache cache_;
  ViewSchedule schedule_;
  int64_t fresh_saved_ = 0;                // as the newest checkpoint has it
  double error_ = 0;                       // of the interval
  std::unique_ptr<TeacherStream> stream_;  // last: its workers use what is above
};

}  // namespace semfield
