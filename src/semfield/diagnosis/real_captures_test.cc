// The bundled room, damaged in the ways that users damage captures: every damage must be named. And every
// capture in the folder that SEMFIELD_SHARED names, as it is: no false alarm.
#include <gtest/gtest.h>

#include <cstdlib>

#include <Eigen/Geometry>

#include "semfield/diagnosis/diagnosis_test_util.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

constexpr size_t kViewsOfRoom = 18;
constexpr size_t kViewsOfShared = 12;

// The first views, and what the sparse points know of them.
void KeepFirstViews(size_t count, Capture* capture) {
  if (capture->views.size() <= count) return;
  capture->views.resize(count);
  std::erase_if(capture->observations, [&](const Observation& seen) { return seen.view >= count; });
}

class BundledRoom : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* source = std::getenv("SEMFIELD_SOURCE_DIR");
    ASSERT_NE(source, nullptr);
    room_ = new Capture(
        ReadCapture(fs::path(source) / "examples/captures/room", {.warnings = WarningLog::kNothing}));
    KeepFirstViews(kViewsOfRoom, room_);
  }
  static void TearDownTestSuite() { delete room_; }

  // The one thing that is found wrong with a capture.
  static diagnosis::Finding OnlyProblem(const Capture& capture) {
    const Diagnosis found = Diagnose(capture, {});
    EXPECT_EQ(found.findings.size(), 1u) << AllFindings(found);
    return found.findings.empty() ? diagnosis::Finding() : found.findings[0];
  }

  static Capture* room_;
  TempFolder scratch_{"damaged-room"};
};
Capture* BundledRoom::room_ = nullptr;

using ViewNames = std::vector<std::string>;

TEST_F(BundledRoom, IsFine) {
  const Diagnosis found = Diagnose(*room_, {});
  EXPECT_TRUE(found.findings.empty()) << AllFindings(found);
  EXPECT_EQ(found.num_judged, static_cast<int>(kViewsOfRoom));
}

TEST_F(BundledRoom, SwappedPoses) {
  Capture room = *room_;
  SwapPoses(&room, 5, 15);
  const diagnosis::Finding problem = OnlyProblem(room);
  EXPECT_EQ(problem.kind, "swapped-views");
  EXPECT_EQ(problem.views, (ViewNames{room.views[5].name, room.views[15].name}));
}

TEST_F(BundledRoom, WrongFocalLength) {
  for (const double factor : {1.3, 0.8}) {
    Capture room = *room_;
    ScaleFocal(&room, factor);
    const diagnosis::Finding problem = OnlyProblem(room);
    EXPECT_EQ(problem.kind, "wrong-focal-length");
    EXPECT_NEAR(problem.numbers.value("factor", 0.0) * factor, 1, 0.03);
  }
}

TEST_F(BundledRoom, OpenCvAxesTakenForOpenGl) {
  Capture room = *room_;
  FlipAxes(&room);
  const diagnosis::Finding problem = OnlyProblem(room);
  EXPECT_EQ(problem.kind, "camera-axes");
  EXPECT_NE(problem.message.find("look like OpenCV's"), std::string::npos) << problem.message;
}

TEST_F(BundledRoom, OnePhotoTurnedUpsideDown) {
  Capture room = *room_;
  // Its principal point is off the middle, as after a crop: what turns is the photo, about its middle.
  constexpr int kCut = 40;
  EditPhoto(&room, 9, scratch_ / "turned.png", [](ImageU8* photo) {
    ImageU8 cut(photo->width - kCut, photo->height, 3);
    for (int y = 0; y < cut.height; ++y) {
      for (int x = 0; x < cut.width; ++x) {
        for (int c = 0; c < 3; ++c) cut.At(x, y, c) = photo->At(x + kCut, y, c);
      }
    }
    TurnPhoto(&cut);
    *photo = cut;
  });
  room.views[9].camera.width -= kCut;
  room.views[9].camera.cx -= kCut;
  const diagnosis::Finding problem = OnlyProblem(room);
  EXPECT_EQ(problem.kind, "turned-photos");
  EXPECT_EQ(problem.views, ViewNames{room.views[9].name});
  EXPECT_EQ(problem.numbers.value("clockwise_degrees_to_mend", 0), 180);
}

