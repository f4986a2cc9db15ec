#include "semfield/jobs/poses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "semfield/base/atomic_file.h"
#include "semfield/base/process.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/writers/writer.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/poses/colmap_program.h"
#include "semfield/poses/video_frames.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { ::setenv(name_, old_.c_str(), 1); }

 private:
  const char* name_;
  std::string old_;
};

// A `colmap` that answers at once: its mapper hands out the poses that the photos were made with. What it is
// called with is written down; the file "trouble" in its folder names the command that fails, with what it
// then prints; the file "hang" the one that never ends.
constexpr const char* kStandIn = R"sh(#!/bin/sh
here=$(dirname "$0")
printf '%s\n' "$*" >> "$here/calls"
if [ "$1" = help ]; then echo "COLMAP 3.8 -- Structure-from-Motion"; exit 0; fi
if [ "$2" = -h ]; then cat "$here/help" 2> /dev/null; exit 0; fi
if grep -qsx "$1" "$here/hang"; then echo "Matching block [1/1, 1/1]"; exec sleep 1000; fi
if [ "$(head -n 1 "$here/trouble" 2> /dev/null)" = "$1" ]; then tail -n +2 "$here/trouble"; exit 1; fi
command=$1
shift
while [ $# -gt 0 ]; do
  case $1 in
    --database_path) database=$2 ;;
    --output_path) output=$2 ;;
    --image_list_path) cp "$2" "$here/list" ;;
  esac
  shift 2
done
case $command in
  feature_extractor) echo features >> "$database"; echo "Processed file [9/9]" ;;
  exhaustive_matcher) echo "Matching block [1/1, 1/1]" ;;
  sequential_matcher) echo "Matching image [9/9]" ;;
  mapper)
    if [ -e "$here/empty" ]; then echo "  => No good initial image pair found."; exit 0; fi
    cp -r "$here/small" "$output/0"
    if [ -e "$here/model" ]; then cp -r "$here/model" "$output/1"; fi
    echo "Registering image #9 (9)" ;;
esac
)sh";

class PosesJobTest : public testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([this](LogLevel, const std::string& message) { log_ += message + "\n"; });
    WriteSynthetic({.views = 9, .width = 48, .height = 32}, folder_ / "synthetic");
    const Capture capture = ReadCapture(folder_ / "synthetic");
    WriteCapture(capture, folder_ / "posed", "colmap");
    fs::create_directories(folder_ / "bin");
    fs::copy(folder_ / "posed/sparse/0", folder_ / "bin/model", fs::copy_options::recursive);
    Capture few = capture;
    few.views.resize(3);
    few.train = {0, 1, 2};
    few.held_out.clear();
    WriteCapture(few, folder_ / "few", "colmap");
    fs::copy(folder_ / "few/sparse/0", folder_ / "bin/small", fs::copy_options::recursive);
    fs::copy(folder_ / "posed/images", folder_ / "photos", fs::copy_options::recursive);
    WriteFileAtomically(folder_ / "bin/colmap", kStandIn);
    fs::permissions(folder_ / "bin/colmap", fs::perms::owner_all);
    Say("help", "  --SiftExtraction.use_gpu arg (=1)\n  --SiftMatching.use_gpu arg (=1)\n");
  }
  void TearDown() override { SetLogSink({}); }

  void Say(const std::string& file, const std::string& text) {
    WriteFileAtomically(folder_ / "bin" / file, text);
  }
  std::string Calls() { return ReadTextFile(folder_ / "bin/calls"); }
  size_t CallsOf(const std::string& command) {
    const std::string calls = "\n" + Calls();
    size_t count = 0;
    for (size_t at = 0; (at = calls.find("\n" + command + " --", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  PosesJobOptions Job() const {
    PosesJobOptions job;
    job.photos = (folder_ / "photos").string();
    job.out = (folder_ / "out").string();
    return job;
  }

  TestFolder folder_;
  ScopedVariable path_ = ScopedVariable("PATH", (folder_ / "bin").string() + ":" + std::getenv("PATH"));
  std::string log_;
};

TEST_F(PosesJobTest, MakesACaptureOfTheLargestModel) {
  const Json answer = RunPoses(Job(), {}).ToJson();
  EXPECT_EQ(answer["registered"], 9);
  EXPECT_EQ(answer["photos"], 9);
  EXPECT_EQ(answer["share"], 1.0);
  EXPECT_EQ(answer["models"], 2);
  EXPECT_EQ(answer["colmap_version"], "3.8");
  EXPECT_MENTIONS(log_, "2 models that do not hang together");
  const Capture got = ReadCapture(folder_ / "out"), expected = ReadCapture(folder_ / "posed");
  ASSERT_EQ(got.views.size(), expected.views.size());
  for (size_t i = 0; i < got.views.size(); ++i) {
    EXPECT_EQ(got.views[i].name, expected.views[i].name);
    EXPECT_LT(
        (got.views[i].world_from_camera.translation - expected.views[i].world_from_camera.translation).norm(),
        1e-9);
  }
  EXPECT_FALSE(fs::exists(folder_ / "out/work"));
  EXPECT_TRUE(fs::exists(folder_ / "out/colmap.log"));
}

TEST_F(PosesJobTest, ASecondRunReusesWhatIsThere) {
  const Json first = RunPoses(Job(), {}).ToJson();
  fs::remove(folder_ / "bin/colmap");
  EXPECT_EQ(RunPoses(Job(), {}).ToJson(), first);
  PosesJobOptions other = Job();
  other.matching = "sequential";
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(other, {}); }, ErrorKind::kInput), "with other settings");
  fs::remove(folder_ / "photos" / fs::directory_iterator(folder_ / "photos")->path().filename());
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kInput), "from other photos");
  EXPECT_TRUE(fs::exists(folder_ / "out/sparse/0/images.bin"));
}

