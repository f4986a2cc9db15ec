#pragma once

#include <map>
#include <string>
#include <vector>

#include "semfield/methods/feature_field/student.h"
#include "semfield/methods/laser/laser_model.h"

namespace semfield {

// Trains a Laser field on teacher views, one a step. A target holds the teacher's class probabilities,
// [classes, tokens]; its language features are their mean of the classes' texts.
class LaserTrainer : public Student {
 public:
  LaserTrainer(const LaserOptions& options, const std::string& encoder, const ClassTexts& texts);

  double Step(const TeacherEntry& entry) override;
  int step() const override { return step_; }
  void set_steps(int steps) override { model_.set_steps(steps); }
  LaserModel& model() { return model_; }
  const LaserModel& model() const { return model_; }
  SceneSnapshot Snapshot() const override { return {.step = step_}; }
  std::vector<TensorView> Tensors() const override;
  Json State() const override { return {{"step", step_}}; }
  void Restore(const SafetensorsFile& file, const Json& state) override;
  void StartInterval() override;
  Json Metrics() const override;
  std::string Detail() const override;

 private:
  Matrix TeacherFeatures(const TeacherEntry& entry) const;
  void HeadBackward(int num_tokens, const LaserTape::Losses& losses);

  LaserModel model_;
  const ClassTexts texts_;
  int step_ = 0;
  Buffer<float> rows_, d_rows_;
  std::map<std::string, double> parts_;  // sums of the steps since StartInterval
  int counted_ = 0;
};

}  // namespace semfield
