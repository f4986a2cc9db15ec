#pragma once

#include <string>
#include <utility>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/image/image.h"

namespace semfield {

struct ReportPicture {
  ImageU8 rgb;
  std::string caption;
};

// Pictures that belong together, side by side.
struct ReportRow {
  std::string title;
  std::string note;  // after the title: numbers of this row
  std::vector<ReportPicture> pictures;
};

using ReportFact = std::pair<std::string, std::string>;  // label and value

// All the page shows. Texts are plain: the page escapes them.
struct ReportContent {
  std::string scene;
  std::string version;
  std::vector<ReportFact> facts;  // the capture and the run
  std::vector<ReportFact> times;
  std::vector<Json> log;        // entries of metrics.jsonl
  std::string imitation_stage;  // the log's name of the imitation, e.g. "imitate-sam"
  Json views_evaluation;        // as `evaluate` kept them, for the tiles; null: missing
  Json san_evaluation;
  std::vector<std::pair<std::string, Json>>
      evaluations;                 // of every protocol that was run: heading and answer
  std::vector<std::string> notes;  // what is missing or out of date, with the command that mends it
  std::vector<ReportRow> views;    // photo, rendering, depth, difference
  std::vector<ReportRow> features;
  std::vector<ReportRow> masks;   // that the user made
  std::vector<ReportRow> clicks;  // ours beside the teacher's
  std::vector<ReportRow> worst;
  std::vector<std::pair<std::string, Json>> options;  // heading and an object
};

// One HTML page that needs no other file, no script and no network.
std::string BuildReportPage(const ReportContent& content);

}  // namespace semfield