TEST_F(PosesJobTest, UnregisteredPhotosAreSaid) {
  fs::remove_all(folder_ / "bin/model");
  const PosesResult answer = RunPoses(Job(), {});
  EXPECT_EQ(answer.registered, 3u);
  EXPECT_EQ(answer.unregistered.size(), 6u);
  EXPECT_MENTIONS(answer.Text()[0], "3 of 9 photos have a pose (33 %)");
  EXPECT_MENTIONS(log_, "6 of 9 photos have no pose");
}

// Ctrl-C ends the program; what was finished is not done again.
TEST_F(PosesJobTest, AStoppedRunGoesOn) {
  Say("hang", "exhaustive_matcher\n");
  StopToken stop;
  JobControl control{.progress =
                         [&](const Progress& p) {
                           if (p.stage == "matching" && !p.detail.empty()) stop.RequestStop();
                         },
                     .stop = &stop};
  ErrorOf([&] { RunPoses(Job(), control); }, ErrorKind::kInterrupted);
  EXPECT_MENTIONS(ErrorOf([&] { ReadCapture(folder_ / "out"); }, ErrorKind::kInput),
                  "not recovered to the end");
  EXPECT_EQ(CallsOf("feature_extractor"), 1u);
  Say("hang", "");
  EXPECT_EQ(RunPoses(Job(), {}).ToJson()["registered"], 9);
  EXPECT_EQ(CallsOf("feature_extractor"), 1u);
  EXPECT_EQ(CallsOf("exhaustive_matcher"), 2u);
  EXPECT_MENTIONS(log_, "goes on after the stage \"features\"");
}

// With other settings what is half done counts for nothing.
TEST_F(PosesJobTest, AStoppedRunWithOtherSettingsBeginsAnew) {
  Say("trouble", "mapper\nsomething\n");
  ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kInput);
  Say("trouble", "");
  PosesJobOptions other = Job();
  other.matching = "sequential";
  EXPECT_EQ(RunPoses(other, {}).ToJson()["registered"], 9);
  EXPECT_EQ(CallsOf("feature_extractor"), 2u);
  EXPECT_EQ(CallsOf("sequential_matcher"), 1u);
}

