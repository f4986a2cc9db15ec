#include "semfield/capture/readers/llff.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "semfield/base/random.h"
#include "semfield/capture/readers/npy.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

std::string NpyBytes(const std::string& type, bool fortran, const std::string& shape,
                     const std::string& data) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", type,
                                   fortran ? "True" : "False", shape);
  while ((10 + header.size() + 1) % 16 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

template <class T>
std::string Raw(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

using Rows = std::vector<std::vector<double>>;

std::string NpyOf(const Rows& rows) {
  std::vector<double> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return NpyBytes("<f8", false, fmt::format("({}, {})", rows.size(), rows.empty() ? 17 : rows[0].size()),
                  Raw(all));
}

// Columns down, right, back, centre and height, width, focal; then near and far.
std::vector<double> Row(const Pose& pose, int height, int width, double focal, double near, double far) {
  std::vector<double> row;
  const double last[] = {static_cast<double>(height), static_cast<double>(width), focal};
  for (int r = 0; r < 3; ++r) {
    for (const double v :
         {pose.rotation(r, 1), pose.rotation(r, 0), -pose.rotation(r, 2), pose.translation(r), last[r]})
      row.push_back(v);
  }
  row.push_back(near);
  row.push_back(far);
  return row;
}

// Ten cameras on a plane that look along +y at depths 4 to 20.
Pose PlanePose(int i) {
  const Vec3 eye(0.3 * (i % 5), 0, 0.3 * (i / 5));
  return LookAt(eye, eye + Vec3(0, 1, 0), Vec3::UnitZ());
}

class Llff : public ::testing::Test {
 protected:
  static constexpr int kViews = 10;
  void SetUp() override {
    for (int i = 0; i < kViews; ++i) rows_.push_back(Row(PlanePose(i), 96, 128, 110, 4, 20));
  }
  void WriteImageFolder(const std::string& name, int count, int width, int height) {
    std::vector<fs::path> files;
    for (int i = 0; i < count; ++i) files.push_back(folder_ / fmt::format("{}/img_{}.png", name, i));
    WritePlainImages(files, width, height);
  }
  Capture Read() {
    WriteBytes(folder_ / "poses_bounds.npy", NpyOf(rows_));
    return ReadCapture(folder_.path());
  }
  std::string Failure() {
    try {
      Read();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempFolder folder_{"llff"};
  Rows rows_;
};

TEST_F(Llff, ScalesTheOriginalsFocalLengthToTheImagesOnDisk) {
  WriteImageFolder("images_8", kViews, 16, 12);
  const Capture capture = Read();
  ASSERT_EQ(capture.views.size(), kViews);
  EXPECT_EQ(capture.format, "llff");
  for (int i = 0; i < kViews; ++i) {
    const View& view = capture.views[i];
    EXPECT_EQ(view.name, fmt::format("images_8/img_{}.png", i));
    EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(PlanePose(i).Matrix(), 1e-12));
    EXPECT_EQ(view.camera.width, 16);
    EXPECT_NEAR(view.camera.fx, 110.0 / 8, 1e-12);
    EXPECT_NEAR(view.camera.cx, 8, 1e-12);
    EXPECT_EQ(view.near_depth, 4);
    EXPECT_EQ(view.far_depth, 20);
  }
}

TEST_F(Llff, TakesTheLargestImagesThatMatchTheRows) {
  WriteImageFolder("images_8", kViews, 16, 12);
  WriteImageFolder("images_4", kViews, 32, 24);
  WriteImageFolder("images", kViews + 1, 128, 96);  // not one a row
  EXPECT_EQ(Read().views[0].camera.width, 32);
}

TEST_F(Llff, RowsFollowTheNamesInByteOrderAndViewsInNaturalOrder) {
  rows_.push_back(rows_.back());
  for (size_t i = 0; i < rows_.size(); ++i) rows_[i][3] = static_cast<double>(i);
  WriteImageFolder("images", kViews + 1, 128, 96);
  const Capture capture = Read();
  // Byte order: img_0, img_1, img_10, img_2, ...
  EXPECT_EQ(capture.views[2].name, "images/img_2.png");
  EXPECT_EQ(capture.views[2].world_from_camera.translation.x(), 3);
  EXPECT_EQ(capture.views[10].name, "images/img_10.png");
  EXPECT_EQ(capture.views[10].world_from_camera.translation.x(), 2);
}

TEST_F(Llff, TheFileItselfMayBeGiven) {
  WriteImageFolder("images", kViews, 128, 96);
  Read();
  EXPECT_EQ(ReadCapture(folder_ / "poses_bounds.npy").views.size(), kViews);
}

TEST_F(Llff, ForwardFacingBoundsLieInFrontOfTheCamerasBetweenNearAndFar) {
  WriteImageFolder("images", kViews, 128, 96);
  const Capture capture = Read();
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
  // Half-way in disparity between 4 and 20.
  EXPECT_NEAR(capture.bounds.Center().y(), 2 / (1 / 4.0 + 1 / 20.0), 1e-9);
  EXPECT_GT(capture.bounds.min.y(), 0);
  // As wide as the frustum there.
  const double half = 0.5 * capture.bounds.Extent().x();
  EXPECT_GE(half, 6.6 * 64 / 110);
  EXPECT_LE(half, 6.7);
}

TEST_F(Llff, AroundAnObjectTheBoundsReachTheCameras) {
  WriteImageFolder("images", kViews, 128, 96);
  for (int i = 0; i < kViews; ++i) rows_[i] = Row(CirclePose(i, kViews), 96, 128, 110, 2, 6);
  const Capture capture = Read();
  EXPECT_LT(capture.bounds.Center().norm(), 1e-6);
  EXPECT_NEAR(capture.bounds.Extent().x() / 2, std::hypot(4, 1.5), 1e-6);
}

TEST_F(Llff, SiblingMasksKeepWhite) {
  WriteImageFolder("images", kViews, 128, 96);
  for (int i = 0; i < kViews - 1; ++i) {
    WritePng(folder_ / (i % 2 ? fmt::format("masks/img_{}.png", i) : fmt::format("masks/img_{}.png.png", i)),
             ImageU8(128, 96, 1, 255));
  }
  const Capture capture = Read();
  EXPECT_EQ(capture.views[3].mask.filename(), "img_3.png");
  EXPECT_EQ(capture.views[4].mask.filename(), "img_4.png.png");
  EXPECT_FALSE(capture.views[3].mask_inverted);
  EXPECT_TRUE(capture.views[9].mask.empty());
  EXPECT_TRUE(Mentions(capture.warnings, "9 of 10 views"));
}

TEST_F(Llff, UnusableDepthRangesAreLeftOutAndSaid) {
  WriteImageFolder("images", kViews, 128, 96);
  rows_[0][15] = std::numeric_limits<double>::quiet_NaN();
  rows_[1][16] = 1;
  rows_[2][15] = 1e308;
  rows_[2][16] = 1.5e308;
  const Capture capture = Read();
  EXPECT_EQ(capture.views[0].far_depth, 0);
  EXPECT_EQ(capture.views[1].near_depth, 0);
  EXPECT_TRUE(Mentions(capture.warnings, "3 of 10 views"));
}

TEST_F(Llff, WrongContentsAreNamed) {
  WriteImageFolder("images", kViews, 128, 96);
  const Rows good = rows_;
  const auto with = [&](const std::function<void()>& spoil) {
    rows_ = good;
    spoil();
    return Failure();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_NE(with([&] { rows_.pop_back(); }).find("9 poses but 10 images in images/"), std::string::npos);
  EXPECT_NE(with([&] { rows_.clear(); }).find("0 poses"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][7] = nan; }).find("row 3 column 7"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][3] = inf; }).find("row 3 column 3"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][0] += 0.5; }).find("row 3: its first three columns"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][4] = -96; }).find("row 3 column 4"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][9] = 1e12; }).find("row 3 column 9"), std::string::npos);
  EXPECT_NE(with([&] { rows_[3][14] = 0; }).find("row 3 column 14"), std::string::npos);
  EXPECT_NE(with([&] { std::swap(rows_[3][4], rows_[3][9]); }).find("turned by 90"), std::string::npos);
  for (auto& row : good) rows_.push_back(row);
  EXPECT_NE(with([&] {
              for (auto& row : rows_) row.pop_back();
            }).find("expected 17 columns"),
            std::string::npos);
  rows_ = good;
  fs::remove_all(folder_ / "images");
  EXPECT_NE(Failure().find("holds no images/"), std::string::npos);
}

