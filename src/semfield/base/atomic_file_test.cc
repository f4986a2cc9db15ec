#include "semfield/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/test_file_limit.h"
#include "semfield/base/test_folder.h"
#include "semfield/base/write_guard.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

template <class Call>
Error ErrorOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return InterruptedError();
}

TEST(AtomicFile, WritesAndReadsBackAndMakesFolders) {
  const TestFolder folder;
  const fs::path path = folder / "a/b/text.txt";
  WriteFileAtomically(path, "first");
  EXPECT_EQ(ReadTextFile(path), "first");
  WriteFileAtomically(path, std::string_view());
  EXPECT_EQ(ReadTextFile(path), "");
  const std::string zeros("a\0b", 3);
  WriteFileAtomically(path, zeros);
  EXPECT_EQ(ReadTextFile(path), zeros);
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), {}), 1);
}

TEST(AtomicFile, PiecesFollowOneAnother) {
  const TestFolder folder;
  const std::string a = "head ", b = "", c(3'000'000, 'x');
  WriteFileAtomically(folder / "f", std::vector<std::span<const std::byte>>{std::as_bytes(std::span(a)),
                                                                            std::as_bytes(std::span(b)),
                                                                            std::as_bytes(std::span(c))});
  EXPECT_EQ(ReadTextFile(folder / "f"), a + b + c);
  EXPECT_EQ(ReadFile(folder / "f").size(), a.size() + c.size());
}

