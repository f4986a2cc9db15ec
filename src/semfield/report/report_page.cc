#include "semfield/report/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "semfield/report/html.h"
#include "semfield/report/report_style.h"
#include "semfield/report/svg_chart.h"

namespace semfield {
namespace {

// The page is made from files that somebody may have edited: nothing is taken for granted about their shape.
const Json* Find(const Json& json, const std::string& key) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(key);
  return found == json.end() ? nullptr : &*found;
}
std::optional<double> NumberOf(const Json& json, const std::string& key) {
  const Json* value = Find(json, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}
std::string TextOf(const Json& json, const std::string& key) {
  const Json* value = Find(json, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}
Json ArrayOf(const Json& json, const std::string& key) {
  const Json* value = Find(json, key);
  return value != nullptr && value->is_array() ? *value : Json::array();
}

std::string Fixed(std::optional<double> value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "–";
}

// A value of a metrics or options object as people read it.
std::string Shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "–";
  if (value.is_number_float()) return fmt::format("{:.5g}", value.get<double>());
  if (value.is_object() || value.is_array()) {
    std::string joined;
    for (const auto& [key, part] : value.items()) {
      if (!joined.empty()) joined += ", ";
      joined += value.is_object() ? key + " " + Shown(part) : Shown(part);
    }
    return joined;
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string FactTable(const std::vector<ReportFact>& facts) {
  std::string html = "<table>";
  for (const auto& [label, value] : facts) {
    html +=
        fmt::format("<tr><td class=\"label\">{}</td><td>{}</td></tr>", EscapeHtml(label), EscapeHtml(value));
  }
  return html + "</table>";
}

std::string Heading(const std::string& title, const std::string& lead) {
  return fmt::format("<h2>{}</h2>{}", EscapeHtml(title),
                     lead.empty() ? "" : fmt::format("<p class=\"lead\">{}</p>", EscapeHtml(lead)));
}

std::string Tile(const std::string& value, const std::string& label) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", EscapeHtml(value),
                     EscapeHtml(label));
}

const Json& Metrics(const Json& evaluation) {
  static const Json kNone = Json::object();
  const Json* metrics = Find(evaluation, "metrics");
  return metrics != nullptr ? *metrics : kNone;
}

std::string Tiles(const ReportContent& content) {
  const Json& views = Metrics(content.views_evaluation);
  const Json& san = Metrics(content.san_evaluation);
  std::string html;
  // What nobody measured yet has no card.
  const auto add = [&](std::optional<double> value, int digits, const char* unit, const std::string& label) {
    if (value) html += Tile(Fixed(value, digits) + unit, label);
  };
  add(NumberOf(views, "psnr"), 2, " dB", "PSNR of held-out views");
  add(NumberOf(views, "ssim"), 3, "", "SSIM of held-out views");
  add(NumberOf(san, "iou"), 3, "", "mask IoU with the teacher");
  add(NumberOf(san, "feature_cosine"), 3, "", "feature cosine");
  if (const auto truth = NumberOf(san, "truth_iou")) {
    html += Tile(Fixed(truth, 3), fmt::format("mask IoU with labels (teacher {})",
                                              Fixed(NumberOf(san, "teacher_truth_iou"), 3)));
  }
  return html.empty() ? "" : "<div class=\"tiles\">" + html + "</div>";
}

std::string Notes(const std::vector<std::string>& notes) {
  if (notes.empty()) return {};
  std::string html = "<div class=\"notes\">";
  for (const std::string& note : notes) html += "<p>" + EscapeHtml(note) + "</p>";
  return html + "</div>";
}

std::vector<ChartPoint> Curve(const std::vector<Json>& log, const std::string& stage,
                              const std::string& key) {
  std::vector<ChartPoint> points;
  for (const Json& entry : log) {
    const auto step = NumberOf(entry, "step"), value = NumberOf(entry, key);
    if (TextOf(entry, "stage") == stage && step && value) points.push_back({*step, *value});
  }
  return points;
}

std::string ChartPanel(const std::vector<ChartPoint>& points, const ChartOptions& options) {
  const std::string chart = LineChart(points, options);
  if (chart.empty()) return {};
  return fmt::format("<div class=\"panel\"><h3>{}<span>{}</span></h3>{}</div>", EscapeHtml(options.title),
                     EscapeHtml(options.y_label), chart);
}

std::string Curves(const ReportContent& content) {
  std::string html = ChartPanel(
      Curve(content.log, "train", "psnr"),
      {.title = "Training PSNR", .x_label = "step", .y_label = "dB, over the rays of the last steps"});
  html += ChartPanel(Curve(content.log, content.imitation_stage, "feature_mse"),
                     {.title = "Imitation",
                      .x_label = "step",
                      .y_label = "mean squared feature error, logarithmic",
                      .log_y = true});
  return html.empty() ? "" : Heading("Training", "") + "<div class=\"columns\">" + html + "</div>";
}

std::string Pictures(const ReportRow& row) {
  std::string html = fmt::format("<div class=\"row {}\">", row.pictures.size() > 2 ? "four" : "two");
  for (const ReportPicture& picture : row.pictures) {
    html += fmt::format(
        "<figure><img src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}\"><figcaption>{}</figcaption></figure>",
        JpegAddress(picture.rgb), picture.rgb.width, picture.rgb.height,
        EscapeHtml(row.title + ": " + picture.caption), EscapeHtml(picture.caption));
  }
  return html + "</div>";
}

std::string RowTitle(const ReportRow& row) {
  return fmt::format("<h3>{}<span>{}</span></h3>", EscapeHtml(row.title), EscapeHtml(row.note));
}

std::string Rows(const std::vector<ReportRow>& rows) {
  std::string html;
  for (const ReportRow& row : rows) {
    if (!row.pictures.empty()) html += RowTitle(row) + Pictures(row);
  }
  return html;
}

// Pairs are small enough for two beside each other.
std::string Pairs(const std::vector<ReportRow>& rows) {
  std::string html = "<div class=\"columns\">";
  for (const ReportRow& row : rows) {
    if (!row.pictures.empty()) html += "<div>" + RowTitle(row) + Pictures(row) + "</div>";
  }
  return html + "</div>";
}

std::string MetricsTable(const std::string& title, const Json& evaluation) {
  const Json* definitions = Find(evaluation, "definitions");
  std::string html = fmt::format(
      "<h3>{}</h3><div class=\"scroll\"><table><tr><th>metric</th><th class=\"number\">value</th><th>what it "
      "is</th></tr>",
      EscapeHtml(title));
  const auto add = [&](const std::string& name, const Json& value, const std::string& meaning) {
    html += fmt::format("<tr><td class=\"name\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
                        EscapeHtml(name), EscapeHtml(Shown(value)), EscapeHtml(meaning));
  };
  for (const auto& [key, value] : Metrics(evaluation).items()) {
    const std::string meaning = definitions != nullptr ? TextOf(*definitions, key) : "";
    if (!value.is_object()) {
      add(key, value, meaning);
      continue;
    }
    std::string first = meaning;
    for (const auto& [part, number] : value.items()) {
      add(key + " " + part, number, first);
      first.clear();
    }
  }
  return html + "</table></div>";
}

struct Column {
  std::string key;
  std::string heading;
  int digits;
};

std::string PerViewTable(const Json& evaluation, const std::vector<Column>& columns) {
  std::string html = "<details><summary>Each view</summary><div class=\"scroll\"><table><tr><th>view</th>";
  for (const Column& column : columns) html += "<th class=\"number\">" + EscapeHtml(column.heading) + "</th>";
  html += "</tr>";
  for (const Json& view : ArrayOf(evaluation, "per_view")) {
    html += "<tr><td class=\"name\">" + EscapeHtml(TextOf(view, "view")) + "</td>";
    for (const Column& column : columns) {
      html += "<td class=\"number\">" + Fixed(NumberOf(view, column.key), column.digits) + "</td>";
    }
    html += "</tr>";
  }
  return html + "</table></div></details>";
}

std::string ThingsTable(const Json& evaluation) {
  std::string rows;
  for (const Json& view : ArrayOf(evaluation, "per_view")) {
    for (const Json& thing : ArrayOf(view, "things")) {
      const auto share = NumberOf(thing, "share");
      rows += fmt::format(
          "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"number\">{} %</td><td "
          "class=\"number\">{}</td>"
          "<td class=\"number\">{}</td></tr>",
          EscapeHtml(TextOf(view, "view")), EscapeHtml(TextOf(thing, "name")),
          Fixed(share ? std::optional(100 * *share) : std::nullopt, 1),
          Fixed(NumberOf(thing, "truth_iou"), 3), Fixed(NumberOf(thing, "teacher_truth_iou"), 3));
    }
  }
  if (rows.empty()) return {};
  return "<details><summary>Each labelled thing</summary><div "
         "class=\"scroll\"><table><tr><th>view</th><th>thing</th>"
         "<th class=\"number\">of the view</th><th class=\"number\">our IoU</th><th "
         "class=\"number\">teacher's IoU</th>"
         "</tr>" +
         rows + "</table></div></details>";
}

// Columns that tables of views show, where a protocol tells them.
const std::vector<Column>& ViewColumns() {
  static const std::vector<Column> columns = {{"psnr", "PSNR dB", 2},
                                              {"ssim", "SSIM", 4},
                                              {"milliseconds", "ms", 0},
                                              {"iou", "mean IoU", 3},
                                              {"iou_median", "median IoU", 3},
                                              {"feature_mse", "feature MSE", 5},
                                              {"feature_cosine", "feature cosine", 4},
                                              {"teacher_distance", "to the teacher's nearest pose", 3}};
  return columns;
}

std::vector<Column> ColumnsOf(const Json& evaluation) {
  std::vector<Column> columns;
  for (const Column& column : ViewColumns()) {
    for (const Json& view : ArrayOf(evaluation, "per_view")) {
      if (!NumberOf(view, column.key)) continue;
      columns.push_back(column);
      break;
    }
  }
  return columns;
}

std::string Numbers(const ReportContent& content) {
  std::string html = Heading("Numbers", "");
  if (content.evaluations.empty()) return html + "<p class=\"lead\">Nothing is evaluated yet.</p>";
  for (const auto& [heading, evaluation] : content.evaluations) {
    html += MetricsTable(heading, evaluation);
    if (const std::vector<Column> columns = ColumnsOf(evaluation); !columns.empty())
      html += PerViewTable(evaluation, columns);
    html += ThingsTable(evaluation);
  }
  return html;
}

std::string OptionTables(const ReportContent& content) {
  std::string html = Heading("Options", "As they were resolved when each stage began.");
  for (const auto& [title, object] : content.options) {
    std::vector<ReportFact> facts;
    if (object.is_object()) {
      for (const auto& [key, value] : object.items()) facts.emplace_back(key, Shown(value));
    }
    html += fmt::format("<details><summary>{}</summary>{}</details>", EscapeHtml(title), FactTable(facts));
  }
  return html;
}

}  // namespace

std::string BuildReportPage(const ReportContent& content) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  html += fmt::format("<title>{} – semfield</title><style>{}</style></head><body><main>\n",
                      EscapeHtml(content.scene), kReportStyle);
  html += fmt::format("<header><p>semfield {} · report of a run</p><h1>{}</h1></header>\n",
                      EscapeHtml(content.version), EscapeHtml(content.scene));
  html += Tiles(content) + Notes(content.notes) + "\n";
  html += Heading("Scene and run", "");
  html += "<div class=\"columns\"><div>" + FactTable(content.facts) + "</div><div>" +
          FactTable(content.times) + "</div></div>\n";
  html += Curves(content) + "\n";
  if (!content.views.empty()) {
    html += Heading("Held-out views",
                    "Views that training never saw. The difference is the mean absolute error of the "
                    "three colours, dark blue 0, dark red 0.25 and above.");
    html += Rows(content.views) + "\n";
  }
  if (!content.features.empty()) {
    html += Heading("Features",
                    "Three principal components of the teacher's features as colours, on the square picture "
                    "that the teacher sees; the same components for both.");
    html += Pairs(content.features) + "\n";
  }
  if (!content.masks.empty()) {
    html += Heading("Your masks", "As they lie in the run's folder masks/: the views that show the thing.");
    html += Rows(content.masks) + "\n";
  }
  if (!content.clicks.empty()) {
    html += Heading("Masks from one click",
                    "The click is the green dot, the mask is red. Clicks were fixed beforehand, "
                    "not picked by their result.");
    html += Pairs(content.clicks) + "\n";
  }
  if (!content.worst.empty()) {
    html += Heading(
        "Where it goes wrong",
        "The clicks with the lowest intersection over union with the teacher, from at most four views.");
    html += Pairs(content.worst) + "\n";
  }
  html += Numbers(content) + "\n" + OptionTables(content) + "\n</main></body></html>\n";
  return html;
}

}  // namespace semfield
