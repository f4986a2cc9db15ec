#include "semfield/jobs/models.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/perception/models.h"

namespace semfield {
namespace {

std::string LineOf(const ModelListing& model) {
  return fmt::format("{:<12} {:<6} {}  [{}]", model.card.name, model.card.kind,
                     model.ready ? "ready" : model.problem, model.card.licence);
}

std::vector<std::string> TextOf(const ModelCheck& check, const std::string& overlay) {
  std::vector<std::string> text = {fmt::format("{}: ONNX Runtime {} at {}", check.card.name,
                                               check.runtime_version, check.runtime_path.string())};
  if (check.card.kind == "clip") {
    text.push_back(
        fmt::format("picture {:.2f} s, text {:.3f} s", check.encode_seconds, check.decode_seconds));
    for (const auto& [words, cosine] : check.texts)
      text.push_back(
          fmt::format("{}: cosine {:.3f} with '{}'", check.picture_path.filename().string(), cosine, words));
  } else {
    text.push_back(fmt::format("encoder {:.2f} s, decoder {:.3f} s, mask score {:.3f}, {:.1f} % of {}",
                               check.encode_seconds, check.decode_seconds, check.mask.score, 100 * check.area,
                               check.picture_path.filename().string()));
    text.push_back(fmt::format("mask drawn in {}", overlay));
  }
  for (const std::string& finding : check.findings) text.push_back("PROBLEM: " + finding);
  if (check.passed()) text.emplace_back("ok");
  return text;
}

ModelsResult Checked(ModelCheck check, const std::string& out) {
  ModelsResult result;
  if (check.card.kind == "clip") {  // it draws nothing
    result.check = std::move(check);
    return result;
  }
  result.overlay = out.empty() ? fmt::format("models-check-{}.png", check.card.name) : out;
  WritePng(result.overlay, check.overlay);
  result.check = std::move(check);
  return result;
}

}  // namespace

void ModelsJobOptions::Describe(OptionList& list) {
  list.Group("What");
  list.Text("action", &action,
            "list: the models known; check: run one on a picture; add: take over your own exports.",
            {.choices = {"list", "check", "add"}});
  list.TextList(
      "files", &files,
      "add: encoder and decoder in ONNX, or of kind clip an image tower, a text tower and the table of "
      "merges; check: the model's name (default sam).");
  list.Group("Adding");
  list.Text("kind", &kind, "What kind of model the files are.", {.choices = {"sam", "clip"}});
  list.Text("as", &as, "Name of the new model.");
  list.Flag("replace", &replace, "Overwrite a model of that name.");
  list.Text("licence", &licence, "Licence of the weights, kept in the card.");
  list.Group("Running");
  list.Text("out", &out, "check: file for the picture with the mask; default models-check-NAME.png here.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
}

std::vector<std::string> ModelsResult::Text() const {
  if (check) return TextOf(*check, overlay);
  std::vector<std::string> text;
  for (const ModelListing& model : models) text.push_back(LineOf(model));
  return text;
}

Json ModelsResult::ToJson() const {
  if (check) {
    return {{"model", check->card.name},
            {"score", check->mask.score},
            {"area", check->area},
            {"encode_seconds", check->encode_seconds},
            {"decode_seconds", check->decode_seconds},
            {"overlay", overlay},
            {"findings", check->findings}};
  }
  Json json = {{"models", Json::array()}};
  for (const ModelListing& model : models) {
    json["models"].push_back({{"name", model.card.name},
                              {"kind", model.card.kind},
                              {"licence", model.card.licence},
                              {"ready", model.ready},
                              {"problem", model.problem}});
  }
  return json;
}

ModelsResult RunModels(const ModelsJobOptions& job, const JobControl& control) {
  if (job.action == "list") return {.models = ListModels()};
  if (job.action == "check") {
    if (job.files.size() > 1) throw InputError("models check: one model at a time, got {}", job.files.size());
    ModelsResult result = Checked(
        CheckModel({.name = job.files.empty() ? "sam" : job.files[0], .onnxruntime = job.onnxruntime}),
        job.out);
    result.is_below = !result.check->passed();
    return result;
  }
  if (job.files.empty() || job.as.empty()) {
    throw InputError(
        "models add: name the files and the new model: semfield models add ENCODER.onnx DECODER.onnx --kind "
        "sam --as NAME");
  }
  ModelAddOptions add{.kind = job.kind,
                      .name = job.as,
                      .replace = job.replace,
                      .licence = job.licence,
                      .onnxruntime = job.onnxruntime};
  for (const std::string& file : job.files) add.files.emplace_back(file);
  return Checked(AddModel(add), job.out);
}

}  // namespace semfield
