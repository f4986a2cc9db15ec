#include "semfield/jobs/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/view_files.h"
#include "semfield/evaluation/clicks.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/report/report_figures.h"
#include "semfield/report/report_page.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/metrics_log.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

// Each view the teacher sees costs seconds, so the page shows clicks in few of them.
constexpr int kClickViews = 3;
constexpr int kClicksPerSide = 5;  // of the grid that shown clicks are taken from
constexpr size_t kOwnMasks = 8;
constexpr size_t kWorstClicks = 6, kWorstViews = 4;
constexpr size_t kEvaluationBytes = size_t{64} << 20;

std::string Duration(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

class ReportJob {
 public:
  ReportJob(const ReportJobOptions& job, const MethodList& methods, const JobControl& control)
      : job_(job), control_(control), run_(OpenRun(job.run, methods, job.source)), scene_(SceneOfRun(run_)) {}

  ReportResult Run();

 private:
  void Step(const std::string& what, double done) {
    control_.ThrowIfStopped();
    control_.Report({.stage = "report", .done = done, .total = 4, .detail = what});
  }
  Json Evaluation(const std::string& protocol);
  void AddEvaluations();
  void AddFacts();
  void AddTimes();
  void AddEvaluationTimes();
  void AddViewFigures();
  void AddOwnMasks();
  void AddMaskFigures();
  void AddWorstClicks(TeacherFigures& figures);
  Json FeaturesConfig() const { return run_.folder.ReadConfigSection(Stage()); }
  std::string Stage() const { return "imitate-" + job_.teacher; }
  bool has_features() const { return HasFeatures(run_, job_.teacher); }

  const ReportJobOptions& job_;
  const JobControl& control_;
  OpenedRun run_;
  EvaluationScene scene_;
  ReportContent page_;
};

// What `evaluate` kept, with a note when there is none or when the run was trained since.
Json ReportJob::Evaluation(const std::string& protocol) {
  const fs::path file = EvaluationFile(run_.folder, protocol);
  const std::string command =
      fmt::format("semfield evaluate {} --protocol {}", ShellQuoted(job_.run), protocol);
  std::error_code code;
  if (!fs::exists(file, code)) {
    page_.notes.push_back(
        fmt::format("The numbers of protocol {} are missing. Make them with: {}", protocol, command));
    return nullptr;
  }
  Json evaluation = ReadJsonFile(file, kEvaluationBytes);
  if (!evaluation.is_object() || evaluation.value("protocol", Json()) != protocol) {
    throw InputError("{}: not an evaluation of protocol {}. Remove it, or make it anew with: {}",
                     file.string(), protocol, command);
  }
  const Json scored = evaluation.value("radiance_checkpoint", Json());
  if (scored.is_string() && scored != run_.radiance_checksum) {
    page_.notes.push_back(
        fmt::format("The numbers of protocol {} are of an earlier state of this run. Make them anew with: {}",
                    protocol, command));
  }
  return evaluation;
}

// The numbers of every protocol that was run, in the order of their list.
void ReportJob::AddEvaluations() {
  for (const auto& protocol : Protocols()) {
    const std::string name = protocol->name();
    std::error_code code;
    if (!fs::exists(EvaluationFile(run_.folder, name), code)) continue;
    const Json evaluation = name == "views" ? page_.views_evaluation
                            : name == "san" ? page_.san_evaluation
                                            : Evaluation(name);
    if (!evaluation.is_null())
      page_.evaluations.emplace_back(fmt::format("Protocol {}: {}", name, protocol->sentence()), evaluation);
  }
}

void ReportJob::AddFacts() {
  const Capture& capture = *run_.capture;
  const std::string folder = fs::absolute(capture.path).lexically_normal().filename().string();
  page_.scene = folder.empty() ? capture.path.string() : folder;
  page_.version = Version();
  auto& facts = page_.facts;
  facts.emplace_back("capture", capture.path.string());
  facts.emplace_back("format", capture.format);
  facts.emplace_back("views", fmt::format("{}: {} for training, {} held out", capture.views.size(),
                                          capture.train.size(), capture.held_out.size()));
  facts.emplace_back("split", capture.split_rule);
  const Camera& original = capture.views[0].camera;
  const Camera trained = run_.store->CameraOf(0);
  facts.emplace_back("photo size", fmt::format("{} x {}", original.width, original.height));
  facts.emplace_back("trained at", fmt::format("{} x {}", trained.width, trained.height));
  facts.emplace_back("bounds", capture.bounds_rule);
  facts.emplace_back("run", run_.folder.path().string());
  facts.emplace_back("teacher", has_features() ? job_.teacher : "none yet");
}

void ReportJob::AddTimes() {
  const auto add_stage = [&](const std::string& stage, const std::string& label) {
    double seconds = -1;
    int64_t step = 0;
    for (const Json& entry : page_.log) {
      if (entry.value("stage", "") != stage || !entry.contains("seconds") || !entry["seconds"].is_number())
        continue;
      seconds = entry["seconds"].get<double>();
      step = entry["step"].get<int64_t>();
    }
    if (seconds >= 0) page_.times.emplace_back(label, fmt::format("{}, {} steps", Duration(seconds), step));
  };
  add_stage("train", "training");
  add_stage(Stage(), "imitation");
  if (run_.train_config.contains("threads")) {
    page_.times.emplace_back("threads", run_.train_config["threads"].dump());
  }
  AddEvaluationTimes();
}

void ReportJob::AddEvaluationTimes() {
  const auto metric = [](const Json& evaluation, const char* key) -> Json {
    if (!evaluation.is_object() || !evaluation.contains("metrics")) return nullptr;
    const Json& metrics = evaluation["metrics"];
    return metrics.is_object() && metrics.contains(key) ? metrics[key] : Json();
  };
  const Json render = metric(page_.views_evaluation, "milliseconds");
  if (render.is_number())
    page_.times.emplace_back("render a view", fmt::format("{:.0f} ms", render.get<double>()));
  const Json parts = metric(page_.san_evaluation, "milliseconds");
  const std::pair<const char*, const char*> names[] = {
      {"features", "render the features of a view, one thread"},
      {"encode", "encode a view instead, one thread"},
      {"decode", "decode one click, one thread"}};
  for (const auto& [key, label] : names) {
    if (parts.is_object() && parts.contains(key) && parts[key].is_number()) {
      page_.times.emplace_back(label, fmt::format("{:.0f} ms", parts[key].get<double>()));
    }
  }
}

// " · PSNR 27.1 dB" of one view from the evaluation, empty if it is not there.
std::string ViewNumbers(const Json& evaluation, const std::string& name) {
  if (!evaluation.is_object() || !evaluation.contains("per_view") || !evaluation["per_view"].is_array())
    return {};
  for (const Json& view : evaluation["per_view"]) {
    if (!view.is_object() || view.value("view", Json()) != name) continue;
    const Json psnr = view.value("psnr", Json()), ssim = view.value("ssim", Json());
    if (psnr.is_number() && ssim.is_number()) {
      return fmt::format("PSNR {:.2f} dB, SSIM {:.3f}", psnr.get<double>(), ssim.get<double>());
    }
  }
  return {};
}

void ReportJob::AddViewFigures() {
  const std::vector<int> views = SpreadViews(run_.capture->held_out, job_.views);
  for (size_t i = 0; i < views.size(); ++i) {
    Step("held-out views", 1 + static_cast<double>(i) / static_cast<double>(views.size()));
    ReportRow row = ViewFigure(scene_, views[i], control_.stop);
    row.note = ViewNumbers(page_.views_evaluation, row.title);
    page_.views.push_back(std::move(row));
  }
  if (views.empty())
    page_.notes.push_back("The capture has no held-out views, so there are no pictures to compare.");
}

// The newest of what segment and select left in the run. The folder may hold anything.
void ReportJob::AddOwnMasks() {
  constexpr std::string_view kEnd = "_sheet.png";
  std::vector<std::pair<fs::file_time_type, fs::path>> sheets;
  std::error_code code;
  for (fs::directory_iterator entry(run_.folder.masks_dir(), code), end; !code && entry != end;
       entry.increment(code)) {
    const fs::path& file = entry->path();
    std::error_code no_time;
    if (!file.filename().string().ends_with(kEnd) || !IsFile(file) || LeadsOutside(run_.folder.path(), file))
      continue;
    sheets.emplace_back(fs::last_write_time(file, no_time), file);
  }
  std::sort(sheets.rbegin(), sheets.rend());
  sheets.resize(std::min(sheets.size(), kOwnMasks));
  for (const auto& [time, file] : sheets) {
    std::string name = file.filename().string();
    name.resize(name.size() - kEnd.size());
    try {
      page_.masks.push_back(
          {.title = name, .note = "", .pictures = {{ToRgb(ReadImage(file), {255, 255, 255}), name}}});
    } catch (const Error& error) {
      page_.notes.push_back(error.what());
    }
  }
}

void ReportJob::AddMaskFigures() {
  if (!has_features()) {
    page_.notes.push_back(fmt::format(
        "There are no features yet, so no masks. Make them with: semfield imitate {}{}",
        ShellQuoted(job_.run), job_.teacher == "sam" ? "" : " --teacher " + ShellQuoted(job_.teacher)));
    return;
  }
  const OpenedFeatures features = OpenFeatures(run_, job_.teacher);
  if (!features.finished) page_.notes.push_back("The imitation is not finished.");
  const Json scored =
      page_.san_evaluation.is_object() ? page_.san_evaluation.value("features_checkpoint", Json()) : Json();
  if (scored.is_string() && scored != features.checksum &&
      page_.san_evaluation.value("teacher", Json()) == job_.teacher) {
    page_.notes.push_back(
        fmt::format("The numbers of protocol san are of an earlier imitation. Make them anew with: semfield "
                    "evaluate {} --protocol san",
                    ShellQuoted(job_.run)));
  }
  SanOptions options;
  if (page_.san_evaluation.is_object() && page_.san_evaluation.value("granularity", Json()).is_string()) {
    options.granularity = ParseGranularity(page_.san_evaluation["granularity"].get<std::string>());
  }
  const auto encoder = LoadImageEncoder(job_.teacher, {.onnxruntime = job_.onnxruntime, .stages = {}});
  const auto decoder = LoadPromptDecoder(job_.teacher, {.onnxruntime = job_.onnxruntime});
  TeacherFigures figures(scene_, *features.field, *encoder, *decoder, options, control_.stop);
  const std::vector<int> views = SpreadViews(run_.capture->held_out, std::min(kClickViews, job_.views));
  for (size_t i = 0; i < views.size(); ++i) {
    Step("masks", 2 + static_cast<double>(i) / static_cast<double>(views.size()));
    page_.features.push_back(figures.Features(views[i]));
    const Camera& camera = run_.capture->views[views[i]].camera;
    const std::vector<Vec2> grid = ClickGrid(camera.width, camera.height, kClicksPerSide);
    // Two clicks a view, on alternating diagonals of the grid.
    for (const size_t cell : i % 2 == 0 ? std::array<size_t, 2>{6, 18} : std::array<size_t, 2>{8, 16}) {
      page_.clicks.push_back(figures.Click(views[i], grid[cell]));
    }
  }
  Step("worst clicks", 3);
  AddWorstClicks(figures);
}

void ReportJob::AddWorstClicks(TeacherFigures& figures) {
  if (!page_.san_evaluation.is_object() || !page_.san_evaluation.contains("worst")) return;
  std::set<int> views;
  for (const Json& worst : page_.san_evaluation["worst"]) {
    if (page_.worst.size() == kWorstClicks) break;
    if (!worst.is_object() || !worst.value("view", Json()).is_string() || !worst.contains("click")) continue;
    const Json& click = worst["click"];
    if (!click.is_array() || click.size() != 2 || !click[0].is_number() || !click[1].is_number()) continue;
    const auto& all = run_.capture->views;
    const auto view = std::find_if(all.begin(), all.end(),
                                   [&](const View& v) { return v.name == worst["view"].get<std::string>(); });
    const Vec2 at(click[0].get<double>(), click[1].get<double>());
    if (view == all.end() || view->image.empty() || !view->camera.Contains(at)) continue;
    const int index = static_cast<int>(view - all.begin());
    if (views.count(index) == 0 && views.size() == kWorstViews) continue;
    views.insert(index);
    control_.ThrowIfStopped();
    page_.worst.push_back(figures.Click(index, at));
  }
}

ReportResult ReportJob::Run() {
  const Stopwatch stopwatch;
  run_.capture->held_out = WithPhotos(*run_.capture, run_.capture->held_out);  // the others have no pictures
  page_.log = MetricsLog::Read(run_.folder.metrics());
  page_.imitation_stage = Stage();
  page_.views_evaluation = Evaluation("views");
  if (has_features()) {
    page_.san_evaluation = Evaluation("san");
    const Json teacher =
        page_.san_evaluation.is_null() ? Json() : page_.san_evaluation.value("teacher", Json());
    if (teacher.is_string() && teacher != job_.teacher) {
      page_.notes.push_back(
          fmt::format("The numbers of protocol san are of the teacher {}.", teacher.get<std::string>()));
    }
  }
  AddEvaluations();
  AddFacts();
  AddTimes();
  page_.options.emplace_back("Training", run_.train_config.value("options", Json()));
  const Json imitation = FeaturesConfig();
  if (imitation.is_object()) page_.options.emplace_back("Imitation", imitation.value("options", Json()));
  AddViewFigures();
  AddOwnMasks();
  try {
    AddMaskFigures();
  } catch (const Error& error) {
    // A page without masks is better than none where the teacher cannot run.
    if (error.kind() != ErrorKind::kResource) throw;
    page_.notes.push_back(fmt::format("Masks could not be made: {}", error.what()));
  }
  const fs::path out = job_.out.empty() ? run_.folder.report() : fs::path(job_.out);
  const std::string html = BuildReportPage(page_);
  WriteFileAtomically(out, html);
  return {.report = out.string(), .bytes = html.size(), .notes = page_.notes, .seconds = stopwatch.Seconds()};
}

}  // namespace

void ReportJobOptions::Describe(OptionList& list) {
  list.Group("Report");
  list.Text("run", &run, "Run folder.");
  source.Describe(list);
  list.Text("out", &out, "HTML file to write; empty: report.html in the run folder.");
  list.Int("views", &views, "Held-out views to show.", {.min = 1, .max = 50});
  list.Text("teacher", &teacher, "Model whose imitation is shown.");
  list.Text("onnxruntime", &onnxruntime, "ONNX Runtime library; empty: searched.");
}

std::vector<std::string> ReportResult::Text() const {
  std::vector<std::string> text = {fmt::format("{} ({:.1f} MB)", report, static_cast<double>(bytes) / 1e6)};
  text.insert(text.end(), notes.begin(), notes.end());
  return text;
}

Json ReportResult::ToJson() const {
  return {{"report", report}, {"notes", notes}, {"seconds", seconds}};
}

ReportResult RunReport(const ReportJobOptions& options, const MethodList& methods,
                       const JobControl& control) {
  return ReportJob(options, methods, control).Run();
}

}  // namespace semfield