TEST_F(PosesJobTest, FailuresBecomeAdvice) {
  Say("empty", "");
  const std::string no_pair = ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kInput);
  EXPECT_MENTIONS(no_pair, "No good initial image pair");
  EXPECT_MENTIONS(no_pair, "smaller steps");
  EXPECT_MENTIONS(no_pair, "colmap.log");
  fs::remove(folder_ / "bin/empty");
  Say("trouble", "mapper\nERROR: SQLite: database or disk is full\n");
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kResource), "make room");
  EXPECT_MENTIONS(ReadTextFile(folder_ / "out" / "work" / "colmap.log"), "disk is full");
  Say("trouble", "");
  EXPECT_EQ(RunPoses(Job(), {}).ToJson()["registered"], 9);
}

TEST_F(PosesJobTest, TheOptionsOfNewerVersionsAreUsedWhereTheHelpNamesThem) {
  EXPECT_EQ(RunPoses(Job(), {}).ToJson()["registered"], 9);
  EXPECT_MENTIONS(Calls(), "--SiftExtraction.use_gpu 0");
  EXPECT_MENTIONS(Calls(), "--SiftMatching.use_gpu 0");
  fs::remove(folder_ / "bin/calls");
  Say("help", "  --FeatureExtraction.use_gpu arg (=1)\n  --FeatureMatching.use_gpu arg (=1)\n");
  PosesJobOptions job = Job();
  job.restart = true;
  EXPECT_EQ(RunPoses(job, {}).ToJson()["registered"], 9);
  EXPECT_MENTIONS(Calls(), "--FeatureExtraction.use_gpu 0");
  EXPECT_MENTIONS(Calls(), "--FeatureMatching.use_gpu 0");
}

TEST_F(PosesJobTest, HostileNamesReachNoShell) {
  const std::string name = "$(touch owned); `touch owned` 'x' \"y\".png";
  fs::rename(fs::directory_iterator(folder_ / "photos")->path(), folder_ / "photos" / name);
  RunPoses(Job(), {});
  EXPECT_FALSE(fs::exists("owned"));
  EXPECT_MENTIONS(ReadTextFile(folder_ / "bin/list"), name + "\n");
}

TEST_F(PosesJobTest, WrongUseIsNamed) {
  PosesJobOptions job = Job();
  job.out.clear();
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(job, {}); }, ErrorKind::kInput), "--out is missing");
  job = Job();
  job.photos = (folder_ / "absent").string();
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(job, {}); }, ErrorKind::kInput), "no such file or folder");
  job.photos = (folder_ / "posed").string();
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(job, {}); }, ErrorKind::kInput), "has poses already");
  fs::create_directories(folder_ / "empty");
  job.photos = (folder_ / "empty").string();
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(job, {}); }, ErrorKind::kInput), "neither a folder");
  job = Job();
  job.out = (folder_ / "posed").string();
  EXPECT_MENTIONS(ErrorOf([&] { RunPoses(job, {}); }, ErrorKind::kInput), "not empty");
  for (const char* damage : {"[]", "{}", R"({"stage": 1, "signature": ""})",
                             R"({"stage": "done", "signature": "", "result": {"photos": "many"}})"}) {
    WriteFileAtomically(folder_ / "out/poses.json", damage);
    fs::create_directories(folder_ / "out/sparse/0");
    EXPECT_MENTIONS(ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kInput), "damaged");
  }
  job = Job();
  job.restart = true;
  EXPECT_EQ(RunPoses(job, {}).ToJson()["registered"], 9);
}

