// What a minute of training buys: held-out PSNR, and IoU with the teacher, against wall and processor time on
// real captures. Appends a row a run to a JSON file, so that the table can be filled over several sittings:
//
//   quality --data DIR --work DIR --out quality.json --captures fox4,room --minutes 2,5
//   quality ... --with exposure=true,refine-poses=true      the same with options of `train` changed
//   quality ... --minutes 5 --imitate 2,6                   and imitation on top of each training
//   quality ... --fit exposure                              held-out views fitted on their left halves too
//
// DIR holds real/{lego,fox,tabletop,fern}, demo/room_013 and rooms/test/test_00.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/options.h"
#include "semfield/base/parallel.h"
#include "semfield/catalog/methods.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/imitate.h"
#include "semfield/jobs/train.h"

namespace semfield {
namespace {

struct BenchCapture {
  std::string name, path;
  double downscale = 1;
  std::string background = "auto";
};

const std::vector<BenchCapture> kCaptures = {
    {"lego", "real/lego", 1, "white"}, {"fox2", "real/fox", 2}, {"fox4", "real/fox", 4},
    {"tabletop", "real/tabletop"},     {"fern", "real/fern"},   {"room", "demo/room_013"},
    {"test_00", "rooms/test/test_00"},
};

struct BenchOptions {
  std::string data, work, out = "quality.json";
  std::vector<std::string> captures, minutes, imitate, with;
  std::string fit = "none";
  int steps = 0;
  void Describe(OptionList& list) {
    list.Text("data", &data, "Folder of the captures.");
    list.Text("work", &work, "Folder for the runs.");
    list.Text("out", &out, "JSON file that rows are appended to.");
    list.TextList("captures", &captures, "Names of captures, or NAME=PATH.");
    list.TextList("minutes", &minutes, "Minutes of training, one run each.");
    list.TextList("imitate", &imitate, "Minutes of imitation after each training.");
    list.TextList("with", &with, "NAME=VALUE of train's options, changed from their defaults.");
    list.Text("fit", &fit, "What `evaluate --fit-left-half` fits: both numbers of the right halves are kept.",
              {.choices = {"none", "pose", "exposure", "both"}});
    list.Int("steps", &steps, "Steps of training instead of minutes.", {.min = 0, .max = 1e7});
  }
};

struct Seconds {
  double wall, processor;
};

Seconds Now() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

// Runs `job` and adds its times to the row.
template <class Job>
auto Timed(Json* row, const std::string& what, const Job& job) {
  const Seconds start = Now();
  auto answer = job();
  const Seconds end = Now();
  (*row)[what + "_wall_seconds"] = end.wall - start.wall;
  (*row)[what + "_cpu_seconds"] = end.processor - start.processor;
  return answer;
}

void Keep(const BenchOptions& bench, const Json& row) {
  Json all = std::filesystem::exists(bench.out) ? ReadJsonFile(bench.out) : Json{{"rows", Json::array()}};
  all["rows"].push_back(row);
  WriteJsonFile(bench.out, all);
  fmt::print("{}\n", row.dump());
  std::fflush(stdout);
}

void SetTrainOptions(const std::vector<std::string>& with, TrainJobOptions* job) {
  OptionList list;
  job->Describe(list);
  for (const std::string& item : with) {
    const size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    const Option* option = list.Find(name);
    if (equals == std::string::npos || option == nullptr) {
      throw InputError("--with {}: expected NAME=VALUE of an option of train", item);
    }
    SetOptionFromText(*option, item.substr(equals + 1), "--with");
  }
}

void Train(const BenchOptions& bench, const BenchCapture& capture, double minutes, const std::string& run,
           Json* row) {
  TrainJobOptions job;
  job.ChooseMethod(KnownMethods());
  job.capture = (std::filesystem::path(bench.data) / capture.path).string();
  job.out = run;
  job.downscale = capture.downscale;
  SetTrainOptions({"background=" + capture.background, fmt::format("steps={}", bench.steps)}, &job);
  job.minutes = minutes;
  job.restart = true;
  SetTrainOptions(bench.with, &job);
  const auto answer = Timed(row, "train", [&] { return RunTrain(job, KnownMethods(), {}); });
  EvaluateJobOptions evaluate;
  evaluate.run = run;
  {
    OptionList list;
    evaluate.Describe(list);
    SetOption(*list.Find("fit-left-half"), bench.fit, "--fit");
  }
  const Json score = RunEvaluate(evaluate, KnownMethods(), {}).ToJson();
  (*row)["steps"] = answer.steps;
  (*row)["train_psnr"] = answer.train_psnr.value_or(NAN);
  (*row)["psnr"] = score["metrics"]["psnr"];
  (*row)["ssim"] = score["metrics"]["ssim"];
  for (const char* key : {"right_half_psnr", "right_half_psnr_fitted"}) {
    if (score["metrics"].contains(key)) (*row)[key] = score["metrics"][key];
  }
}

void Imitate(const BenchOptions&, double minutes, const std::string& run, Json* row) {
  ImitateJobOptions job;
  job.run = run;
  job.minutes = minutes;
  job.restart = true;
  const auto answer = Timed(row, "imitate", [&] { return RunImitate(job, KnownMethods(), {}); });
  EvaluateJobOptions evaluate;
  evaluate.run = run;
  evaluate.protocol = "san";
  const Json metrics = RunEvaluate(evaluate, KnownMethods(), {}).ToJson()["metrics"];
  (*row)["imitate_minutes"] = minutes;
  (*row)["imitate_steps"] = answer.steps;
  (*row)["views"] = answer.views;
  for (const char* key : {"iou", "iou_median", "feature_mse", "truth_iou", "teacher_truth_iou"}) {
    if (metrics.contains(key)) (*row)[key] = metrics[key];
  }
}

void Measure(const BenchOptions& bench, const BenchCapture& capture, double minutes) {
  const std::string run =
      (std::filesystem::path(bench.work) / fmt::format("{}-{:g}", capture.name, minutes)).string();
  Json row = {
      {"capture", capture.name}, {"minutes", minutes}, {"threads", NumThreads()}, {"with", bench.with}};
  Train(bench, capture, minutes, run, &row);
  if (bench.imitate.empty()) Keep(bench, row);
  for (const std::string& text : bench.imitate) {
    Json imitated = row;
    Imitate(bench, std::stod(text), run, &imitated);
    Keep(bench, imitated);
  }
}

// Captures by name, all if none is named; NAME=PATH is one of the caller's own.
std::vector<BenchCapture> Wanted(const std::vector<std::string>& names) {
  if (names.empty()) return kCaptures;
  std::vector<BenchCapture> wanted;
  for (const std::string& name : names) {
    const size_t equals = name.find('=');
    const auto known = std::find_if(kCaptures.begin(), kCaptures.end(),
                                    [&](const BenchCapture& capture) { return capture.name == name; });
    if (equals != std::string::npos) {
      wanted.push_back({name.substr(0, equals), std::filesystem::absolute(name.substr(equals + 1)).string()});
    } else if (known != kCaptures.end()) {
      wanted.push_back(*known);
    } else {
      throw InputError(
          "--captures {}: neither NAME=PATH nor one of lego, fox2, fox4, tabletop, fern, room, test_00",
          name);
    }
  }
  return wanted;
}

int Main(int argc, char** argv) {
  BenchOptions bench;
  OptionList list;
  bench.Describe(list);
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const Option* option = name.starts_with("--") ? list.Find(name.substr(2)) : nullptr;
    if (option == nullptr) throw InputError("unknown option {}", name);
    SetOptionFromText(*option, argv[i + 1], "command line");
  }
  if (bench.data.empty() || bench.work.empty() || argc % 2 == 0) {
    throw InputError("usage: quality --data DIR --work DIR [--captures A,B] [--minutes 2,5] [--imitate 6]");
  }
  if (bench.minutes.empty()) bench.minutes = {bench.steps > 0 ? "0" : "2"};
  for (const BenchCapture& capture : Wanted(bench.captures)) {
    for (const std::string& minutes : bench.minutes) Measure(bench, capture, std::stod(minutes));
  }
  return 0;
}

}  // namespace
}  // namespace semfield

int main(int argc, char** argv) {
  try {
    return semfield::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quality: %s\n", error.what());
    return 2;
  }
}
