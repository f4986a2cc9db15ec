#include "semfield/training/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/base/version.h"

namespace semfield {
namespace {

template <class Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RunFolder, CreateThenOpenKeepsTheConfig) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "deep/run");
  EXPECT_TRUE(run.ReadConfigSection("train").is_null());
  run.WriteConfigSection("train", {{"steps", 5}});
  run.WriteConfigSection("imitate", {{"teacher", "sam"}});
  run.WriteConfigSection("train", {{"steps", 6}});
  const RunFolder again = RunFolder::Create(folder / "deep/run");
  EXPECT_EQ(again.ReadConfigSection("train")["steps"], 6);
  const Json config = RunFolder::Open(folder / "deep/run").ReadConfig();
  EXPECT_EQ(config.begin().key(), "semfield_version");
  EXPECT_EQ(config["semfield_version"], Version());
  EXPECT_EQ(config.size(), 3u);
}

// Whoever comes second finds the first one's config.json or is refused: it is never written over.
TEST(RunFolder, TwoThatStartAtOnceDoNotUndoEachOther) {
  for (int round = 0; round < 20; ++round) {
    const TestFolder folder;
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = ::fork();
      if (child != 0) {
        children.push_back(child);
        continue;
      }
      try {
        const RunFolder run = RunFolder::Create(folder / "run");
        const RunLock lock(run);
        run.WriteConfigSection("child" + std::to_string(i), {{"number", i}});
      } catch (const Error&) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    size_t done = 0;
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      done += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    EXPECT_GE(done, 1u);
    EXPECT_EQ(RunFolder::Open(folder / "run").ReadConfig().size(), 1 + done);
  }
}

TEST(RunFolder, PathsLieInside) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "run");
  EXPECT_EQ(run.radiance_checkpoint(), folder / "run/radiance.safetensors");
  EXPECT_EQ(run.features_checkpoint("sam_vit-b.1"), folder / "run/features-sam_vit-b.1.safetensors");
  EXPECT_EQ(run.metrics(), folder / "run/metrics.jsonl");
  EXPECT_EQ(run.masks_dir(), folder / "run/masks");
  for (const char* bad : {"", "../x", "a/b", ".hidden", "a b", "a\n"}) {
    EXPECT_NE(MessageOf([&] { (void)run.features_checkpoint(bad); }), "") << bad;
  }
}

TEST(RunFolder, WhatIsNoRunSaysWhatToDo) {
  const TestFolder folder;
  EXPECT_TRUE(Contains(MessageOf([&] { RunFolder::Open(folder / "none"); }), "semfield train"));
  EXPECT_TRUE(Contains(MessageOf([&] { RunFolder::Open(folder.path()); }), "semfield train"));
  for (const char* config : {"{}", "[]", "{\"model\": 3}", "{", "null"}) {
    WriteFileAtomically(folder / "config.json", config);
    EXPECT_TRUE(Contains(MessageOf([&] { RunFolder::Open(folder.path()); }), "config.json")) << config;
    EXPECT_NE(MessageOf([&] { RunFolder::Create(folder.path()); }), "") << config;
  }
  EXPECT_NE(MessageOf([&] { RunFolder::Create(folder / "config.json"); }), "");
  EXPECT_NE(MessageOf([&] { RunFolder::Create(""); }), "");
}

TEST(RunLock, SecondWriterIsRefusedAndToldWhoHoldsIt) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "run");
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    const RunLock lock(run);
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(done[0], &byte, 1);
    ::_exit(0);  // without running the destructor: the kernel gives the lock back
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::string message = MessageOf([&] { const RunLock lock(run); });
  EXPECT_TRUE(Contains(message, "in use by process " + std::to_string(child))) << message;
  EXPECT_EQ(RunFolder::Open(folder / "run").ReadConfig().size(), 1u);  // readers are free
  ASSERT_EQ(::write(done[1], &byte, 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(MessageOf([&] { const RunLock lock(run); }), "");
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) ::close(fd);
}

TEST(RunLock, SameProcessTwiceIsRefusedAndMovingKeepsIt) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "run");
  std::optional<RunLock> first(std::in_place, run);
  EXPECT_TRUE(Contains(MessageOf([&] { const RunLock lock(run); }), std::to_string(::getpid())));
  {
    const RunLock moved(std::move(*first));
    first.reset();
    EXPECT_NE(MessageOf([&] { const RunLock lock(run); }), "");
  }
  EXPECT_EQ(MessageOf([&] { const RunLock lock(run); }), "");
}

TEST(RunLock, HolderFileMayHoldAnything) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "run");
  const RunLock lock(run);
  for (const std::string& text : {std::string(), std::string(5000, '\x01'), std::string("\x1b[2J{}", 6)}) {
    std::FILE* file = std::fopen((folder / "run/.lock").c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    const std::string message = MessageOf([&] { const RunLock second(run); });
    EXPECT_TRUE(Contains(message, "in use by process")) << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
}

TEST(RunLock, TakingItRemovesTemporariesOfKilledWriters) {
  const TestFolder folder;
  const RunFolder run = RunFolder::Create(folder / "run");
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto stale = folder / fmt::format("run/.semfield-{}-0.tmp", dead);
  WriteFileAtomically(stale, "x");
  const RunLock lock(run);
  EXPECT_FALSE(std::filesystem::exists(stale));
}

}  // namespace
}  // namespace semfield
