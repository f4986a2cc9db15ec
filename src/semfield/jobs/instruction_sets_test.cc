// A training is as good with one instruction set as with another: kernels agree to the last digits only
// (their own tests hold the tolerances), so the bits differ and the quality may not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "semfield/catalog/methods.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/ops/simd_target.h"

namespace semfield {
namespace {

class InstructionSetsTest : public TinyCaptureTest {
 protected:
  void TearDown() override { ops::ForceTarget(""); }

  struct Psnr {
    double held_out, training;
  };
  // Of 400 steps on a capture whose seeds do not differ by decibels, as those of a tiny room do.
  static Psnr Train(const std::string& target, bool bfloat16) {
    if (!std::filesystem::exists(Path("object")))
      WriteSynthetic({.views = 24, .width = 64, .height = 48, .scene = "object"}, *folder_ / "object");
    ops::ForceTarget(target);
    TrainJobOptions job = TinyTraining(Path("object"), Path(target + (bfloat16 ? "16" : "32")), 400);
    job.restart = true;
    job.options.As<RadianceOptions>().bfloat16 = bfloat16;
    job.options.As<RadianceOptions>().log2_table_size = 14;
    job.options.As<RadianceOptions>().levels = 8;
    job.options.As<RadianceOptions>().finest_resolution = 128;
    job.options.As<RadianceOptions>().occupancy_resolution = 32;
    job.options.As<RadianceOptions>().samples_per_step = 8192;
    job.options.As<RadianceOptions>().steps_across = 64;
    Psnr psnr{};
    psnr.training = RunTrain(job, KnownMethods(), {}).train_psnr.value();
    EvaluateJobOptions evaluate;
    evaluate.run = job.out;
    evaluate.protocol = "views";
    psnr.held_out = RunEvaluate(evaluate, KnownMethods(), {}).ToJson()["metrics"]["psnr"].get<double>();
    RecordProperty(target + (bfloat16 ? ", bfloat16" : ""), std::to_string(psnr.held_out));
    EXPECT_GT(psnr.held_out, 20) << target;
    return psnr;
  }
};

TEST_F(InstructionSetsTest, AShortTrainingAgreesWithinATenthOfADecibel) {
  std::vector<double> held_out, training;
  for (const std::string& target : ops::SupportedTargets()) {
    const Psnr psnr = Train(target, false);
    held_out.push_back(psnr.held_out);
    training.push_back(psnr.training);
  }
  for (const std::vector<double>& psnr : {held_out, training}) {
    const auto [least, most] = std::minmax_element(psnr.begin(), psnr.end());
    EXPECT_LE(*most - *least, 0.1) << "from " << *least << " to " << *most;
  }
}

TEST_F(InstructionSetsTest, BrainFloatsTrainNearlyAsWell) {
  const std::string best = ops::SupportedTargets().front();
  const Psnr floats = Train(best, false), brain_floats = Train(best, true);
  EXPECT_NEAR(brain_floats.held_out, floats.held_out, 0.2);
  EXPECT_NEAR(brain_floats.training, floats.training, 0.2);
}

}  // namespace
}  // namespace semfield
