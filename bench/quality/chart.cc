// What time buys, from the rows of bench_quality, as a table in Markdown and pictures with a curve a capture:
//
//   bench_quality_chart ROWS.json... [--pictures FOLDER]
//
// quality_wall.svg and quality_processor.svg show held-out PSNR by seconds of training, imitation.svg the IoU
// with the teacher by minutes of imitation; a picture for which no capture has two rows is not drawn. A row
// with imitation counts as that alone: its training may stand in several. Rows with changed options (--with)
// are left out.

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/json.h"
#include "semfield/report/svg_chart.h"

namespace semfield {
namespace {

struct Rows {
  std::vector<Json> trainings, imitations;
};

Rows ReadRows(const std::vector<std::string>& files) {
  Rows rows;
  for (const std::string& file : files) {
    const Json kept = ReadJsonFile(file);
    for (const Json& row : kept.at("rows")) {
      if (!row.value("with", Json::array()).empty()) continue;
      (row.contains("iou") ? rows.imitations : rows.trainings).push_back(row);
    }
  }
  return rows;
}

void PrintTrainings(const std::vector<Json>& rows) {
  if (rows.empty()) return;
  fmt::print(
      "| capture | steps | wall, s | processor, s | PSNR, dB | SSIM | training views, dB "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const Json& row : rows) {
    fmt::print("| {} | {} | {:.0f} | {:.0f} | {:.2f} | {:.3f} | {:.2f} |\n",
               row.at("capture").get<std::string>(), row.at("steps").get<int>(),
               row.at("train_wall_seconds").get<double>(), row.at("train_cpu_seconds").get<double>(),
               row.at("psnr").get<double>(), row.at("ssim").get<double>(),
               row.at("train_psnr").get<double>());
  }
}

void PrintImitations(const std::vector<Json>& rows) {
  if (rows.empty()) return;
  fmt::print(
      "| capture | minutes | wall, s | views | steps | IoU (median) | feature MSE | labelled things: ours / "
      "the teacher's "
      "own |\n|---|---|---|---|---|---|---|---|\n");
  for (const Json& row : rows) {
    fmt::print("| {} | {:g} | {:.0f} | {} | {} | {:.3f} ({:.3f}) | {:.5f} | {} |\n",
               row.at("capture").get<std::string>(), row.at("imitate_minutes").get<double>(),
               row.at("imitate_wall_seconds").get<double>(), row.at("views").get<int>(),
               row.at("imitate_steps").get<int>(), row.at("iou").get<double>(),
               row.at("iou_median").get<double>(), row.at("feature_mse").get<double>(),
               row.contains("truth_iou") ? fmt::format("{:.3f} / {:.3f}", row["truth_iou"].get<double>(),
                                                       row.at("teacher_truth_iou").get<double>())
                                         : std::string());
  }
}

// A curve a capture: row[y_key] by row[x_key], with a logarithmic x axis.
struct Picture {
  std::string file, x_key, x_label, y_key, y_label;
};

void Draw(const std::vector<Json>& rows, const Picture& picture, const std::filesystem::path& folder) {
  std::map<std::string, std::vector<ChartPoint>> by_capture;
  for (const Json& row : rows) {
    by_capture[row.at("capture").get<std::string>()].push_back(
        {row.at(picture.x_key).get<double>(), row.at(picture.y_key).get<double>()});
  }
  std::vector<ChartCurve> curves;
  for (auto& [capture, points] : by_capture) {
    if (points.size() < 2) continue;
    std::sort(points.begin(), points.end(),
              [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; });
    curves.push_back({capture, points});
  }
  const std::string svg =
      StandaloneChart(CurvesChart(curves, {.title = picture.y_label + " by " + picture.x_label,
                                           .x_label = picture.x_label,
                                           .y_label = picture.y_label,
                                           .log_x = true}));
  if (!svg.empty()) WriteFileAtomically(folder / picture.file, svg);
}

int Main(int argc, char** argv) {
  CLI::App app("Quality by time as tables and pictures");
  std::vector<std::string> files;
  std::string pictures;
  app.add_option("rows", files, "JSON files of bench_quality")->required();
  app.add_option("--pictures", pictures, "Folder for the pictures");
  CLI11_PARSE(app, argc, argv);
  const Rows rows = ReadRows(files);
  PrintTrainings(rows.trainings);
  PrintImitations(rows.imitations);
  if (pictures.empty()) return 0;
  const std::string psnr = "held-out PSNR, dB";
  Draw(rows.trainings, {"quality_wall.svg", "train_wall_seconds", "seconds of training", "psnr", psnr},
       pictures);
  Draw(rows.trainings,
       {"quality_processor.svg", "train_cpu_seconds", "processor seconds of training", "psnr", psnr},
       pictures);
  Draw(rows.imitations,
       {"imitation.svg", "imitate_minutes", "minutes of imitation", "iou", "IoU with the teacher"}, pictures);
  return 0;
}

}  // namespace
}  // namespace semfield

int main(int argc, char** argv) {
  try {
    return semfield::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_quality_chart: %s\n", error.what());
    return 2;
  }
}
