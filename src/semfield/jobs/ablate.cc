#include "semfield/jobs/ablate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/imitate.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/run_folder.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

Json CellJson(const AblationCell& cell) {
  return {{"row", cell.row}, {"seed", cell.seed},       {"feature_mse", cell.feature_mse},
          {"iou", cell.iou}, {"seconds", cell.seconds}, {"views", cell.views}};
}

// Nothing where the entry is damaged: it is measured again.
std::optional<AblationCell> ReadCell(const Json& json) {
  for (const char* key : {"seed", "feature_mse", "iou", "seconds", "views"}) {
    if (!json.is_object() || !json.contains(key) || !json[key].is_number()) return std::nullopt;
  }
  if (!json.contains("row") || !json["row"].is_string()) return std::nullopt;
  return AblationCell{.row = json["row"].get<std::string>(),
                      .seed = json["seed"].get<int>(),
                      .feature_mse = json["feature_mse"].get<double>(),
                      .iou = json["iou"].get<double>(),
                      .seconds = json["seconds"].get<double>(),
                      .views = json["views"].get<int64_t>()};
}

// "without cache" and 2 become "without-cache-2".
std::string FolderOf(const AblationRow& row, int seed) {
  std::string name = row.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return fmt::format("{}-{}", name, seed);
}

// A table from its options to what was measured.
class AblateJob {
 public:
  AblateJob(const AblateJobOptions& job, const MethodList& methods, const JobControl& control)
      : job_(job),
        methods_(methods),
        control_(control),
        table_(FindAblationTable(job.table)),
        teacher_(job.teacher.empty() ? table_.teacher : job.teacher),
        folder_(RunFolder::Open(job.run)),
        work_(folder_.path() / "ablations" / table_.name),
        file_(folder_.path() / fmt::format("ablation-{}.json", table_.name)) {}

  AblateResult Run() {
    const RunLock lock(folder_);
    Prepare();
    const int total = job_.seeds * static_cast<int>(table_.rows.size());
    for (const AblationRow& row : table_.rows) {
      for (int seed = 0; seed < job_.seeds; ++seed) {
        control_.ThrowIfStopped();
        control_.Report({.stage = "ablate",
                         .done = static_cast<double>(result_.cells.size()),
                         .total = static_cast<double>(total),
                         .detail = fmt::format("{}, seed {}", row.name, seed)});
        if (!Known(row, seed)) Measure(row, seed);
        result_.cells.push_back(*Known(row, seed));
      }
    }
    std::error_code code;
    fs::remove_all(work_, code);
    result_.table = table_;
    result_.file = file_.string();
    return result_;
  }

 private:
  // What the cells stand on, and which of them were measured before.
  void Prepare() {
    const OpenedRun run = OpenRun(job_.run, methods_, job_.source);
    if (run.capture->held_out.empty()) {
      throw InputError("{}: no held-out views to score ({}). Train on a capture with a test split",
                       run.capture->path.string(), run.capture->split_rule);
    }
    capture_ = run.capture->path;
    stands_on_ = {{"radiance_checkpoint", run.radiance_checksum},
                  {"teacher", teacher_},
                  {"steps", job_.steps},
                  {"max_views", job_.max_views},
                  {"extra", job_.extra}};
    std::error_code code;
    if (job_.restart) {
      fs::remove(file_, code);
      fs::remove_all(work_, code);
    }
    if (!fs::exists(file_, code)) return;
    const Json kept = ReadJsonFile(file_);
    if (!kept.is_object() || kept.value("stands_on", Json()) != stands_on_) {
      LogInfo("{}: was measured on another field or with other steps; it is measured anew", file_.string());
      fs::remove_all(work_, code);
      return;
    }
    for (const Json& entry : kept.value("cells", Json::array())) {
      if (const auto cell = ReadCell(entry)) measured_.push_back(*cell);
    }
  }

  const AblationCell* Known(const AblationRow& row, int seed) const {
    const auto found = std::find_if(measured_.begin(), measured_.end(), [&](const AblationCell& cell) {
      return cell.row == row.name && cell.seed == seed;
    });
    return found == measured_.end() ? nullptr : &*found;
  }

