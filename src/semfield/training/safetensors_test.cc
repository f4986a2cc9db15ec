#include "semfield/training/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/random.h"
#include "semfield/base/test_file_limit.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

// Every dtype we write, an empty tensor, a scalar, an odd number of bytes before wider elements.
struct Sample {
  std::vector<float> grid = {1.5f, -0.0f, std::numeric_limits<float>::quiet_NaN(), 3e38f, 5, 6};
  std::vector<uint16_t> half = {0x3c00, 0x7bff, 1};
  std::vector<uint8_t> bits = {0, 255, 7, 8, 9};
  std::vector<int32_t> counts = {-1, INT32_MIN, INT32_MAX};
  std::vector<int64_t> step = {INT64_MIN};
  std::vector<float> none;

  std::vector<TensorView> Views() const {
    return {MakeTensorView<uint8_t>("bits", {5}, bits),     MakeTensorView<float>("grid", {2, 3}, grid),
            MakeTensorView<uint16_t>("half", {3, 1}, half), MakeTensorView<int32_t>("counts", {3}, counts),
            MakeTensorView<int64_t>("step", {}, step),      MakeTensorView<float>("none", {0, 4}, none)};
  }
};

template <class Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class SafetensorsTest : public testing::Test {
 protected:
  void WriteSample() {
    WriteSafetensors(path_, sample_.Views(), {{"kind", "sample"}, {"quote", "a\"b\\ \n"}});
  }
  // Thousands of damaged files: no need that each survives a power cut. A new file each time, because file
  // systems flush one that was emptied and written again.
  void WritePlain(const std::string& text) {
    fs::remove(path_);
    std::ofstream(path_, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  // A file made by hand: whatever header, whatever data.
  void WriteRaw(const std::string& header, const std::string& data, int64_t stated_length = -1) {
    const uint64_t length = stated_length < 0 ? header.size() : static_cast<uint64_t>(stated_length);
    std::string text(8, '\0');
    std::memcpy(text.data(), &length, 8);
    WritePlain(text + header + data);
  }
  std::string ReadError(ChecksumPolicy policy = ChecksumPolicy::kRequired) {
    return MessageOf([&] { SafetensorsFile::Read(path_, policy); });
  }
  TestFolder folder_;
  fs::path path_ = folder_ / "f.safetensors";
  Sample sample_;
};

TEST_F(SafetensorsTest, RoundTrip) {
  WriteSample();
  const SafetensorsFile file = SafetensorsFile::Read(path_);
  EXPECT_EQ(file.Metadata("kind"), "sample");
  EXPECT_EQ(file.Metadata("quote"), "a\"b\\ \n");
  EXPECT_EQ(file.tensors().size(), 6u);
  const std::span<const float> grid = file.Get<float>("grid", {2, 3});
  EXPECT_EQ(std::memcmp(grid.data(), sample_.grid.data(), grid.size_bytes()), 0);  // NaN keeps its bits
  EXPECT_EQ(file.Get<uint16_t>("half", {-1, 1})[1], 0x7bff);
  EXPECT_EQ(file.Get<uint8_t>("bits", {5})[4], 9);
  EXPECT_EQ(file.Get<int32_t>("counts", {3})[1], INT32_MIN);
  EXPECT_EQ(file.Get<int64_t>("step", {})[0], INT64_MIN);
  EXPECT_TRUE(file.Get<float>("none", {0, 4}).empty());
}

TEST_F(SafetensorsTest, NothingAtAllRoundTrips) {
  WriteSafetensors(path_, {}, {});
  EXPECT_TRUE(SafetensorsFile::Read(path_).tensors().empty());
}

TEST_F(SafetensorsTest, SpansSurviveAMove) {
  WriteSample();
  SafetensorsFile file = SafetensorsFile::Read(path_);
  const SafetensorsFile moved = std::move(file);
  EXPECT_EQ(moved.Get<float>("grid", {2, 3})[5], 6.0f);
}

TEST_F(SafetensorsTest, SameContentSameBytes) {
  WriteSample();
  const std::string first = ReadTextFile(path_);
  WriteSample();
  EXPECT_EQ(ReadTextFile(path_), first);
}

TEST_F(SafetensorsTest, WrongLookupsNameFileTensorExpectedAndGot) {
  WriteSample();
  const SafetensorsFile file = SafetensorsFile::Read(path_);
  const std::string missing = MessageOf([&] { file.Get<float>("gird", {2, 3}); });
  EXPECT_TRUE(Contains(missing, path_.string()) && Contains(missing, "no tensor 'gird' (nearest: 'grid')"));
  const std::string shape = MessageOf([&] { file.Get<float>("grid", {3, 2}); });
  EXPECT_TRUE(Contains(shape, "tensor 'grid': expected F32 [3, 2], got F32 [2, 3]")) << shape;
  EXPECT_TRUE(Contains(MessageOf([&] {
                         file.Get<int32_t>("grid", {2, 3});
                       }),
                       "expected I32 [2, 3], got F32"));
  EXPECT_NE(MessageOf([&] { file.Get<float>("grid", {2, 3, 1}); }), "");
  EXPECT_NE(MessageOf([&] { file.Metadata("none"); }), "");
  EXPECT_FALSE(file.Has("none of these"));
}

TEST_F(SafetensorsTest, EveryTruncationIsRefused) {
  WriteSample();
  const std::string whole = ReadTextFile(path_);
  for (size_t size = 0; size < whole.size(); ++size) {
    WritePlain(whole.substr(0, size));
    ASSERT_TRUE(Contains(ReadError(), path_.string() + ": damaged (")) << size;
  }
  WritePlain(whole + std::string(1, '\0'));
  EXPECT_TRUE(Contains(ReadError(), "damaged ("));
}

TEST_F(SafetensorsTest, EveryBitFlipIsRefused) {
  WriteSample();
  const std::string whole = ReadTextFile(path_);
  int by_checksum = 0;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    WritePlain(flipped);
    const std::string message = ReadError();
    ASSERT_TRUE(Contains(message, "damaged ("))
        << "byte " << bit / 8 << " bit " << bit % 8 << ": " << message;
    if (Contains(message, "damaged (checksum)")) ++by_checksum;
  }
  EXPECT_GT(by_checksum, 8 * 53);  // at least all of the data
}

TEST_F(SafetensorsTest, RandomDamageIsRefused) {
  WriteSample();
  const std::string whole = ReadTextFile(path_);
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string bad = whole;
    const size_t begin = random.Below(static_cast<uint32_t>(bad.size()));
    const size_t end = std::min(bad.size(), begin + 1 + random.Below(64));
    for (size_t i = begin; i < end; ++i) bad[i] = static_cast<char>(random.Below(256));
    if (bad == whole) continue;
    WritePlain(bad);
    ASSERT_NE(ReadError(), "") << begin << " to " << end;
  }
}

