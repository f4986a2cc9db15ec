// Kills training and imitation at random moments, resumes them, and looks whether anything was lost:
//   semfield_kill --command PATH --stand-in PATH --stage train|imitate [--kills N] [--seed S] [--threads T]
// A run that is never killed is the truth. Runs beside it are killed with SIGKILL until N kills have hit, and
// resumed with the same command line each time; each that reaches its end must be the truth byte for byte.
// After some kills the newest checkpoint is damaged as well: the next process must name it and go on with the
// one before. Exit code 0 as expected, 1 not, 77 there is no inference runtime.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/random.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/test_folder.h"
#include "semfield/perception/ort.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/metrics_log.h"
#include "semfield/training/run_folder.h"

namespace {

using namespace semfield;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr int kSkipped = 77;
constexpr int kDamageEvery = 3;            // kills
constexpr double kIntervalShare = 0.03;    // of the truth's time: between checkpoints
constexpr double kLongestLifeShare = 0.3;  // of the truth's time: until a kill
constexpr const char* kTeacher = "toy";

struct Settings {
  std::string command, stand_in, stage;
  int kills = 6;
  int seed = 1;
  int threads = 2;
};

void Expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

// A process of the command whose output goes to a file.
class Process {
 public:
  Process(const Words& words, const fs::path& log) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    const int code = posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    Expect(code == 0, "cannot start " + words[0]);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) Kill();
  }
  // The exit code, or -1 for a process that was killed.
  int Wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int Kill() {
    ::kill(pid_, SIGKILL);
    return Wait();
  }

 private:
  pid_t pid_ = -1;
};

// What is trained again and again.
struct Job {
  std::string stage;        // in metrics.jsonl
  std::string kind;         // of the checkpoint
  Words words;              // of the command, without the run
  fs::path start;           // run folder to start from; empty: none
  double interval = 86400;  // seconds between checkpoints

  fs::path CheckpointOf(const fs::path& run) const {
    const RunFolder folder = RunFolder::Open(run);
    return kind == "features" ? folder.features_checkpoint(kTeacher) : folder.radiance_checkpoint();
  }
};

Words CommandOf(const Settings& settings, const Job& job, const fs::path& run, bool resume) {
  Words words = {settings.command};
  words.insert(words.end(), job.words.begin(), job.words.end());
  if (job.kind == "features") {
    words.push_back(run.string());
  } else {
    words.insert(words.end(), {"--out", run.string()});
  }
  words.insert(words.end(), {"--threads", std::to_string(settings.threads), "--verbose",
                             "--checkpoint-seconds", fmt::format("{:.4f}", job.interval)});
  if (resume) words.emplace_back("--resume");
  return words;
}

void RunToItsEnd(const Words& words, const fs::path& log) {
  const int code = Process(words, log).Wait();
  Expect(code == 0, fmt::format("{}\nexit {}: {}", fmt::join(words, " "), code, ReadTextFile(log)));
}

// Stream indices that the teacher was asked for, from a process's log.
std::vector<int64_t> TeacherCalls(const std::string& log) {
  const std::string mark = "teacher: view ";
  std::vector<int64_t> calls;
  for (size_t at = log.find(mark); at != std::string::npos; at = log.find(mark, at + 1)) {
    calls.push_back(std::atoll(log.c_str() + at + mark.size()));
  }
  return calls;
}

// How a killed run lies there.
struct State {
  int64_t step = 0;             // that a resumed one starts from
  int64_t reached = 0;          // last step that stands in the metrics
  double repeated_seconds = 0;  // work between the two
  bool damaged = false;         // the newest checkpoint is
  double longest_gap = 0;       // seconds between neighbouring metrics: as fine as the above is known
};

State Inspect(const Job& job, const fs::path& run) {
  State state;
  if (!fs::exists(run / "config.json")) return state;
  if (CheckpointExists(job.CheckpointOf(run))) {
    const Checkpoint checkpoint = LoadCheckpoint(job.CheckpointOf(run), job.kind);
    state.damaged = checkpoint.from_previous;
    state.step = ParseJson(checkpoint.file.Metadata("state"), "state").at("step").get<int64_t>();
  }
  double last = 0, at_step = 0;
  for (const Json& entry : MetricsLog::Read(run / "metrics.jsonl")) {
    if (entry["stage"] != job.stage) continue;
    const double seconds = entry["seconds"].get<double>();
    state.longest_gap = std::max(state.longest_gap, seconds - last);
    state.reached = entry["step"].get<int64_t>();
    if (state.reached <= state.step) at_step = seconds;
    last = seconds;
  }
  state.repeated_seconds = std::max(0.0, last - at_step);
  return state;
}