TEST(Npy, ReadsEveryLayoutOfTheSameNumbers) {
  const TempFolder folder("npy");
  const std::vector<double> rows_first{1, 2, 3, 4, 5, 6}, columns_first{1, 4, 2, 5, 3, 6};
  const std::vector<float> floats(rows_first.begin(), rows_first.end());
  std::string big = Raw(rows_first);
  for (size_t i = 0; i < big.size(); i += 8) std::reverse(big.begin() + i, big.begin() + i + 8);
  std::string version2 = NpyBytes("<f8", false, "(2, 3)", Raw(rows_first));
  version2[6] = 2;
  version2.insert(10, 2, '\0');
  for (const std::string& bytes :
       {NpyBytes("<f8", false, "(2, 3)", Raw(rows_first)),
        NpyBytes("<f8", true, "(2, 3)", Raw(columns_first)), NpyBytes("<f4", false, "(2, 3)", Raw(floats)),
        NpyBytes(">f8", false, "(2, 3)", big), version2}) {
    WriteBytes(folder / "a.npy", bytes);
    const NpyMatrix matrix = ReadNpy(folder / "a.npy");
    ASSERT_EQ(matrix.rows, 2u);
    ASSERT_EQ(matrix.cols, 3u);
    EXPECT_EQ(matrix.data, rows_first);
  }
}

