// Runs one transcript: semfield_transcript FILE --command PATH. Exit code 0 as expected, 1 not, 77 a need is
// not met.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "transcript.h"

namespace {

namespace fs = std::filesystem;
using namespace semfield::testing;

constexpr int kSkipped = 77;

struct Outcome {
  std::string output;
  int exit_code = -1;
};

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Outcome RunShell(const std::string& command) {
  std::FILE* pipe = popen(("exec 2>&1\n" + command).c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start a shell");
  Outcome outcome;
  char block[4096];
  for (size_t got; (got = std::fread(block, 1, sizeof block, pipe)) > 0;) outcome.output.append(block, got);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

// A folder of the transcript's own, which is its working folder; removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(fs::temp_directory_path() / ("semfield_transcript_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
    fs::current_path(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::current_path(path_.parent_path(), ignored);
    fs::remove_all(path_, ignored);
  }

 private:
  fs::path path_;
};

// Needs are shell conditions: "# needs [ -d \"$SEMFIELD_SHARED\" ]".
bool NeedsAreMet(const Transcript& transcript) {
  for (const std::string& need : transcript.needs) {
    if (RunShell(need).exit_code != 0) {
      std::cout << "skipped: needs " << need << '\n';
      return false;
    }
  }
  return true;
}

bool RunStep(const TranscriptStep& step, const std::string& file) {
  const Outcome outcome = RunShell(step.command);
  const bool lines_match = Matches(step.expected, SplitLines(outcome.output));
  if (lines_match && outcome.exit_code == step.exit_code) return true;
  std::cout << file << ":" << step.line << ": $ " << step.command << "\n--- printed\n" << outcome.output;
  std::cout << "exit " << outcome.exit_code << "\n--- expected\n";
  for (const ExpectedLine& line : step.expected) {
    const bool any = line.kind == ExpectedLine::Kind::kAnyLines;
    std::cout << (any ? "..." : line.kind == ExpectedLine::Kind::kRegex ? "~ " : "") << line.text << '\n';
  }
  std::cout << "exit " << step.exit_code << "\n";
  return false;
}

int RunTranscript(const fs::path& file, const fs::path& command) {
  const Transcript transcript = ParseTranscript(ReadText(file));
  const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  setenv("PATH", (fs::absolute(command).parent_path().string() + ":" + path).c_str(), 1);
  setenv("LC_ALL", "C", 1);
  const TemporaryFolder folder;
  if (!NeedsAreMet(transcript)) return kSkipped;
  for (const TranscriptStep& step : transcript.steps) {
    if (!RunStep(step, file.string())) return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || std::string(argv[2]) != "--command") {
    std::cerr << "usage: semfield_transcript FILE --command PATH\n";
    return 2;
  }
  try {
    return RunTranscript(fs::absolute(argv[1]), argv[3]);
  } catch (const std::exception& error) {
    std::cout << argv[1] << ": " << error.what() << '\n';
    return 1;
  }
}