TEST_F(BundledRoom, OneSquarePhotoTurnedOnItsSide) {
  // Of another shape than its camera it would have been refused when it was read.
  for (const bool turned : {false, true}) {
    Capture room = *room_;
    Camera& camera = room.views[9].camera;
    const int left = (camera.width - camera.height) / 2;
    EditPhoto(&room, 9, scratch_ / "square.png", [&](ImageU8* photo) {
      const int side = photo->height;
      ImageU8 square(side, side, 3);
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
          for (int c = 0; c < 3; ++c)  // clockwise
            (turned ? square.At(side - 1 - y, x, c) : square.At(x, y, c)) = photo->At(x + left, y, c);
        }
      }
      *photo = square;
    });
    camera.width = camera.height;
    camera.cx -= left;
    if (!turned) {
      const Diagnosis found = Diagnose(room, {});
      EXPECT_TRUE(found.findings.empty()) << AllFindings(found);
      continue;
    }
    const diagnosis::Finding problem = OnlyProblem(room);
    EXPECT_EQ(problem.kind, "turned-photos");
    EXPECT_EQ(problem.views, ViewNames{room.views[9].name});
    EXPECT_EQ(problem.numbers.value("clockwise_degrees_to_mend", 0), 270);
  }
}

TEST_F(BundledRoom, AllPhotosTurned) {
  for (const int degrees : {90, 180}) {
    Capture room = *room_;
    const Mat3 turn = Eigen::AngleAxisd(degrees * std::numbers::pi / 180, Vec3::UnitZ()).toRotationMatrix();
    for (View& view : room.views) view.world_from_camera.rotation = view.world_from_camera.rotation * turn;
    const diagnosis::Finding problem = OnlyProblem(room);
    EXPECT_EQ(problem.kind, "turned-photos");
    EXPECT_TRUE(problem.views.empty());
    EXPECT_EQ(problem.numbers.value("clockwise_degrees_to_mend", 0), (360 - degrees) % 360);
  }
}

TEST_F(BundledRoom, BlurAndExposure) {
  Capture room = *room_;
  EditPhoto(&room, 3, scratch_ / "blurred.png", [](ImageU8* image) { BlurPhoto(image, 4); });
  EditPhoto(&room, 14, scratch_ / "bright.png", [](ImageU8* image) { BrightenPhoto(image, 2.5); });
  const Diagnosis found = Diagnose(room, {});
  EXPECT_TRUE(Names(found, "blurred-photo", room.views[3].name)) << AllFindings(found);
  EXPECT_TRUE(Names(found, "over-exposed-photo", room.views[14].name)) << AllFindings(found);
  EXPECT_EQ(found.findings.size(), 2u) << AllFindings(found);
}

// Captures in a folder, and in the folders in it.
void FindCaptures(const fs::path& folder, int depth, std::vector<fs::path>* captures) {
  for (const auto& reader : Readers()) {
    if (!reader->Sniff(folder)) continue;
    captures->push_back(folder);
    return;
  }
  if (depth == 0) return;
  std::vector<fs::path> inside;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) inside.push_back(entry.path());
  }
  std::sort(inside.begin(), inside.end());
  for (const fs::path& path : inside) FindCaptures(path, depth - 1, captures);
}

TEST(SharedCaptures, NoFalseAlarm) {
  const char* shared = std::getenv("SEMFIELD_SHARED");
  if (shared == nullptr || !fs::exists(fs::path(shared) / "data"))
    GTEST_SKIP() << "SEMFIELD_SHARED has no data";
  std::vector<fs::path> captures;
  FindCaptures(fs::path(shared) / "data", 3, &captures);
  EXPECT_GT(captures.size(), 5u);
  for (const fs::path& path : captures) {
    Capture capture = ReadCapture(path, {.warnings = WarningLog::kNothing});
    KeepFirstViews(kViewsOfShared, &capture);  // semfield check looks at all of them
    const Diagnosis found = Diagnose(capture, {});
    for (const diagnosis::Finding& finding : found.findings) {
      EXPECT_NE(finding.severity, diagnosis::Severity::kProblem) << path << ": " << finding.message;
    }
    EXPECT_GT(found.num_judged, 0) << path;
  }
}

}  // namespace
}  // namespace semfield
