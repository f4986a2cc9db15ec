#include "semfield/jobs/transfer.h"

#include <gtest/gtest.h>

#include "semfield/catalog/methods.h"
#include "semfield/evaluation/box_objects_test_util.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/edit.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

class TransferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    WriteStandIn(user_.models(), "toy");
    BoxObjects objects(user_ / "box");
  }
  EditJobOptions Job(const std::string& source, const std::string& target) const {
    EditJobOptions job;
    job.run = "transfer";
    job.transfer.pictures = {source, target};
    job.transfer.teacher = "toy";
    job.transfer.out = (user_ / "out").string();
    return job;
  }
  std::string Failure(const EditJobOptions& job) const {
    return ErrorOf([&] { RunEdit(job, KnownMethods(), {}); });
  }
  std::string Box(const std::string& object) const { return (user_ / "box" / object).string(); }
  TestUser user_;
};

TEST_F(TransferTest, WritesTextureAndPartsOfTwoObjects) {
  const EditJobResult result = RunEdit(Job(Box("box_0:0"), Box("box_1:1")), KnownMethods(), {});
  ASSERT_TRUE(result.transfer);
  EXPECT_EQ(result.transfer->changed, 1);
  EXPECT_TRUE(result.transfer->part_iou);
  EXPECT_EQ(result.transfer->files, (std::vector<std::string>{"texture.png", "parts.png", "transfer.png"}));
  const ImageU8 texture = ReadImage(user_ / "out/texture.png");
  EXPECT_EQ(texture.channels, 4);
  EXPECT_EQ(texture.width, kBoxSide);
  EXPECT_EQ(ReadImage(user_ / "out/transfer.png").width, 5 * kBoxSide + 4 * 4);
  EXPECT_EQ(result.ToJson()["files"].size(), 3u);
}

TEST_F(TransferTest, TakesPicturesWithoutACorpus) {
  ImageU8 red(16, 16, 4, 255), blue = red;
  for (size_t i = 0; i < red.num_pixels(); ++i) {
    red.data[4 * i + 1] = red.data[4 * i + 2] = 0;
    blue.data[4 * i] = blue.data[4 * i + 1] = 0;
  }
  WritePng(user_ / "red.png", red);
  WritePng(user_ / "blue.png", blue);
  RunEdit(Job((user_ / "red.png").string(), (user_ / "blue.png").string()), KnownMethods(), {});
  EXPECT_EQ(ReadImage(user_ / "out/texture.png").data, red.data);
  EXPECT_FALSE(std::filesystem::exists(user_ / "out/parts.png"));
}

TEST_F(TransferTest, SaysWhatIsWrong) {
  EXPECT_MENTIONS(Failure(Job(Box("box_0:7"), Box("box_1:0"))), "views 0 to 1");
  EXPECT_MENTIONS(Failure(Job(Box("box_0"), Box("box_1:0"))), "say which view");
  EXPECT_MENTIONS(Failure(Job(Box("box_0:x"), Box("box_1:0"))), "no number of a view");
  WritePng(user_ / "rgb.png", ImageU8(4, 4, 3));
  EXPECT_MENTIONS(Failure(Job((user_ / "rgb.png").string(), Box("box_1:0"))), "has no alpha");
  EditJobOptions part = Job(Box("box_0:0"), Box("box_1:0"));
  part.transfer.part = "roof";
  EXPECT_MENTIONS(Failure(part), "the source's are background, left, right");
  EditJobOptions one = Job("a", "b");
  one.transfer.pictures.pop_back();
  EXPECT_MENTIONS(Failure(one), "takes two pictures");
  EditJobOptions run = Job("a", "b");
  run.run = "elsewhere";
  EXPECT_MENTIONS(Failure(run), "pictures belong to");
}

}  // namespace
}  // namespace semfield