  // A run of its own on the same field.
  RunFolder CellRun(const AblationRow& row, int seed) const {
    const fs::path path = work_ / FolderOf(row, seed);
    fs::create_directories(path.parent_path());
    const RunFolder cell = RunFolder::Create(path);
    if (!cell.ReadConfigSection("train").is_null()) return cell;  // of an interrupted call
    for (const auto& [from, to] : {std::pair{folder_.view_list(), cell.view_list()},
                                   std::pair{folder_.radiance_checkpoint(), cell.radiance_checkpoint()}}) {
      if (fs::exists(from)) fs::copy_file(from, to, fs::copy_options::overwrite_existing);
    }
    Json section = folder_.ReadConfigSection("train");
    SetCapturePlace(cell, capture_, &section);
    cell.WriteConfigSection("train", section);
    return cell;
  }

  ImitateJobOptions Imitation(const AblationRow& row, int seed, const RunFolder& cell) const {
    ImitateJobOptions imitate{
        .run = cell.path().string(), .teacher = teacher_, .onnxruntime = job_.onnxruntime};
    imitate.source.allow_outside = job_.source.allow_outside;
    imitate.ChooseMethod(methods_, table_.method);
    imitate.preset = table_.preset;
    imitate.prepare_clicks = false;
    imitate.resume = true;
    imitate.how_to_resume = "the same command";
    Json values = job_.extra;
    values.update(row.options);
    values["steps"] = job_.steps;
    values["seed"] = seed;
    OptionList list;
    imitate.options.Describe(list);
    for (const auto& [name, value] : values.items()) {
      const Option* option = list.Find(name);
      if (option == nullptr) throw InputError("{} has no option '{}'", table_.method, name);
      SetOption(*option, value, "--" + name);
      imitate.given.insert(name);
    }
    return imitate;
  }

  void Measure(const AblationRow& row, int seed) {
    const RunFolder cell = CellRun(row, seed);
    const ImitateResult imitated = RunImitate(Imitation(row, seed, cell), methods_, control_);
    EvaluateJobOptions evaluate;
    evaluate.run = cell.path().string();
    evaluate.source.allow_outside = job_.source.allow_outside;
    evaluate.protocol = table_.protocol;
    evaluate.teacher = teacher_;
    evaluate.onnxruntime = job_.onnxruntime;
    evaluate.max_views = job_.max_views;
    const EvaluateResult scored = RunEvaluate(evaluate, methods_, control_);
    const Json& metrics = scored.protocols.front().metrics;
    measured_.push_back({.row = row.name,
                         .seed = seed,
                         .feature_mse = metrics.at(Json::json_pointer(table_.loss_at)).get<double>(),
                         .iou = metrics.at(Json::json_pointer(table_.iou_at)).get<double>(),
                         .seconds = imitated.seconds,
                         .views = imitated.views});
    Keep();
    std::error_code code;
    fs::remove_all(cell.path(), code);
    const AblationCell& last = measured_.back();
    LogInfo("{}, seed {}: {} {:.5f}, IoU {:.3f}, {:.0f} s", row.name, seed, table_.loss_name,
            last.feature_mse, last.iou, last.seconds);
  }

  void Keep() const {
    Json cells = Json::array();
    for (const AblationCell& cell : measured_) cells.push_back(CellJson(cell));
    WriteJsonFile(file_, {{"table", table_.name}, {"stands_on", stands_on_}, {"cells", cells}});
  }

  const AblateJobOptions& job_;
  const MethodList& methods_;
  const JobControl& control_;
  const AblationTable& table_;
  const std::string teacher_;
  const RunFolder folder_;
  const fs::path work_, file_;
  fs::path capture_;
  Json stands_on_;
  std::vector<AblationCell> measured_;
  AblateResult result_;
};

struct Spread {
  double mean = 0, deviation = 0;
};

