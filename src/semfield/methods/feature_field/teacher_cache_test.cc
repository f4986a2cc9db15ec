#include "semfield/methods/feature_field/teacher_cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/base/log.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

std::shared_ptr<const TeacherEntry> Entry(int64_t index) {
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  for (int i = 0; i < 6; ++i) entry->target.push_back(static_cast<Half>(100 * index + i));
  return entry;
}

class TeacherCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([this](LogLevel, const std::string& message) { log_ += message; });
  }
  void TearDown() override { SetLogSink({}); }
  std::filesystem::path files() const { return folder_ / "cache" / "toy"; }
  int NumFiles() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(files()), {}));
  }
  static void AddAndStore(TeacherCache& cache, int64_t index) {
    cache.Store(*Entry(index));
    cache.Add(Entry(index));
  }
  TestFolder folder_;
  std::string log_;
};

TEST_F(TeacherCacheTest, KeepsTheNewestInOrder) {
  TeacherCache cache(3, {});
  for (int64_t index = 0; index < 5; ++index) {
    cache.Add(Entry(index));
    EXPECT_EQ(cache.size(), std::min<size_t>(3, index + 1));
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(cache[i].index, static_cast<int64_t>(i) + 2);
  EXPECT_TRUE(cache.LoadTarget(4, 6).empty()) << "no folder, no copies";
}

TEST_F(TeacherCacheTest, TargetsComeBackFromTheFolder) {
  {
    TeacherCache cache(8, files());
    for (int64_t index = 0; index < 3; ++index) AddAndStore(cache, index);
  }
  const TeacherCache again(8, files());
  EXPECT_EQ(again.size(), 0u);
  for (int64_t index = 0; index < 3; ++index) EXPECT_EQ(again.LoadTarget(index, 6), Entry(index)->target);
  EXPECT_TRUE(again.LoadTarget(3, 6).empty());
  EXPECT_EQ(log_, "");
}

// A file that does not hold what is asked for is made again, never used.
TEST_F(TeacherCacheTest, DamagedCopiesAreNotUsed) {
  TeacherCache cache(8, files());
  for (int64_t index = 0; index < 3; ++index) AddAndStore(cache, index);
  std::filesystem::resize_file(files() / "000000.safetensors", 40);
  std::fstream(files() / "000001.safetensors", std::ios::in | std::ios::out | std::ios::binary)
          .seekp(-2, std::ios::end)
      << "x";
  EXPECT_TRUE(cache.LoadTarget(0, 6).empty());
  EXPECT_TRUE(cache.LoadTarget(1, 6).empty());
  EXPECT_TRUE(cache.LoadTarget(2, 7).empty()) << "of another teacher";
  EXPECT_EQ(cache.LoadTarget(2, 6).size(), 6u);
  cache.Store(*Entry(1));
  EXPECT_EQ(cache.LoadTarget(1, 6), Entry(1)->target) << "made again";
  EXPECT_NE(log_.find("made again"), std::string::npos) << log_;
}

TEST_F(TeacherCacheTest, DiskHoldsWhatIsNotForgottenUnlessAllAreKept) {
  TeacherCache cache(3, files());
  for (int64_t index = 0; index < 20; ++index) AddAndStore(cache, index);
  EXPECT_EQ(NumFiles(), 20) << "a checkpoint may stand on any of them";
  std::ofstream(files() / "notes.txt") << "not ours";
  cache.ForgetBefore(-5);
  EXPECT_EQ(NumFiles(), 21);
  cache.ForgetBefore(14);
  EXPECT_EQ(NumFiles(), 7);
  for (int64_t index = 0; index < 20; ++index)
    EXPECT_EQ(cache.LoadTarget(index, 6).empty(), index < 14) << index;
  cache.RemoveFiles();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cache"));
  cache.ForgetBefore(20);  // nothing is there
  TeacherCache all(3, files(), /*keep_all=*/true);
  for (int64_t index = 0; index < 20; ++index) AddAndStore(all, index);
  all.ForgetBefore(14);
  EXPECT_EQ(NumFiles(), 20);
}

// What a killed process left half-written goes when the folder is used again.
TEST_F(TeacherCacheTest, HalfWrittenFilesAreRemoved) {
  { TeacherCache(3, files()).Store(*Entry(0)); }
  const int no_process = 1 << 30;
  std::ofstream(files() / (".semfield-" + std::to_string(no_process) + "-0.tmp")) << "half";
  EXPECT_EQ(NumFiles(), 2);
  const TeacherCache again(3, files());
  EXPECT_EQ(NumFiles(), 1);
}

TEST_F(TeacherCacheTest, RemovesOnlyItsOwnFiles) {
  TeacherCache cache(3, files());
  TeacherCache other(3, folder_ / "cache" / "other");
  cache.Store(*Entry(0));
  other.Store(*Entry(0));
  cache.RemoveFiles();
  EXPECT_FALSE(std::filesystem::exists(files()));
  EXPECT_FALSE(other.LoadTarget(0, 6).empty());
}

}  // namespace
}  // namespace semfield
