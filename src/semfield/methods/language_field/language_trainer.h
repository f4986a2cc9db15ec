#pragma once

#include <string>
#include <vector>

#include "semfield/methods/feature_field/student.h"
#include "semfield/methods/language_field/cross_correlation.h"
#include "semfield/methods/language_field/language_model.h"

namespace semfield {

// Trains a language field on teacher views, one a step: Eq. 9, L_single over all tokens, channels and scales
// (Eq. 10) and L_cross over every pair of scales, at tokens drawn anew at each step (Eq. 11). A target holds
// the teacher's maps one after the other, the finest first, [channels, tokens] each. Deterministic for a
// given order of views.
class LanguageTrainer : public Student {
 public:
  LanguageTrainer(const LanguageOptions& options, const PyramidSpace& space);

  // Returns Eq. 9.
  double Step(const TeacherEntry& entry) override;
  // The same without a step: Eq. 9 and its gradients, which are left in the parameters' `gradient`, the
  // grid's but for the last part of the way, which StepSemantics goes; for Step and for tests.
  double Losses(const TeacherEntry& entry);
  int step() const override { return step_; }
  void set_steps(int steps) override { model_.set_steps(steps); }
  LanguageModel& model() { return model_; }
  const LanguageModel& model() const { return model_; }
  // d loss / d own rows of the finest tokens, after Losses.
  const Buffer<float>& gradient_of_rows() const { return d_own_[0]; }

  SceneSnapshot Snapshot() const override { return {.step = step_}; }
  std::vector<TensorView> Tensors() const override;
  Json State() const override { return {{"step", step_}}; }
  void Restore(const SafetensorsFile& file, const Json& state) override;
  void StartInterval() override { single_ = cross_ = counted_ = 0; }
  Json Metrics() const override;
  std::string Detail() const override;

 private:
  size_t TargetOffset(int scale) const;  // of a scale's map in a target
  double Correlate(const TeacherEntry& entry);
  PlacedFeatures OursAt(int scale, const std::vector<int>& places);
  double RunTile(const TeacherEntry& entry, int scale, int tile, int worker);

  LanguageModel model_;
  int step_ = 0;
  double single_ = 0, cross_ = 0;  // of the steps since StartInterval
  int counted_ = 0;
  LanguageModel::Composed composed_;
  std::vector<Buffer<float>> d_rows_, d_own_, tile_gradients_;  // of every scale
  std::vector<std::vector<double>> tile_errors_;
  std::vector<std::vector<int>> places_;  // of every scale, rising, where this step correlates
  std::vector<PlacedFeatures> d_places_;  // weighted derivatives of L_cross there
  struct Worker {
    FeatureHead::Workspace work;
    Buffer<float> output;
  };
  std::vector<Worker> workers_;
};

// `count` of the numbers below `all`, rising; all of them where there are no more.
std::vector<int> DrawPlaces(int all, int count, Random& random);

}  // namespace semfield