TEST(AtomicFile, FullDiskKeepsTheOldFileAndLeavesNoTemporary) {
  const TestFolder folder;
  WriteFileAtomically(folder / "f", "old");
  const std::string large(100'000, 'n');
  {
    const TestFileLimit limit(10'000);
    const Error error = ErrorOf([&] { WriteFileAtomically(folder / "f", large); });
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(std::string(error.what()).find((folder / "f").string()), std::string::npos) << error.what();
    EXPECT_EQ(ErrorOf([&] { WriteFileAtomically(folder / "new", large); }).kind(), ErrorKind::kResource);
    EXPECT_EQ(ErrorOf([&] { AppendLine(folder / "log", large); }).kind(), ErrorKind::kResource);
  }
  EXPECT_EQ(ReadTextFile(folder / "f"), "old");
  EXPECT_FALSE(fs::exists(folder / "new"));
  fs::remove(folder / "log");
  EXPECT_EQ(folder.NumEntries(), 1);
}

TEST(AtomicFile, DevicesAreWrittenIntoNotReplaced) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_EQ(ErrorOf([] { WriteFileAtomically("/dev/full", "x"); }).kind(), ErrorKind::kResource);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(AtomicFile, WrongTargetsAreInputErrors) {
  const TestFolder folder;
  EXPECT_EQ(ErrorOf([&] { WriteFileAtomically(folder.path(), "x"); }).kind(), ErrorKind::kInput);
  WriteFileAtomically(folder / "file", "x");
  const fs::path below = folder / "file" / "below";
  const Error error = ErrorOf([&] { WriteFileAtomically(below, "x"); });
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_NE(std::string(error.what()).find("file"), std::string::npos);
  EXPECT_EQ(ErrorOf([] { WriteFileAtomically("", "x"); }).kind(), ErrorKind::kInput);
  EXPECT_EQ(ReadTextFile(folder / "file"), "x");
}

TEST(AtomicFile, SymbolicLinkAndPermissionsSurvive) {
  const TestFolder folder;
  WriteFileAtomically(folder / "real", "old");
  fs::permissions(folder / "real", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real", folder / "link");
  WriteFileAtomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(ReadTextFile(folder / "real"), "new");
  EXPECT_EQ(fs::status(folder / "real").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(AtomicFile, ReadersSeeTheOldOrTheNewFileWhole) {
  const TestFolder folder;
  const fs::path path = folder / "f";
  const std::string a(200'000, 'a'), b(300'000, 'b');
  WriteFileAtomically(path, a);
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) WriteFileAtomically(path, i % 2 == 0 ? b : a);
  });
  for (int i = 0; i < 200; ++i) {
    const std::string seen = ReadTextFile(path);
    EXPECT_TRUE(seen == a || seen == b) << seen.size();
  }
  writer.join();
}

TEST(AtomicFile, ReadRefusesMissingFoldersAndTooLarge) {
  const TestFolder folder;
  const Error missing = ErrorOf([&] { ReadFile(folder / "none"); });
  EXPECT_EQ(missing.kind(), ErrorKind::kInput);
  EXPECT_NE(std::string(missing.what()).find("none"), std::string::npos);
  EXPECT_EQ(ErrorOf([&] { ReadFile(folder.path()); }).kind(), ErrorKind::kInput);
  WriteFileAtomically(folder / "f", "12345");
  EXPECT_EQ(ReadFile(folder / "f", 5).size(), 5u);
  EXPECT_EQ(ErrorOf([&] { ReadFile(folder / "f", 4); }).kind(), ErrorKind::kInput);
}

// What a shell makes of "<(command)".
TEST(AtomicFile, ReadsOwnPipesToTheirEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const std::string text(50'000, 'p');
  std::thread writer([&] {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
  });
  EXPECT_EQ(ReadTextFile(fmt::format("/dev/fd/{}", ends[0])), text);
  writer.join();
  ::close(ends[0]);
}

TEST(AtomicFile, PipesAndDevicesThatLieAroundAreNotWaitedFor) {
  const TestFolder folder;
  const fs::path path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Error error = ErrorOf([&] { ReadTextFile(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_NE(std::string(error.what()).find("got a pipe or a device"), std::string::npos);
  EXPECT_EQ(ErrorOf([&] { Sha256File(path); }).kind(), ErrorKind::kInput);
  if (fs::is_character_file("/dev/zero")) {
    EXPECT_EQ(ErrorOf([] { ReadFile("/dev/zero", 100'000); }).kind(), ErrorKind::kInput);
  }
}

TEST(AtomicFile, NothingIsWrittenOutOfAGuardedFolder) {
  const TestFolder folder;
  const fs::path run = folder / "run", outside = folder / "outside";
  fs::create_directories(run / "own");
  fs::create_directories(outside);
  WriteFileAtomically(outside / "file", "kept");
  fs::create_symlink(outside / "file", run / "link");
  fs::create_symlink(outside / "new", run / "dangling");
  fs::create_symlink(outside, run / "masks");
  fs::create_symlink("own", run / "inside");
  WriteFileAtomically(run / "link", "kept");  // as long as nobody asked for more
  KeepWritesInside(run);
  for (const char* name : {"link", "dangling", "masks/mask.png", "masks/deep/mask.png"}) {
    EXPECT_NE(std::string(ErrorOf([&] { WriteFileAtomically(run / name, "x"); }).what()).find("by a link"),
              std::string::npos)
        << name;
    EXPECT_EQ(ErrorOf([&] { AppendLine(run / name, "x"); }).kind(), ErrorKind::kInput) << name;
  }
  EXPECT_EQ(ReadTextFile(outside / "file"), "kept");
  EXPECT_FALSE(fs::exists(outside / "new") || fs::exists(outside / "mask.png") ||
               fs::exists(outside / "deep"));
  ASSERT_EQ(::mkfifo((run / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf([&] { AppendLine(run / "pipe", "x"); }).kind(), ErrorKind::kInput);
  EXPECT_EQ(ErrorOf([&] { WriteFileAtomically(run / "pipe", "x"); }).kind(), ErrorKind::kInput);
  // Inside, and in folders that are reached by a link themselves, all is as ever.
  WriteFileAtomically(run / "inside" / "file", "new");
  EXPECT_EQ(ReadTextFile(run / "own" / "file"), "new");
  fs::create_directory_symlink(run, folder / "short");
  KeepWritesInside(folder / "short");
  WriteFileAtomically(folder / "short" / "file", "new");
  EXPECT_EQ(ReadTextFile(run / "file"), "new");
  WriteFileAtomically(outside / "file", "the user's own");
}

TEST(AtomicFile, StaleTemporariesGoLivingOnesStay) {
  const TestFolder folder;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const std::vector<std::string> stay = {fmt::format(".semfield-{}-0.tmp", ::getpid()),
                                         fmt::format(".semfield-{}-0.tmp.txt", dead), ".semfield-x-0.tmp",
                                         "f"};
  for (const std::string& name : stay) WriteFileAtomically(folder / name, "x");
  WriteFileAtomically(folder / fmt::format(".semfield-{}-3.tmp", dead), "x");
  RemoveStaleTemporaries(folder.path());
  EXPECT_EQ(folder.NumEntries(), 4);
  for (const std::string& name : stay) EXPECT_TRUE(fs::exists(folder / name)) << name;
  RemoveStaleTemporaries(folder / "missing");
}

TEST(AtomicFile, AppendLineAddsLines) {
  const TestFolder folder;
  AppendLine(folder / "deep" / "log", "one");
  AppendLine(folder / "deep" / "log", "two");
  EXPECT_EQ(ReadTextFile(folder / "deep" / "log"), "one\ntwo\n");
}

}  // namespace
}  // namespace semfield
