// A training is as good with one instruction set as with another: kernels agree to the last digits only
// (their own tests hold the tolerances), so the bits differ and the quality may not.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/ops/simd_target.h"

namespace semfield {
namespace {

class InstructionSetsTest : public TinyCaptureTest {
 protected:
  void TearDown() override { ops::ForceTarget(""); }
};

TEST_F(InstructionSetsTest, AShortTrainingAgreesWithinATenthOfADecibel) {
  WriteSynthetic({.views = 24, .width = 64, .height = 48}, *folder_ / "room");
  std::vector<double> held_out, training;
  for (const std::string& target : ops::SupportedTargets()) {
    ops::ForceTarget(target);
    TrainJobOptions job = TinyTraining(Path("room"), Path(target), 400);
    job.radiance.log2_table_size = 14;
    job.radiance.levels = 8;
    job.radiance.finest_resolution = 128;
    job.radiance.occupancy_resolution = 32;
    job.radiance.samples_per_step = 8192;
    job.radiance.steps_across = 64;
    training.push_back(RunTrain(job, {})["train_psnr"].get<double>());
    EvaluateJobOptions evaluate;
    evaluate.run = Path(target);
    evaluate.protocol = "views";
    held_out.push_back(RunEvaluate(evaluate, {})["metrics"]["psnr"].get<double>());
    RecordProperty(target, std::to_string(held_out.back()));
    EXPECT_GT(held_out.back(), 15) << target;
  }
  for (const std::vector<double>& psnr : {held_out, training}) {
    const auto [least, most] = std::minmax_element(psnr.begin(), psnr.end());
    EXPECT_LE(*most - *least, 0.1) << "from " << *least << " to " << *most;
  }
}

}  // namespace
}  // namespace semfield