// Flips a bit of the newest checkpoint or cuts it. Not where the one before it is the same file, as in the
// moment of saving: then nothing could be gone back to.
bool Damage(const fs::path& path, Random& random) {
  std::error_code code;
  if (!fs::exists(path, code) || !fs::exists(PreviousCheckpoint(path), code) ||
      fs::equivalent(path, PreviousCheckpoint(path), code)) {
    return false;
  }
  const auto size = static_cast<uint32_t>(fs::file_size(path));
  const uint32_t at = random.Below(size);
  if (random.Below(2) == 0) {
    fs::resize_file(path, at);
    return true;
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int byte = file.get() ^ (1 << random.Below(8));
  file.seekp(at);
  file.put(static_cast<char>(byte));
  return true;
}

// Names of all files of a run but for those that tell of time.
std::set<std::string> FilesOf(const fs::path& run) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    names.insert(fs::relative(entry.path(), run).string());
  }
  names.erase(".lock");
  names.erase("metrics.jsonl");
  for (auto name = names.begin(); name != names.end();) {
    name = name->ends_with(".previous") ? names.erase(name) : std::next(name);
  }
  return names;
}

void ExpectSameRun(const fs::path& truth, const fs::path& run) {
  const std::set<std::string> names = FilesOf(run);
  Expect(names == FilesOf(truth), fmt::format("files differ: {} for {}", names, FilesOf(truth)));
  for (const std::string& name : names) {
    Expect(ReadFile(truth / name) == ReadFile(run / name),
           name + " is not what a run has that was never killed");
  }
}

class Killer {
 public:
  Killer(const Settings& settings, const TestFolder& folder)
      : settings_(settings), folder_(folder), random_(static_cast<uint64_t>(settings.seed)) {}

  int Run(Job job) {
    const fs::path truth = NewRun(job, "truth");
    const Stopwatch stopwatch;
    RunToItsEnd(CommandOf(settings_, job, truth, false), Log("truth"));
    seconds_ = stopwatch.Seconds();
    const std::vector<int64_t> calls = TeacherCalls(ReadTextFile(Log("truth")));
    Expect(std::set<int64_t>(calls.begin(), calls.end()).size() == calls.size(),
           "the truth made a view twice");
    job.interval = kIntervalShare * seconds_;
    fmt::print("never killed: {:.2f} s, {} teacher views; checkpoints every {:.2f} s\n", seconds_,
               calls.size(), job.interval);
    int kills = 0;
    for (int number = 0; kills < settings_.kills; ++number) {
      const fs::path run = NewRun(job, "run" + std::to_string(number));
      kills = KillUntilDone(job, run, static_cast<int64_t>(calls.size()), kills);
      ExpectSameRun(truth, run);
      fmt::print("run {} is at its end: the bytes of the one never killed\n", number);
      ++runs_;
    }
    fmt::print(
        "{} kills of {} in {} runs, {} damaged checkpoints refused: every end bit-identical; at most {:.2f} "
        "s "
        "of work repeated ({:.2f} between checkpoints); {} of {} teacher views made twice\n",
        kills, job.stage, runs_, damaged_, most_repeated_, job.interval, made_twice_,
        static_cast<int64_t>(calls.size()) * runs_);
    return 0;
  }

 private:
  fs::path Log(const std::string& name) const { return folder_ / (name + ".log"); }

  fs::path NewRun(const Job& job, const std::string& name) const {
    const fs::path run = folder_ / name;
    if (!job.start.empty()) fs::copy(job.start, run, fs::copy_options::recursive);
    return run;
  }

  // One run until it ends by itself; no more kills once there were enough. Returns the kills so far.
  int KillUntilDone(const Job& job, const fs::path& run, int64_t views, int kills) {
    std::map<int64_t, int> asked;  // how often for each view
    int64_t step = 0;
    bool resume = false, damaged = false;
    for (;;) {
      const fs::path log = Log(run.filename().string());
      Process process(CommandOf(settings_, job, run, resume), log);
      const bool kill = kills < settings_.kills;
      const double life = kLongestLifeShare * seconds_ * random_.Uniform();
      if (kill) std::this_thread::sleep_for(std::chrono::duration<double>(life));
      const int code = kill ? process.Kill() : process.Wait();
      const std::string said = ReadTextFile(log);
      Expect(code <= 0, fmt::format("exit {}: {}", code, said));
      for (const int64_t index : TeacherCalls(said)) ++asked[index];
      const std::string checkpoint = fs::path(job.kind == "features" ? "features-toy" : "radiance").string();
      // Killed before it read the checkpoint, it could not name it.
      const bool went_on = code == 0 || Inspect(job, run).step > step;
      if (damaged && went_on) {
        Expect(said.find(checkpoint + ".safetensors: ") != std::string::npos &&
                   said.find("going on with the checkpoint before it") != std::string::npos,
               "a damaged checkpoint was not named: " + said);
      }
      if (code == 0) {
        if (kill) seconds_ /= 2;  // the machine is less busy than it was: kills come too late
        break;
      }
      ++kills;
      resume = true;
      damaged = AfterKill(job, run, kills, life, &step);
    }
    int64_t twice = 0;
    for (const auto& [index, times] : asked) twice += times - 1;
    Expect(static_cast<int64_t>(asked.size()) == views, "views were not asked for");
    made_twice_ += twice;
    return kills;
  }