TEST_F(PosesJobTest, WithoutColmapTheMessageSaysWhatToDo) {
  const ScopedVariable empty("PATH", (folder_ / "photos").string());
  const std::string message = ErrorOf([&] { RunPoses(Job(), {}); }, ErrorKind::kResource);
  EXPECT_MENTIONS(message, "apt-get install colmap");
  EXPECT_MENTIONS(message, "Polycam");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

// What scene and train are given: photos become a capture in the run, captures are themselves.
TEST_F(PosesJobTest, CapturesAreThemselvesAndPhotosAreRecoveredOnce) {
  const std::string photos = (folder_ / "photos").string(), posed = (folder_ / "posed").string();
  EXPECT_EQ(CaptureWithPoses(posed, {}, folder_ / "run", {}), posed);
  EXPECT_EQ(CaptureWithPoses(photos, {.format = "llff"}, folder_ / "run", {}), photos);
  EXPECT_EQ(CaptureWithPoses("absent", {}, folder_ / "run", {}), "absent");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  const std::string capture = (folder_ / "run/capture").string();
  EXPECT_EQ(CaptureWithPoses(photos, {}, folder_ / "run", {}), capture);
  EXPECT_EQ(CaptureWithPoses(photos, {}, folder_ / "run", {}), capture);
  EXPECT_EQ(CallsOf("mapper"), 1u);
  EXPECT_EQ(ReadCapture(capture).views.size(), 9u);
}

// ---- What the programs print

TEST(ColmapAdvice, KnowsTheUsualFailures) {
  EXPECT_MENTIONS(ColmapAdvice("Finding good initial image pair\n  => No good initial image pair found.\n"),
                  "60 %");
  EXPECT_MENTIONS(ColmapAdvice("WARNING: No images with matches found in the database."), "at least half");
  EXPECT_MENTIONS(ColmapAdvice("terminate called after throwing an instance of 'std::bad_alloc'"),
                  "--max-size");
  EXPECT_MENTIONS(ColmapAdvice("Failed to parse options - unrecognised option '--SiftExtraction.use_gpu'."),
                  "3.8");
  EXPECT_MENTIONS(ColmapAdvice("qt.qpa.xcb: could not connect to display"), "offscreen");
  EXPECT_EQ(ColmapAdvice("all is well"), "");
}

TEST(SharpestOfEach, TakesOneOfEachStretch) {
  const std::vector<double> values = {1, 5, 2, 2, 9, 9, 0};
  EXPECT_EQ(SharpestOfEach(values, 2), (std::vector<size_t>{1, 4}));
  EXPECT_EQ(SharpestOfEach(values, 7), (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(SharpestOfEach(values, 100).size(), 7u);
  EXPECT_TRUE(SharpestOfEach({}, 3).empty());
}

TEST(PgmStream, PicturesComeWholeHoweverTheStreamIsCut) {
  const std::string stream = std::string("P5\n3 2\n255\n\n23456P5\n1 1\n255\n7");
  for (const size_t piece : {1u, 2u, 5u, 100u}) {
    std::vector<ImageU8> pictures;
    PgmStream reader([&](const ImageU8& picture) { pictures.push_back(picture); });
    for (size_t at = 0; at < stream.size(); at += piece)
      reader.Add(std::string_view(stream).substr(at, piece));
    ASSERT_EQ(pictures.size(), 2u) << piece;
    EXPECT_EQ(pictures[0].width, 3);
    EXPECT_EQ(pictures[0].At(0, 0), '\n');
    EXPECT_EQ(pictures[0].At(2, 1), '6');
    EXPECT_EQ(pictures[1].At(0, 0), '7');
  }
}

TEST(PgmStream, RefusesWhatIsNone) {
  for (const char* text :
       {"P6\n1 1\n255\n", "P5\n0 1\n255\n", "P5\n99999 99999\n255\n", "P5\n1 1\n65535\n", "P5\n-1 -1\n255\n",
        "nothing of the kind, but long enough for any header, really, it is"}) {
    PgmStream reader([](const ImageU8&) { ADD_FAILURE(); });
    EXPECT_THROW(reader.Add(text), Error) << text;
  }
}

// ---- With the real programs

class VideoTest : public testing::Test {
 protected:
  void SetUp() override {
    if (FindProgram("ffmpeg").empty()) GTEST_SKIP() << "ffmpeg is not installed";
  }
};

// 20 frames, of which every fourth is sharp.
TEST_F(VideoTest, SharpFramesAreTaken) {
  TestFolder folder;
  fs::create_directories(folder / "in");
  for (int i = 0; i < 20; ++i) {
    ImageU8 image(96, 64, 3);
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 96; ++x) {
        const double wave = std::sin(x * (i % 4 == 2 ? 1.5 : 0.15)) * std::cos(y * 0.2);
        for (int c = 0; c < 3; ++c) image.At(x, y, c) = static_cast<uint8_t>(128 + 100 * wave);
      }
    }
    WritePng(folder / fmt::format("in/{:02}.png", i), image);
  }
  const fs::path video = folder / "it's a %03d video; $(x).mp4";
  ASSERT_TRUE(RunProcess({.words = {"ffmpeg", "-v", "error", "-framerate", "10", "-i", folder / "in/%02d.png",
                                    "-c:v", "mpeg4", "-q:v", "2", "file:" + video.string()}})
                  .Succeeded());
  const std::vector<std::string> names = TakeFrames(video, folder / "100 %d frames", 5, {});
  EXPECT_EQ(names, (std::vector<std::string>{"frame_000002.jpg", "frame_000006.jpg", "frame_000010.jpg",
                                             "frame_000014.jpg", "frame_000018.jpg"}));
  for (const std::string& name : names) {
    const ImageU8 frame = ReadImage(folder / "100 %d frames" / name);
    EXPECT_EQ(frame.width, 96);
    EXPECT_EQ(frame.height, 64);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "100 %d frames"), {}), 5);
  EXPECT_EQ(TakeFrames(video, folder / "all", 50, {}).size(), 20u);
}