TEST(Npy, HostileHeadersAreErrors) {
  const TempFolder folder("npy");
  const std::string data = Raw(std::vector<double>{1, 2, 3, 4});
  std::string long_header = NpyBytes("<f8", false, "(2, 2)", data);
  long_header[8] = long_header[9] = '\xff';
  std::vector<std::string> bad{"",
                               "\x93NUMPY",
                               "PK\x03\x04 and more bytes than ten",
                               NpyBytes("<f8", false, "(3, 2)", data),
                               NpyBytes("<f8", false, "(4611686018427387904, 4)", data),
                               NpyBytes("<f8", false, "(99999999999999999999999, 1)", data),
                               NpyBytes("<f8", false, "(-2, 2)", data),
                               NpyBytes("<f8", false, "(2, 2", data),
                               NpyBytes("<f8", false, "()", data),
                               NpyBytes("<f8", false, "(1, 2, 2)", data),
                               NpyBytes("<f8", false, "(1,1,1,1,1,1,1,1,1,1)", data),
                               NpyBytes("<i8", false, "(2, 2)", data),
                               NpyBytes("|O", false, "(2, 2)", data),
                               NpyBytes("<f8", false, "(2 2)", data).substr(0, 40),
                               long_header};
  std::string version9 = NpyBytes("<f8", false, "(2, 2)", data);
  version9[6] = 9;
  bad.push_back(version9);
  for (size_t i = 0; i < bad.size(); ++i) {
    WriteBytes(folder / "a.npy", bad[i]);
    EXPECT_THROW(ReadNpy(folder / "a.npy"), Error) << i;
  }
}

TEST(Npy, DamagedBytesNeverCrash) {
  const TempFolder folder("npy");
  const std::string good = NpyBytes("<f8", false, "(2, 2)", Raw(std::vector<double>{1, 2, 3, 4}));
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good.substr(0, good.size() - random.Below(round % 2 ? 1 : 60));
    for (int k = 0; k < 3; ++k)
      bytes[random.Below(static_cast<uint32_t>(bytes.size()))] = static_cast<char>(random.Below(256));
    WriteBytes(folder / "a.npy", bytes);
    try {
      const NpyMatrix matrix = ReadNpy(folder / "a.npy");
      EXPECT_EQ(matrix.data.size(), matrix.rows * matrix.cols);
      EXPECT_LE(matrix.data.size(), 8u);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace semfield
