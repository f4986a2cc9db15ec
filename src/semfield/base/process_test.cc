#include "semfield/base/process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "semfield/base/error.h"

namespace semfield {
namespace {

struct Heard {
  std::string out, err;
  ProcessResult result;
};

Heard RunWords(std::vector<std::string> words, std::map<std::string, std::string> environment = {}) {
  Heard heard;
  heard.result = RunProcess({.words = std::move(words),
                             .environment = std::move(environment),
                             .on_output = [&](std::string_view text) { heard.out += text; },
                             .on_error = [&](std::string_view text) { heard.err += text; }});
  return heard;
}

TEST(RunProcess, KeepsTheStreamsApartAndTheExitCode) {
  const Heard heard = RunWords({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(heard.out, "out\n");
  EXPECT_EQ(heard.err, "err\n");
  EXPECT_TRUE(heard.result.started);
  EXPECT_FALSE(heard.result.Succeeded());
  EXPECT_EQ(heard.result.exit_code, 3);
  EXPECT_EQ(heard.result.Describe(), "ended with code 3");
}

// Names of files come from outside: what a shell would act on arrives as it is.
TEST(RunProcess, NoShellReadsTheArguments) {
  const std::string hostile = "$(touch /tmp/x); `id` 'a' \"b\" \\ * ~ -- \n&& |";
  EXPECT_EQ(RunWords({"printf", "%s", hostile}).out, hostile);
}

TEST(RunProcess, InputIsEmptyAndTheEnvironmentIsChanged) {
  EXPECT_EQ(RunWords({"cat"}).out, "");
  EXPECT_EQ(RunWords({"sh", "-c", "printf %s \"$SEMFIELD_TEST_A\""}, {{"SEMFIELD_TEST_A", "b c"}}).out,
            "b c");
  EXPECT_NE(RunWords({"sh", "-c", "printf %s \"$PATH\""}, {{"SEMFIELD_TEST_A", "b"}}).out, "");
}

TEST(RunProcess, ManyBytesOnBothStreamsDoNotBlock) {
  const Heard heard =
      RunWords({"sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; head -c 1 /dev/zero"});
  EXPECT_EQ(heard.out.size(), 300001u);
  EXPECT_EQ(heard.err.size(), 300000u);
}

TEST(RunProcess, AMissingProgramIsNoException) {
  const Heard heard = RunWords({"semfield-no-such-program"});
  EXPECT_FALSE(heard.result.started);
  EXPECT_EQ(heard.result.Describe(), "No such file or directory");
  EXPECT_TRUE(FindProgram("semfield-no-such-program").empty());
  EXPECT_EQ(FindProgram("sh").filename(), "sh");
}

TEST(RunProcess, DeathByASignalIsSaid) {
  const Heard heard = RunWords({"sh", "-c", "kill -KILL $$"});
  EXPECT_EQ(heard.result.signal, SIGKILL);
  EXPECT_EQ(heard.result.Describe(), "was killed by signal 9 (Killed)");
}

// The child's number, which it prints, must be free afterwards.
void ExpectGone(const std::string& printed) {
  ASSERT_FALSE(printed.empty());
  EXPECT_EQ(::kill(std::stoi(printed), 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(RunProcess, AStopEndsTheChild) {
  StopToken stop;
  std::string pid;
  try {
    RunProcess({.words = {"sh", "-c", "echo $$; exec sleep 1000"},
                .on_output =
                    [&](std::string_view text) {
                      pid += text;
                      stop.RequestStop();
                    },
                .stop = &stop});
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
  ExpectGone(pid);
}

TEST(RunProcess, AThrowingCallbackEndsTheChild) {
  std::string pid;
  EXPECT_THROW(RunProcess({.words = {"sh", "-c", "echo $$; exec sleep 1000"},
                           .on_output =
                               [&](std::string_view text) {
                                 pid += text;
                                 throw std::runtime_error("enough");
                               }}),
               std::runtime_error);
  ExpectGone(pid);
}

TEST(LineSplitter, LinesEndAtEitherBreakHoweverTheyAreCut) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  for (const char* piece : {"a", "b\nc\rd", "\r\n", "\n", "e"}) splitter.Add(piece);
  splitter.Finish();
  splitter.Finish();
  EXPECT_EQ(lines, (std::vector<std::string>{"ab", "c", "d", "e"}));
}

}  // namespace
}  // namespace semfield
