#include "command_line.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "docs_pages.h"
#include "progress_bar.h"
#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "terminal.h"

#include <gtest/gtest.h>

namespace semfield::cli {
namespace {

struct ToyOptions {
  std::string run;
  std::vector<std::string> names;
  int steps = 10;
  double rate = 0.5;
  bool fast = true;
  std::vector<std::string> click;
  std::vector<std::string> what = {"rgb"};
  void Describe(OptionList& list) {
    list.Text("run", &run, "Run folder.");
    list.TextList("names", &names, "Names.");
    list.Group("Work");
    list.Int("num-steps", &steps, "Steps.", {.min = 1, .max = 100});
    list.Real("rate", &rate, "Rate.", {.min = 0});
    list.Flag("fast", &fast, "Hurry.");
    list.TextList("click", &click, "Points.", {.metavar = "X,Y"});
    list.TextList("what", &what, "Pictures.");
  }
};

struct ToyResult {
  Json values;
  int code = 0;
  std::vector<std::string> Text() const { return {"played"}; }
  Json ToJson() const { return values; }
  int exit_code() const { return code; }
};

ToyResult RunToy(const ToyOptions& o, const JobControl&) {
  return {.values = {{"run", o.run},
                     {"names", o.names},
                     {"steps", o.steps},
                     {"rate", o.rate},
                     {"fast", o.fast},
                     {"click", o.click},
                     {"what", o.what}},
          .code = o.fast ? 0 : 1};
}

// Its preset "slow" says 20 steps.
struct PresetOptions {
  std::string preset = "usual";
  int steps = 10;
  int width = 3;
  GivenOptions given;
  void Describe(OptionList& list) {
    list.Text("preset", &preset, "Preset.");
    list.Int("steps", &steps, "Steps.");
    list.Int("width", &width, "Width.");
  }
  Json PresetValues() const { return {{"steps", preset == "slow" ? 20 : 15}}; }
};

ToyResult RunPreset(const PresetOptions& o, const JobControl&) {
  return {.values = {{"given", o.given}}};
}

Verb WithPreset() {
  return MakeVerb<PresetOptions>("play", "Plays.", {}, &RunPreset);
}

Verb Toy() {
  return MakeVerb<ToyOptions>("toy", "Plays.", {"RUN", "[NAMES]"}, &RunToy);
}

Json Parse(const std::vector<std::string>& arguments) {
  const Verb verb = Toy();
  Request request = ParseVerb(verb, arguments);
  return request.invocation->Run({}).json;
}

std::string MessageOf(const std::vector<std::string>& arguments) {
  try {
    Parse(arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(CommandLine, FillsOptionsOfEveryKind) {
  const Json got = Parse({"out", "a", "b", "--num-steps", "7", "--rate=2.5", "--no-fast"});
  EXPECT_EQ(got["run"], "out");
  EXPECT_EQ(got["names"], Json({"a", "b"}));
  EXPECT_EQ(got["steps"], 7);
  EXPECT_EQ(got["rate"], 2.5);
  EXPECT_EQ(got["fast"], false);
}

TEST(CommandLine, DefaultsStayWhenNothingIsGiven) {
  const Json got = Parse({"out"});
  EXPECT_EQ(got["steps"], 10);
  EXPECT_EQ(got["fast"], true);
  EXPECT_EQ(got["what"], Json({"rgb"}));
}

TEST(CommandLine, UnderscoreAndDashAreEqualInNamesOnly) {
  EXPECT_EQ(Parse({"my_run", "--num_steps=3"})["steps"], 3);
  EXPECT_EQ(Parse({"my_run", "--num_steps=3"})["run"], "my_run");
}

TEST(CommandLine, ListsSplitAtCommasUnlessTheirValuesHoldCommas) {
  const Json got =
      Parse({"out", "--click", "1,2", "--click=-3,4,-", "--what", "rgb,depth", "--what", "normals"});
  EXPECT_EQ(got["click"], Json({"1,2", "-3,4,-"}));
  EXPECT_EQ(got["what"], Json({"rgb", "depth", "normals"}));
}

TEST(CommandLine, AListOptionDoesNotSwallowPositionals) {
  const Json got = Parse({"--click", "1,2", "out"});
  EXPECT_EQ(got["run"], "out");
  EXPECT_EQ(got["click"], Json({"1,2"}));
}

TEST(CommandLine, APositionalMayAlsoBeNamed) {
  const Json got = Parse({"--run", "out", "a"});
  EXPECT_EQ(got["run"], "out");
  EXPECT_EQ(got["names"], Json({"a"}));
}

TEST(CommandLine, NegativeNumbersAreValues) {
  EXPECT_NE(MessageOf({"out", "--rate", "-1"}).find("rate"), std::string::npos);
}

TEST(CommandLine, UnknownOptionNamesTheNearest) {
  EXPECT_NE(MessageOf({"out", "--num-stesp", "3"}).find("--num-steps"), std::string::npos);
  EXPECT_NE(MessageOf({"out", "--qiet"}).find("--quiet"), std::string::npos);
}

TEST(CommandLine, MissingPositionalAndMissingValueAndRepeatedOptionAreErrors) {
  EXPECT_NE(MessageOf({"--num-steps", "3"}).find("RUN is missing"), std::string::npos);
  EXPECT_NE(MessageOf({"out", "--num-steps"}).find("num-steps"), std::string::npos);
  EXPECT_NE(MessageOf({"out", "--num-steps", "3", "--num-steps", "4"}).find("num-steps"), std::string::npos);
}

TEST(CommandLine, RangesAndTypesAreChecked) {
  EXPECT_NE(MessageOf({"out", "--num-steps", "0"}).find("num-steps"), std::string::npos);
  EXPECT_NE(MessageOf({"out", "--num-steps", "many"}).find("num-steps"), std::string::npos);
  EXPECT_NE(MessageOf({"out", "--rate", "nan"}).find("rate"), std::string::npos);
}

TEST(CommandLine, TheCommandLineWinsOverTheOptionsFile) {
  const auto folder = std::filesystem::temp_directory_path() / ("semfield_cli_" + std::to_string(getpid()));
  const auto file = folder / "options.json";
  WriteFileAtomically(file, std::string_view(R"({"num-steps": 5, "rate": 3.5})"));
  const Json got = Parse({"out", "--options", file.string(), "--num-steps", "6"});
  EXPECT_EQ(got["steps"], 6);
  EXPECT_EQ(got["rate"], 3.5);
  WriteFileAtomically(file, std::string_view(R"({"num-stpes": 5})"));
  const std::string message = MessageOf({"out", "--options", file.string()});
  EXPECT_NE(message.find("num-stpes"), std::string::npos) << message;
  EXPECT_NE(message.find("num-steps"), std::string::npos) << message;
  std::filesystem::remove_all(folder);
}

TEST(CommandLine, NoOptionOfAVerbHidesACommonOne) {
  CommonOptions common;
  OptionList common_list;
  common.Describe(common_list);
  std::set<std::string> verb_names;
  for (const Verb& verb : Verbs()) {
    EXPECT_TRUE(verb_names.insert(verb.name).second) << verb.name;
    EXPECT_EQ(verb.sentence.back(), '.') << verb.name;
    const auto invocation = verb.make();
    for (const Option& option : invocation->options().options()) {
      EXPECT_EQ(common_list.Find(option.name), nullptr) << verb.name << " --" << option.name;
    }
    for (const Positional& positional : verb.positionals) {
      EXPECT_NE(invocation->options().Find(positional.option), nullptr)
          << verb.name << " " << positional.metavar;
    }
    EXPECT_NE(HelpText(verb).find("Usage: semfield " + verb.name), std::string::npos);
  }
}

TEST(ProgressLine, HoldsStagePercentAndTimeLeft) {
  EXPECT_EQ(ProgressLine({"train", 21, 50, 65, "PSNR 27.1 dB"}), "train   42 %  1:05 left  PSNR 27.1 dB");
  EXPECT_EQ(ProgressLine({"read", 0, 0, -1, ""}), "read");
  EXPECT_EQ(ShortDuration(3723), "1:02:03");
  EXPECT_EQ(ShortDuration(59.4), "59 s");
}

TEST(ProgressBar, WritesALineAStageWhenNoTerminalListens) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    ProgressBar bar(file, false);
    for (int i = 0; i < 100; ++i) bar.Report({"train", static_cast<double>(i), 100, -1, ""});
    bar.Report({"imitate", 0, 10, -1, ""});
  }
  std::rewind(file);
  std::string text(1000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  EXPECT_EQ(text, "train    0 %\nimitate    0 %\n");
}

// What a terminal shows after these bytes: "\r" and "erase to the end of the line" obeyed.
std::vector<std::string> ScreenOf(std::FILE* file) {
  std::rewind(file);
  std::string text(4000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::vector<std::string> lines(1);
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string& line = lines.back();
    if (text[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (text[i] == '\r') {
      column = 0;
    } else if (text.compare(i, 3, "\033[K") == 0) {
      line.resize(column);
      i += 2;
    } else {
      line.resize(std::max(line.size(), column + 1));
      line[column++] = text[i];
    }
  }
  return lines;
}

TEST(ProgressBar, LogLinesStandAboveTheProgressLine) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    ProgressBar bar(file, true);
    bar.WriteLine("warning: before");
    bar.Report({"train", 0, 10, -1, "a long detail that a log line must not leave behind"});
    bar.WriteLine("short");
    bar.Report({"imitate", 0, 10, -1, "x"});
    bar.WriteLine("note");
  }
  const std::vector<std::string> lines = ScreenOf(file);
  std::fclose(file);
  const auto train =
      TerminalProgressLine({"train", 0, 10, -1, "a long detail that a log line must not leave behind"}, 80);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], "warning: before");
  EXPECT_EQ(lines[1], "short");
  EXPECT_EQ(lines[2], train);
  EXPECT_EQ(lines[3], "note");
  EXPECT_EQ(lines[4].substr(lines[4].find("imitate")), "imitate    0 %  x");
  EXPECT_EQ(lines[5], "");
}

TEST(ProgressLine, NarrowTerminalsLoseTheBarBeforeTheNumbers) {
  const Progress progress{"train", 21, 50, 65, "PSNR 27.1 dB, 65.3 M samples/s"};
  const std::string line = ProgressLine(progress);
  EXPECT_EQ(TerminalProgressLine(progress, 120).front(), '[');
  EXPECT_EQ(TerminalProgressLine(progress, 60), line);
  EXPECT_EQ(TerminalProgressLine(progress, 30), line.substr(0, 29));
  const std::string euros = TerminalProgressLine({"x", 0, 0, -1, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"}, 6);
  EXPECT_EQ(euros, "x  \xe2\x82\xac\xe2\x82\xac");  // no half characters
  EXPECT_EQ(ProgressLine({"x", 0, 0, -1, "\x1b[31m"}), "x  \\x1b[31m");
}

TEST(Terminal, ADumbOneIsNone) {
  const int pair = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (pair < 0 || ::grantpt(pair) != 0 || ::unlockpt(pair) != 0) GTEST_SKIP() << "no pseudo terminals here";
  std::FILE* file = std::fopen(::ptsname(pair), "r+");
  ASSERT_NE(file, nullptr);
  const char* before = std::getenv("TERM");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TERM", "xterm", 1);
  EXPECT_TRUE(IsTerminal(file));
  for (const char* kind : {"dumb", ""}) {
    ::setenv("TERM", kind, 1);
    EXPECT_FALSE(IsTerminal(file));
  }
  const winsize size{.ws_row = 24, .ws_col = 61, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(fileno(file), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(TerminalColumns(file, 80), 61u);
  ::setenv("TERM", kept.c_str(), 1);
  std::fclose(file);
  ::close(pair);
}

TEST(Help, BreaksLinesWhereTheTerminalEnds) {
  for (const size_t width : {48, 60, 100}) {
    std::istringstream lines(HelpText(width));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << line;
    std::istringstream verb_lines(HelpText(Toy(), {}, width));
    for (std::string line; std::getline(verb_lines, line);) EXPECT_LE(line.size(), width) << line;
  }
}

TEST(ProgressBar, LogLinesAreKeptWholeWhenNoTerminalListens) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    ProgressBar bar(file, false);
    bar.Report({"train", 0, 10, -1, ""});
    bar.WriteLine("note");
  }
  EXPECT_EQ(ScreenOf(file), (std::vector<std::string>{"train    0 %", "note", ""}));
  std::fclose(file);
}

TEST(Verb, AnAnswerIsTheResultsTextObjectAndCode) {
  const Verb verb = Toy();
  Request request = ParseVerb(verb, {"out", "--no-fast"});
  const Answer answer = request.invocation->Run({});
  EXPECT_EQ(answer.text, std::vector<std::string>{"played"});
  EXPECT_EQ(answer.json["run"], "out");
  EXPECT_EQ(answer.exit_code, 1);
}

TEST(DocsPages, CommittedPagesAreCurrent) {
  const char* source = std::getenv("SEMFIELD_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  DocsJobOptions options;
  options.dir = std::string(source) + "/docs/verbs";
  options.check = true;
  const DocsResult result = RunDocs(options, {});
  EXPECT_TRUE(result.stale.empty()) << "run \"semfield docs docs/verbs\" for " << Json(result.stale).dump();
}

TEST(CommandLine, JobsAreToldWhatWasGivenWhateverItsValue) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("given_" + std::to_string(::getpid()) + ".json");
  WriteFileAtomically(file, std::string_view(R"({"width": 3})"));
  Request request = ParseVerb(WithPreset(), {"--steps", "10", "--options", file.string()});
  EXPECT_EQ(request.invocation->Run({}).json, Json({{"given", {"steps", "width"}}}));
  EXPECT_EQ(ParseVerb(WithPreset(), {}).invocation->Run({}).json, Json({{"given", Json::array()}}));
  std::filesystem::remove(file);
}

TEST(Help, ShowsTheValuesOfThePreset) {
  const auto text = [](const std::vector<std::string>& arguments) {
    return ParseVerb(WithPreset(), arguments).text;
  };
  EXPECT_NE(text({"--help"}).find("Steps. [15]"), std::string::npos) << text({"--help"});
  EXPECT_NE(text({"--help"}).find("Width. [3]"), std::string::npos);
  EXPECT_NE(text({"--preset", "slow", "--help"}).find("Steps. [20]"), std::string::npos);
  EXPECT_NE(text({"--preset=slow", "--help"}).find("Steps. [20]"), std::string::npos);
}

}  // namespace
}  // namespace semfield::cli
