#pragma once

#include <memory>
#include <optional>

#include "semfield/methods/feature_field/imitation_memory.h"
#include "semfield/methods/feature_field/student.h"
#include "semfield/methods/feature_field/view_maker.h"
#include "semfield/methods/method.h"

namespace semfield {

// From where the teacher looked in the first `steps` steps of an imitation.
std::vector<Pose> TeacherPoses(const Capture& capture, const FeatureOptions& options, int steps);

// The imitation of a teacher before its first step (SAN section 4), whatever the student.
class Imitation : public SceneTraining {
 public:
  const AnyOptions& options() const override { return options_; }
  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override;
  MemoryNeed Memory() const override;
  std::optional<FittingOption> OptionThatFits(double bytes) const override;
  std::unique_ptr<SceneTrainer> MakeTrainer() override;

 protected:
  // values: of `options`, those of every imitation.
  Imitation(const TrainingInputs& inputs, AnyOptions options, const FeatureOptions& values, TeacherEyes eyes)
      : options_(std::move(options)), inputs_(inputs), maker_(inputs, values, std::move(eyes)) {}
  // Those of options_.
  virtual FeatureOptions& values() = 0;
  virtual const FeatureOptions& values() const = 0;
  virtual std::unique_ptr<Student> MakeStudent() const = 0;
  virtual ImitationMemory EstimateMemory() const = 0;
  const ViewMaker& maker() const { return maker_; }

  AnyOptions options_;

 private:
  std::filesystem::path CacheFolder() const;
  double TimeRound(TeacherCache& cache, double budget, const JobControl& control) const;
  void FitCache(const TeacherCache& made, int num_views);

  const TrainingInputs inputs_;
  const ViewMaker maker_;
};

}  // namespace semfield
