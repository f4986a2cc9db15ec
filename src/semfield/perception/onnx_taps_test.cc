#include "semfield/perception/onnx_taps.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

std::vector<std::byte> ToBytes(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

TEST(OnnxTaps, ReadsNodesAndOutputs) {
  const OnnxOutline outline = ReadOnnxOutline(ToBytes(StandInDecoder(StandInMasks::kAll)), "graph");
  EXPECT_EQ(outline.outputs, (std::vector<std::string>{"low_res_masks", "iou_predictions"}));
  EXPECT_EQ(outline.num_nodes, 7u);
}

TEST(OnnxTaps, AppendsExactlyOneGraphRecord) {
  const std::vector<std::byte> model = ToBytes(StandInEncoder());
  const std::vector<std::byte> tapped = AppendGraphOutputs(model, {"/conv"}, "graph");
  const std::string record = std::string("\x3A\x09\x62\x07\x0A\x05", 6) + "/conv";
  ASSERT_EQ(tapped.size(), model.size() + record.size());
  EXPECT_TRUE(std::equal(model.begin(), model.end(), tapped.begin()));
  EXPECT_EQ(std::memcmp(tapped.data() + model.size(), record.data(), record.size()), 0);
  EXPECT_EQ(ReadOnnxOutline(tapped, "graph").outputs, (std::vector<std::string>{"output", "/conv"}));
}

TEST(OnnxTaps, LeavesOutWhatIsThereAlready) {
  const std::vector<std::byte> model = ToBytes(StandInEncoder());
  EXPECT_EQ(AppendGraphOutputs(model, {"output"}, "graph"), model);
  EXPECT_EQ(AppendGraphOutputs(model, {"/conv", "/conv", "output"}, "graph"),
            AppendGraphOutputs(model, {"/conv"}, "graph"));
}

TEST(OnnxTaps, RefusesNamesOutOfBounds) {
  const std::vector<std::byte> model = ToBytes(StandInEncoder());
  EXPECT_THROW(AppendGraphOutputs(model, {""}, "graph"), Error);
  EXPECT_THROW(AppendGraphOutputs(model, {std::string(1025, 'x')}, "graph"), Error);
  EXPECT_THROW(AppendGraphOutputs(model, std::vector<std::string>(65, "x"), "graph"), Error);
}

TEST(OnnxTaps, EveryTruncationIsNoticedOrHarmless) {
  const std::vector<std::byte> model = ToBytes(StandInDecoder(StandInMasks::kAll));
  int whole = 0;
  for (size_t size = 0; size < model.size(); ++size) {
    const std::span<const std::byte> head(model.data(), size);
    try {
      const OnnxOutline outline = ReadOnnxOutline(head, "head");
      // Only a cut between whole records of the model can pass, and then the graph is whole.
      EXPECT_EQ(outline.outputs.size(), 2u);
      ++whole;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
    }
  }
  EXPECT_LE(whole, 1);
}

TEST(OnnxTaps, NoiseIsAnErrorOrAnOutlineButNeverWorse) {
  std::mt19937 random(3);
  const std::vector<std::byte> model = ToBytes(StandInDecoder(StandInMasks::kAll));
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::byte> damaged = model;
    for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    try {
      AppendGraphOutputs(damaged, {"/x"}, "noise");
    } catch (const Error&) {
    }
  }
  // A length near 2^64 must not wrap around.
  EXPECT_MENTIONS(
      ErrorOf([] { ReadOnnxOutline(ToBytes("\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "huge.onnx"); }),
      "huge.onnx");
  EXPECT_MENTIONS(ErrorOf([] { ReadOnnxOutline({}, "empty.onnx"); }), "no graph");
}

}  // namespace
}  // namespace semfield