TEST_F(VideoTest, DamagedVideosAreNamed) {
  TestFolder folder;
  using namespace std::string_literals;
  WriteFileAtomically(folder / "a.mp4",
                      "\0\0\0\x18"
                      "ftypisom\0\0\0\0 and no more"s);
  EXPECT_MENTIONS(ErrorOf([&] { TakeFrames(folder / "a.mp4", folder / "frames", 5, {}); }, ErrorKind::kInput),
                  "a.mp4: ffmpeg ended with code");
}

// Twenty small photos of a plant, their poses thrown away. The poses that came with them are COLMAP's too,
// of the photos at eight times the size, made by someone else.
TEST(RealColmap, FindsThePosesOfFern) {
  if (FindProgram("colmap").empty()) GTEST_SKIP() << "colmap is not installed";
  const char* shared = std::getenv("SEMFIELD_SHARED");
  const fs::path data = fs::path(shared != nullptr ? shared : "") / "data/real/fern";
  if (shared == nullptr || !fs::exists(data)) GTEST_SKIP() << "SEMFIELD_SHARED has no real/fern";
  TestFolder folder;
  PosesJobOptions job;
  job.photos = (data / "images_8").string();
  job.out = (folder / "out").string();
  const Json answer = RunPoses(job, {}).ToJson();
  EXPECT_GE(answer["share"].get<double>(), 0.9);
  EXPECT_LT(answer["reprojection_error"].get<double>(), 1.5);

  // The two worlds differ by a similarity: distances between cameras agree up to one scale.
  const Capture got = ReadCapture(folder / "out"), expected = ReadCapture(data);
  std::vector<std::pair<Vec3, Vec3>> centers;
  for (const View& view : got.views) {
    for (const View& other : expected.views) {
      if (view.image.filename() != other.image.filename()) continue;
      centers.emplace_back(view.world_from_camera.translation, other.world_from_camera.translation);
      EXPECT_NEAR(view.camera.fx / other.camera.fx, 1, 0.1);
    }
  }
  ASSERT_GE(centers.size(), 18u);
  std::vector<double> ratios;
  for (size_t i = 0; i < centers.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      ratios.push_back((centers[i].first - centers[j].first).norm() /
                       (centers[i].second - centers[j].second).norm());
    }
  }
  std::sort(ratios.begin(), ratios.end());
  EXPECT_LT(ratios[ratios.size() * 9 / 10] / ratios[ratios.size() / 10], 1.1);
}

}  // namespace
}  // namespace semfield
