#include "semfield/jobs/ablation_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "semfield/base/error.h"
#include "semfield/base/text.h"

namespace semfield {
namespace {

// SAN Table 2, SAM. The paper's form: one ray a token, a cache of 256 views, a quarter of the steps on fresh
// ones. Without a cache every step sees a view of its own.
AblationTable San() {
  return {.name = "san",
          .sentence = "SAN Table 2: without camera augmentation, without cache",
          .method = "feature_field",
          .preset = "paper",
          .teacher = "sam",
          .rows = {{.name = "full", .paper = PaperRow{0.0026, 0.822, 90}},
                   {.name = "without camera augmentation",
                    .options = {{"augment", false}},
                    .paper = PaperRow{0.0039, 0.746, 89}},
                   {.name = "without cache",
                    .options = {{"fresh-probability", 1.0}, {"cache-size", 1}},
                    .paper = PaperRow{0.0025, 0.824, 303}}}};
}

// The same for SAN's text half, of which the paper prints no numbers. The default preset of words with fewer
// views for the teacher: 1,000 steps shall fit into minutes.
AblationTable SanText() {
  return {.name = "san-text",
          .sentence = "SAN's text half: without camera augmentation, without correlation, without cache",
          .method = "language_field",
          .preset = "default",
          .teacher = "rooms-lseg",
          .rows = {{.name = "full"},
                   {.name = "without camera augmentation", .options = {{"augment", false}}},
                   {.name = "without correlation", .options = {{"cross-weight", 0.0}}},
                   {.name = "without cache", .options = {{"fresh-probability", 1.0}, {"cache-size", 1}}}}};
}

AblationTable Laser() {
  const Json none = {
      {"adapter", false}, {"attention", false}, {"label-volume", false}, {"text-augmentation", false}};
  return {.name = "laser",
          .sentence = "Laser: plain distillation, and each part left out; accuracy and IoU against labels",
          .method = "laser",
          .preset = "default",
          .teacher = "rooms-lseg",
          .rows = {{.name = "full"},
                   {.name = "plain distillation", .options = none},
                   {.name = "without adapter", .options = {{"adapter", false}}},
                   {.name = "without self-cross", .options = {{"self-cross", false}}},
                   {.name = "without attention", .options = {{"attention", false}}},
                   {.name = "without label volume", .options = {{"label-volume", false}}},
                   {.name = "without text augmentation", .options = {{"text-augmentation", false}}}},
          .protocol = "language",
          .loss_name = "accuracy",
          .loss_at = "/laser/accuracy",
          .iou_at = "/laser/iou"};
}

}  // namespace

const std::vector<AblationTable>& AblationTables() {
  static const std::vector<AblationTable> tables = {San(), SanText(), Laser()};
  return tables;
}

const AblationTable& FindAblationTable(const std::string& name) {
  std::vector<std::string> names;
  for (const AblationTable& table : AblationTables()) {
    if (table.name == name) return table;
    names.push_back(table.name);
  }
  throw InputError("--table '{}': unknown; known are: {}", TerminalText(name), fmt::join(names, ", "));
}

}  // namespace semfield
