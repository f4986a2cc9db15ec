#include "semfield/report/report_page.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

ReportRow Row(const std::string& title, int pictures) {
  ReportRow row{.title = title, .note = "", .pictures = {}};
  for (int i = 0; i < pictures; ++i) row.pictures.push_back({ImageU8(6, 4, 3, 90), "picture"});
  return row;
}

ReportContent SmallContent() {
  ReportContent content;
  content.scene = "room";
  content.version = "1.2.3";
  content.imitation_stage = "imitate-sam";
  for (int step : {50, 100, 150}) {
    content.log.push_back({{"stage", "train"}, {"step", step}, {"psnr", 20 + step / 50.0}});
    content.log.push_back({{"stage", "imitate-sam"}, {"step", step}, {"feature_mse", 1.0 / step}});
  }
  content.views = {Row("images/001.jpg", 4)};
  content.clicks = {Row("images/001.jpg", 2), Row("images/001.jpg", 2)};
  content.views_evaluation = {{"metrics", {{"psnr", 27.125}, {"ssim", 0.875}}},
                              {"definitions", {{"psnr", "what PSNR is"}}},
                              {"per_view", {{{"view", "images/001.jpg"}, {"psnr", 26.5}, {"ssim", 0.75}}}}};
  content.san_evaluation = {
      {"metrics", {{"iou", 0.8125}, {"milliseconds", {{"decode", 12.5}}}}},
      {"per_view", {{{"view", "v"}, {"things", {{{"name", "chair"}, {"truth_iou", 0.5}}}}}}}};
  content.evaluations = {{"Protocol views", content.views_evaluation},
                         {"Protocol san", content.san_evaluation}};
  return content;
}

TEST(ReportPage, HoldsItsPartsAndNeedsNothingElse) {
  const std::string html = BuildReportPage(SmallContent());
  EXPECT_EQ(Count(html, "<img src=\"data:image/jpeg;base64,"), 8u);
  EXPECT_EQ(Count(html, "<img"), 8u);
  EXPECT_EQ(Count(html, "<polyline"), 2u);
  for (const char* part : {"27.12 dB", "0.875", "0.812", "what PSNR is", "chair", "milliseconds decode"}) {
    EXPECT_EQ(Count(html, part) > 0, true) << part;
  }
  EXPECT_EQ(Count(html, "<script"), 0u);
  EXPECT_EQ(Count(html, "http://") + Count(html, "https://") + Count(html, "url("), 0u);
  for (const char* tag : {"div", "table", "tr", "td", "figure", "h2", "h3", "details", "main", "svg"}) {
    const std::string name = tag;
    EXPECT_EQ(Count(html, "<" + name + ">") + Count(html, "<" + name + " "), Count(html, "</" + name + ">"))
        << tag;
  }
}

TEST(ReportPage, ShowsTheUsersMasksAndNoEmptyCards) {
  ReportContent content = SmallContent();
  content.masks = {Row("chair", 1)};
  content.clicks.push_back(Row("a click that the teacher cannot see", 0));
  const std::string html = BuildReportPage(content);
  EXPECT_EQ(Count(html, "Your masks"), 1u);
  EXPECT_EQ(Count(html, "<img"), 9u);
  EXPECT_EQ(Count(html, "cannot see"), 0u);
  content = {};
  content.scene = "bare";
  const std::string bare = BuildReportPage(content);
  for (const char* part : {"class=\"tile\"", "class=\"panel\"", "Your masks", "\xe2\x80\x93</b>"})
    EXPECT_EQ(Count(bare, part), 0u) << part;
}

TEST(ReportPage, EscapesEveryText) {
  const std::string evil = "\"><b id=evil>";
  ReportContent content = SmallContent();
  content.scene = content.version = evil;
  content.facts = {{evil, evil}};
  content.times = {{evil, evil}};
  content.notes = {evil};
  content.views[0].title = content.views[0].note = content.views[0].pictures[0].caption = evil;
  content.options = {{evil, {{evil, evil}}}};
  content.evaluations[0].first = evil;
  content.evaluations[0].second["metrics"][evil] = evil;
  content.evaluations[0].second["definitions"]["psnr"] = evil;
  content.evaluations[0].second["per_view"][0]["view"] = evil;
  content.evaluations[1].second["per_view"][0]["things"][0]["name"] = evil;
  const std::string html = BuildReportPage(content);
  EXPECT_EQ(Count(html, "<b id"), 0u);
  EXPECT_GE(Count(html, "&quot;&gt;&lt;b id=evil&gt;"), 12u);
}

TEST(ReportPage, BearsEvaluationsOfAnyShape) {
  for (const Json& odd : {Json(nullptr), Json(3), Json("x"), Json::array({1, 2}), Json{{"metrics", 5}},
                          Json{{"metrics", {{"psnr", "high"}}}, {"per_view", {1, "a", nullptr}}},
                          Json{{"per_view", {{{"things", {{{"name", 4}}}}}}}, {"definitions", {3}}}}) {
    ReportContent content = SmallContent();
    content.views_evaluation = content.san_evaluation = odd;
    content.evaluations = {{"Odd", odd}};
    content.log = {odd};
    content.options = {{"Training", odd}};
    EXPECT_NE(BuildReportPage(content).find("</html>"), std::string::npos) << odd.dump();
  }
}

TEST(ReportPage, SaysWhatIsMissing) {
  ReportContent content;
  content.scene = "empty";
  content.notes = {"Make them with: semfield evaluate runs/a --protocol views"};
  const std::string html = BuildReportPage(content);
  EXPECT_EQ(Count(html, "semfield evaluate runs/a --protocol views"), 1u);
  EXPECT_EQ(Count(html, "Nothing is evaluated yet."), 1u);
}

}  // namespace
}  // namespace semfield
