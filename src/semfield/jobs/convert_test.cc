#include "semfield/jobs/convert.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/jobs/synth.h"

namespace semfield {
namespace {

TEST(Convert, WritesTheViewsAndSaysWhatIsLost) {
  const TestFolder folder;
  SynthJobOptions synth;
  synth.out = (folder / "room").string();
  synth.scene.views = 5;
  synth.scene.width = 24;
  synth.scene.height = 16;
  JobControl control;
  RunSynth(synth, control);
  ConvertJobOptions options;
  options.capture = synth.out;
  options.out = (folder / "out").string();
  options.format = "colmap";
  const Json answer = RunConvert(options, control).ToJson();
  EXPECT_EQ(answer["from"], "transforms");
  EXPECT_EQ(answer["views"], 5);
  EXPECT_EQ(answer["notes"].size(), 2u);  // depth maps; classes and instances
  const Capture before = ReadCapture(synth.out), after = ReadCapture(options.out);
  EXPECT_EQ(after.format, "colmap");
  ASSERT_EQ(after.views.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(
        after.views[i].world_from_camera.Matrix().isApprox(before.views[i].world_from_camera.Matrix(), 1e-9));
  }
  EXPECT_THROW(RunConvert(options, control), Error);  // the folder is no longer empty
}

}  // namespace
}  // namespace semfield