  // Checks what a kill left; returns whether the newest checkpoint was damaged afterwards.
  bool AfterKill(const Job& job, const fs::path& run, int kills, double life, int64_t* step) {
    const State state = Inspect(job, run);
    Expect(state.step >= *step,
           fmt::format("kill {}: went back from step {} to {}", kills, *step, state.step));
    *step = state.step;
    fmt::print("kill {:2}: after {:.2f} s at step {} or a little later, goes on from {}", kills, life,
               std::max(state.reached, state.step), state.step);
    if (!state.damaged) {
      // Known to the distance of two metrics; a save or a stalled machine shows in that distance as well.
      Expect(state.repeated_seconds <= job.interval + 2 * state.longest_gap,
             fmt::format("kill {}: {:.2f} s of work are lost, checkpoints come every {:.2f} s", kills,
                         state.repeated_seconds, job.interval));
      most_repeated_ = std::max(most_repeated_, state.repeated_seconds);
    }
    bool damaged = false;
    if (kills % kDamageEvery == 0 && fs::exists(run / "config.json") &&
        Damage(job.CheckpointOf(run), random_)) {
      *step = Inspect(job, run).step;
      damaged = true;
      ++damaged_;
      fmt::print("; newest checkpoint damaged: from {}", *step);
    }
    fmt::print("\n");
    std::fflush(stdout);
    return damaged;
  }

  Settings settings_;
  const TestFolder& folder_;
  Random random_;
  double seconds_ = 0;  // that the whole takes
  int runs_ = 0, damaged_ = 0;
  int64_t made_twice_ = 0;
  double most_repeated_ = 0;
};

Settings ParseSettings(const Words& words) {
  Settings settings;
  std::map<std::string, std::string> given;
  for (size_t i = 0; i + 1 < words.size(); i += 2) given[words[i]] = words[i + 1];
  const auto take = [&](const std::string& name, const std::string& otherwise) {
    const auto found = given.find("--" + name);
    if (found == given.end()) return otherwise;
    const std::string value = found->second;
    given.erase(found);
    return value;
  };
  settings.command = take("command", "");
  settings.stand_in = take("stand-in", "");
  settings.stage = take("stage", "");
  settings.kills = std::stoi(take("kills", std::to_string(settings.kills)));
  settings.seed = std::stoi(take("seed", std::to_string(settings.seed)));
  settings.threads = std::stoi(take("threads", std::to_string(settings.threads)));
  const bool known = settings.stage == "train" || settings.stage == "imitate";
  Expect(
      known && given.empty() && words.size() % 2 == 0 && !settings.command.empty() &&
          !settings.stand_in.empty(),
      "expected: --command PATH --stand-in PATH --stage train|imitate [--kills N] [--seed S] [--threads T]");
  return settings;
}

Job TrainJob(const TestFolder& folder, int steps) {
  WriteFileAtomically(folder / "small.json",
                      R"({"levels": 4, "log2-table-size": 12, "finest-resolution": 64, "hidden": 16,
                          "occupancy-resolution": 16, "samples-per-step": 4096, "steps-across": 32})");
  return {.stage = "train",
          .kind = "radiance",
          .words = {"train", folder / "room", "--options", folder / "small.json", "--steps",
                    std::to_string(steps)},
          .start = {}};
}

Job ImitateJob(const TestFolder& folder, int steps) {
  WriteFileAtomically(folder / "toy.json",
                      R"({"teacher": "toy", "teacher-resolution": 64, "log2-table-size": 8, "head-width": 16,
                          "cache-size": 12, "fresh-probability": 0.1})");
  return {.stage = std::string("imitate-") + kTeacher,
          .kind = "features",
          .words = {"imitate", "--options", folder / "toy.json", "--steps", std::to_string(steps),
                    "--no-prepare-clicks"},
          .start = folder / "trained"};
}

int Main(const Words& words) {
  Settings settings = ParseSettings(words);
  settings.command = fs::absolute(settings.command).string();
  const TestFolder folder;
  SetLogSink([](LogLevel, const std::string&) {});  // LoadCheckpoint's warnings are the command's to print
  setenv("XDG_DATA_HOME", (folder / "data").c_str(), 1);
  setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  RunToItsEnd({settings.command, "synth", folder / "room", "--views", "9", "--width", "64", "--height", "48"},
              folder / "synth.log");
  if (settings.stage == "train") return Killer(settings, folder).Run(TrainJob(folder, 1500));
  try {
    InferenceRuntime::Load();
  } catch (const Error& error) {
    fmt::print("skipped: {}\n", error.what());
    return kSkipped;
  }
  RunToItsEnd({settings.stand_in, "teacher", folder / "data/semfield/models", kTeacher},
              folder / "teacher.log");
  RunToItsEnd(CommandOf(settings, TrainJob(folder, 60), folder / "trained", false), folder / "trained.log");
  return Killer(settings, folder).Run(ImitateJob(folder, 1500));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cout << "semfield_kill: " << error.what() << '\n';
    return 1;
  }
}