// Of one number over the seeds of a row; the sample's standard deviation.
template <typename Number>
Spread Over(const std::vector<AblationCell>& cells, const std::string& row, Number AblationCell::*number) {
  std::vector<double> values;
  for (const AblationCell& cell : cells) {
    if (cell.row == row) values.push_back(static_cast<double>(cell.*number));
  }
  Spread spread;
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return spread;
  for (const double value : values) spread.deviation += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(spread.deviation / static_cast<double>(values.size() - 1));
  return spread;
}

std::string With(const Spread& spread, int digits) {
  return fmt::format("{:.{}f} ± {:.{}f}", spread.mean, digits, spread.deviation, digits);
}

}  // namespace

void AblateJobOptions::Describe(OptionList& list) {
  std::vector<std::string> names;
  std::string help;
  for (const AblationTable& one : AblationTables()) {
    names.push_back(one.name);
    help += fmt::format("{}{}: {}", help.empty() ? "" : "; ", one.name, one.sentence);
  }
  list.Group("Ablation");
  list.Text("run", &run, "Run folder with a trained radiance field.");
  source.Describe(list);
  list.Text("table", &table, help + ".", {.choices = names});
  list.Int("steps", &steps, "Steps of every imitation.", {.min = 1, .max = 1e8});
  list.Int("seeds", &seeds, "Imitations of every row, with seeds from 0 on.", {.min = 1, .max = 100});
  list.Text("teacher", &teacher, "Model card to imitate; empty: the table's.");
  list.Int("max-views", &max_views, "Score at most so many held-out views, evenly spread. 0: all.",
           {.min = 0, .max = 1e6});
  list.Flag("restart", &restart, "Measure anew what was measured before.");
  list.Text("onnxruntime", &onnxruntime, "ONNX Runtime library; empty: searched.");
}

std::vector<std::string> AblateResult::Text() const {
  size_t widest = 0;
  for (const AblationRow& row : table.rows) widest = std::max(widest, row.name.size());
  std::vector<std::string> text = {table.sentence};
  text.push_back(fmt::format("{:{}}  {:>21}  {:>15}  {:>15}  {:>6}   paper: loss, IoU, minutes", "", widest,
                             table.loss_name, "IoU", "seconds", "views"));
  for (const AblationRow& row : table.rows) {
    std::string line = fmt::format("{:{}}  {:>22}  {:>16}  {:>16}  {:>6.0f}", row.name, widest,
                                   With(Over(cells, row.name, &AblationCell::feature_mse), 5),
                                   With(Over(cells, row.name, &AblationCell::iou), 3),
                                   With(Over(cells, row.name, &AblationCell::seconds), 0),
                                   Over(cells, row.name, &AblationCell::views).mean);
    if (row.paper)
      line += fmt::format("   {:.4f}, {:.3f}, {:.0f}", row.paper->feature_loss, row.paper->iou,
                          row.paper->minutes);
    text.push_back(std::move(line));
  }
  text.push_back("kept in " + file);
  return text;
}

Json AblateResult::ToJson() const {
  Json rows = Json::array();
  for (const AblationRow& row : table.rows) {
    Json entry = {{"row", row.name}, {"options", row.options}};
    const auto add = [&](const char* key, const Spread& spread) {
      entry[key] = {{"mean", spread.mean}, {"deviation", spread.deviation}};
    };
    add("feature_mse", Over(cells, row.name, &AblationCell::feature_mse));
    add("iou", Over(cells, row.name, &AblationCell::iou));
    add("seconds", Over(cells, row.name, &AblationCell::seconds));
    add("views", Over(cells, row.name, &AblationCell::views));
    if (row.paper) {
      entry["paper"] = {{"feature_loss", row.paper->feature_loss},
                        {"iou", row.paper->iou},
                        {"minutes", row.paper->minutes}};
    }
    rows.push_back(entry);
  }
  Json all = Json::array();
  for (const AblationCell& cell : cells) all.push_back(CellJson(cell));
  return {{"table", table.name}, {"rows", rows}, {"cells", all}, {"file", file}};
}

AblateResult RunAblate(const AblateJobOptions& options, const MethodList& methods,
                       const JobControl& control) {
  return AblateJob(options, methods, control).Run();
}

}  // namespace semfield