TEST_F(SafetensorsTest, FilesOfOtherProgramsNeedTheOptionalPolicy) {
  WriteRaw(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],)"
           R"("data_offsets":[4,8]}}   )",
           "abcdefgh");
  EXPECT_TRUE(Contains(ReadError(), "no checksum"));
  const SafetensorsFile file = SafetensorsFile::Read(path_, ChecksumPolicy::kOptional);
  EXPECT_EQ(file.Bytes("a", "BF16", {2}).size(), 4u);
}

TEST_F(SafetensorsTest, HostileHeadersAreRefused) {
  const std::string good = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  WriteRaw(good, "abcd");
  EXPECT_EQ(ReadError(ChecksumPolicy::kOptional), "");
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  const std::vector<std::string> headers = {
      "", "[]", "null", "{", " {}", "{\"a\":3}", "{\"a\":{}}", "{\"__metadata__\":[]}",
      "{\"__metadata__\":{\"k\":1}}", tensor("\"U9\"", "[4]", "[0,4]"), tensor("7", "[4]", "[0,4]"),
      tensor("\"U8\"", "4", "[0,4]"), tensor("\"U8\"", "[-4]", "[0,4]"), tensor("\"U8\"", "[4.0]", "[0,4]"),
      tensor("\"U8\"", "[\"4\"]", "[0,4]"), tensor("\"U8\"", "[4]", "[4,0]"),
      tensor("\"U8\"", "[4]", "[0,4,4]"), tensor("\"U8\"", "[4]", "[-4,0]"), tensor("\"U8\"", "[4]", "[1,5]"),
      tensor("\"U8\"", "[3]", "[0,3]"), tensor("\"U8\"", "[3]", "[1,4]"), tensor("\"U8\"", "[4]", "[0,5]"),
      tensor("\"F32\"", "[4]", "[0,4]"), tensor("\"U8\"", "[8]", "[0,8]"),
      // Products and offsets that wrap around 64 bits to something that fits.
      tensor("\"F32\"", "[4611686018427387905]", "[0,4]"),
      tensor("\"U8\"", "[4294967296,4294967296,4]", "[0,0]"),
      tensor("\"U8\"", "[18446744073709551615]", "[0,18446744073709551615]"),
      tensor("\"U8\"", "[4]", "[18446744073709551614,2]"),
      R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", std::string(100'000, '['), good + "x"};
  for (const std::string& header : headers) {
    WriteRaw(header, "abcd");
    EXPECT_TRUE(Contains(ReadError(ChecksumPolicy::kOptional), path_.string() + ": damaged ("))
        << header.substr(0, 200);
  }
  for (const int64_t length : {int64_t{0}, int64_t{60}, int64_t{100'000'001}, INT64_MAX}) {
    WriteRaw(good, "abcd", length);
    EXPECT_NE(ReadError(ChecksumPolicy::kOptional), "") << length;
  }
  WriteRaw(good, "abcd");
  std::string text = ReadTextFile(path_);
  std::memset(text.data(), 0xff, 8);  // a length that overflows when 8 is added
  WritePlain(text);
  EXPECT_NE(ReadError(ChecksumPolicy::kOptional), "");
}

TEST_F(SafetensorsTest, MisalignedTensorsAreNotTyped) {
  std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  header.append(8 - header.size() % 8, ' ');
  WriteRaw(header, "abcde");
  const SafetensorsFile file = SafetensorsFile::Read(path_, ChecksumPolicy::kOptional);
  EXPECT_EQ(file.Bytes("b", "F32", {1}).size(), 4u);
  EXPECT_TRUE(Contains(MessageOf([&] { file.Get<float>("b", {1}); }), "not aligned"));
}

TEST_F(SafetensorsTest, WrongTensorsAreBugs) {
  const std::vector<float> four(4);
  const auto write = [&](std::vector<TensorView> tensors, TensorMetadata metadata = {}) {
    WriteSafetensors(path_, tensors, metadata);
  };
  EXPECT_THROW(write({MakeTensorView<float>("a", {5}, four)}), BugError);
  EXPECT_THROW(write({MakeTensorView<float>("a", {4}, four), MakeTensorView<float>("a", {4}, four)}),
               BugError);
  EXPECT_THROW(write({MakeTensorView<float>("", {4}, four)}), BugError);
  EXPECT_THROW(write({MakeTensorView<float>("__metadata__", {4}, four)}), BugError);
  EXPECT_THROW(write({}, {{"xxh3", "1"}}), BugError);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SafetensorsTest, FullDiskKeepsTheOldFile) {
  WriteSample();
  const std::string before = ReadTextFile(path_);
  const std::vector<float> large(100'000);
  try {
    const TestFileLimit limit(50'000);
    WriteSafetensors(path_, std::vector{MakeTensorView<float>("a", {100'000}, large)}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_TRUE(Contains(error.what(), path_.string()));
  }
  EXPECT_EQ(ReadTextFile(path_), before);
  EXPECT_EQ(folder_.NumEntries(), 1);
}

}  // namespace
}  // namespace semfield
