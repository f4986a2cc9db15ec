#pragma once

#include <memory>
#include <optional>

#include "semfield/methods/feature_field/view_maker.h"
#include "semfield/methods/method.h"

namespace semfield {

// The imitation of a teacher before its first step (SAN section 4).
class Imitation : public SceneTraining {
 public:
  Imitation(const TrainingInputs& inputs, const FeatureOptions& options);

  const AnyOptions& options() const override { return options_; }
  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override;
  Json Section() const override;
  MemoryNeed Memory() const override;
  std::optional<FittingOption> OptionThatFits(double bytes) const override;
  std::unique_ptr<SceneTrainer> MakeTrainer() override;

 private:
  const FeatureOptions& values() const { return options_.As<FeatureOptions>(); }
  std::filesystem::path CacheFolder() const;
  double TimeRound(TeacherCache& cache, double budget, const JobControl& control) const;
  void FitCache(const TeacherCache& made, int num_views);

  const TrainingInputs inputs_;
  AnyOptions options_;
  const ViewMaker maker_;
};

}  // namespace semfield
