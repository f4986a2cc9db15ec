#include "semfield/perception/ort.h"

#include <gtest/gtest.h>

#include <thread>

#include "semfield/base/atomic_file.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

class OrtTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
  }
  std::filesystem::path Write(const std::string& name, const std::string& bytes) {
    WriteFileAtomically(folder_ / name, bytes);
    return folder_ / name;
  }
  // y = 2 x + 1 over a free number of rows.
  static std::string Affine() {
    OnnxWriter writer;
    writer.Floats("two", {1}, {2});
    writer.Floats("one", {1}, {1});
    writer.Input("x", {-1, 3});
    writer.Node("Mul", {"x", "two"}, {"doubled"});
    writer.Node("Add", {"doubled", "one"}, {"y"});
    writer.Output("y", {-1, 3});
    return writer.Model();
  }
  static TensorInput X(const std::vector<float>& values) {
    TensorInput input;
    input.name = "x";
    input.shape = {static_cast<int64_t>(values.size()) / 3, 3};
    input.floats = values;
    return input;
  }
  TestFolder folder_;
};

TEST_F(OrtTest, RunsAGraphAndTellsItsSignature) {
  const InferenceSession session(InferenceRuntime::Load(), Write("affine.onnx", Affine()));
  ASSERT_EQ(session.inputs().size(), 1u);
  EXPECT_EQ(session.inputs()[0].name, "x");
  EXPECT_EQ(session.inputs()[0].type, ElementType::kFloat);
  EXPECT_EQ(session.inputs()[0].shape, (std::vector<int64_t>{-1, 3}));
  EXPECT_EQ(session.FindOutput("nothing"), nullptr);
  const std::vector<float> values = {0, 1, 2, -3, 0.5f, 10};
  const auto results = session.Run({X(values)}, {"y"});
  EXPECT_EQ(results[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(results[0].floats, (std::vector<float>{1, 3, 5, -5, 2, 21}));
}

TEST_F(OrtTest, ExtraOutputsDoNotChangeTheOthers) {
  SessionOptions options;
  options.extra_outputs = {"doubled"};
  const InferenceSession session(InferenceRuntime::Load(), Write("affine.onnx", Affine()), options);
  const std::vector<float> values = {1, 2, 3};
  const auto results = session.Run({X(values)}, {"y", "doubled"});
  EXPECT_EQ(results[0].floats, (std::vector<float>{3, 5, 7}));
  EXPECT_EQ(results[1].floats, (std::vector<float>{2, 4, 6}));
}

TEST_F(OrtTest, SeveralThreadsMayShareASession) {
  const InferenceSession session(InferenceRuntime::Load(), Write("affine.onnx", Affine()), {1, {}});
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const float v = static_cast<float>(100 * t + i);
        const std::vector<float> values = {v, v, v};
        wrong[t] += session.Run({X(values)}, {"y"})[0].floats != std::vector<float>(3, 2 * v + 1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST_F(OrtTest, WhatTheGraphRefusesNamesTheFile) {
  const InferenceSession session(InferenceRuntime::Load(), Write("affine.onnx", Affine()));
  const std::vector<float> values(4);
  TensorInput bad = X(values);
  bad.shape = {1, 4};
  EXPECT_MENTIONS(ErrorOf([&] { session.Run({bad}, {"y"}); }), "affine.onnx");
  const std::vector<float> good(3);
  EXPECT_MENTIONS(ErrorOf([&] { session.Run({X(good)}, {"z"}); }), "affine.onnx");
  EXPECT_MENTIONS(ErrorOf([&] { session.Run({}, {"y"}); }), "affine.onnx");
}

TEST_F(OrtTest, AnOutputOfAnotherTypeIsRefused) {
  OnnxWriter writer;
  writer.Input("x", {-1, 3});
  writer.Node("Cast", {"x"}, {"half"}, {{"to", {10}, true}});
  writer.Node("Shape", {"x"}, {"shape"});
  writer.Node("Identity", {"x"}, {"y"});
  writer.Output("y", {-1, 3});
  SessionOptions options;
  options.extra_outputs = {"half", "shape"};
  const InferenceSession session(InferenceRuntime::Load(), Write("half.onnx", writer.Model()), options);
  const std::vector<float> values(6);
  EXPECT_MENTIONS(ErrorOf([&] { session.Run({X(values)}, {"half"}); }), "element type 10");
  EXPECT_EQ(session.Run({X(values)}, {"shape"})[0].ints, (std::vector<int64_t>{2, 3}));
}

TEST_F(OrtTest, DamagedGraphsAreInputErrors) {
  const auto runtime = InferenceRuntime::Load();
  const std::string model = Affine();
  EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, folder_ / "missing.onnx"); }), "missing.onnx");
  EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, Write("empty.onnx", "")); }), "empty.onnx");
  EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, Write("text.onnx", "not a graph")); }),
                  "text.onnx");
  for (size_t size = 1; size < model.size(); size += 37) {
    const auto path = Write("cut.onnx", model.substr(0, size));
    EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, path); }), "cut.onnx");
    SessionOptions tapped;
    tapped.extra_outputs = {"doubled"};
    EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, path, tapped); }), "cut.onnx");
  }
  SessionOptions unknown;
  unknown.extra_outputs = {"/no/such/tensor"};
  EXPECT_MENTIONS(ErrorOf([&] { InferenceSession(runtime, Write("affine.onnx", model), unknown); }),
                  "affine.onnx");
}

TEST_F(OrtTest, TheRuntimeIsLoadedOnce) {
  EXPECT_EQ(InferenceRuntime::Load(), InferenceRuntime::Load());
  const auto again = InferenceRuntime::Load(InferenceRuntime::Load()->path().string());
  EXPECT_EQ(again->version(), InferenceRuntime::Load()->version());
}

TEST(OrtLoad, AMissingLibraryIsOneClearMessage) {
  const std::string message =
      ErrorOf([] { InferenceRuntime::Load("/no/such/folder/libonnxruntime.so.1"); }, ErrorKind::kResource);
  EXPECT_MENTIONS(message, "/no/such/folder/libonnxruntime.so.1");
  EXPECT_MENTIONS(message, "npm ci --ignore-scripts --legacy-peer-deps");
  EXPECT_MENTIONS(message, "--onnxruntime");
}

TEST(OrtLoad, AnythingElseIsNotOnnxRuntime) {
  TestFolder folder;
  WriteFileAtomically(folder / "text.so", "not a library");
  EXPECT_MENTIONS(
      ErrorOf([&] { InferenceRuntime::Load((folder / "text.so").string()); }, ErrorKind::kResource),
      "text.so");
}

TEST(OrtLoad, ALibraryTooOldSaysWhichVersionItIs) {
  const std::string message = ErrorOf([] { InferenceRuntime::Load(OLD_RUNTIME); }, ErrorKind::kResource);
  EXPECT_MENTIONS(message, "1.9.0");
  EXPECT_MENTIONS(message, "1.14");
  EXPECT_MENTIONS(ErrorOf([] { InferenceRuntime::Load(OTHER_LIBRARY); }, ErrorKind::kResource),
                  "is not ONNX Runtime");
}

}  // namespace
}  // namespace semfield
