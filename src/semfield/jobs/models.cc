#include "semfield/jobs/models.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/perception/models.h"

namespace semfield {
namespace {

Json List() {
  Json answer = {{"text", Json::array()}, {"models", Json::array()}};
  for (const ModelListing& model : ListModels()) {
    const std::string state = model.ready ? "ready" : model.problem;
    answer["text"].push_back(
        fmt::format("{:<12} {:<6} {}  [{}]", model.card.name, model.card.kind, state, model.card.licence));
    answer["models"].push_back({{"name", model.card.name},
                                {"kind", model.card.kind},
                                {"licence", model.card.licence},
                                {"ready", model.ready},
                                {"problem", model.problem}});
  }
  return answer;
}

Json Describe(const ModelCheck& check, const std::string& out) {
  const std::filesystem::path overlay =
      out.empty() ? std::filesystem::path(fmt::format("models-check-{}.png", check.card.name))
                  : std::filesystem::path(out);
  WritePng(overlay, check.overlay);
  Json answer = {{"text", Json::array()}};
  answer["text"].push_back(fmt::format("{}: ONNX Runtime {} at {}", check.card.name, check.runtime_version,
                                       check.runtime_path.string()));
  answer["text"].push_back(fmt::format(
      "encoder {:.2f} s, decoder {:.3f} s, mask score {:.3f}, {:.1f} % of {}", check.encode_seconds,
      check.decode_seconds, check.mask.score, 100 * check.area, check.picture_path.filename().string()));
  answer["text"].push_back(fmt::format("mask drawn in {}", overlay.string()));
  for (const std::string& finding : check.findings) answer["text"].push_back("PROBLEM: " + finding);
  if (check.passed()) answer["text"].push_back("ok");
  answer["model"] = check.card.name;
  answer["score"] = check.mask.score;
  answer["area"] = check.area;
  answer["encode_seconds"] = check.encode_seconds;
  answer["decode_seconds"] = check.decode_seconds;
  answer["overlay"] = overlay.string();
  answer["findings"] = check.findings;
  answer["exit_code"] = check.passed() ? 0 : 1;
  return answer;
}

}  // namespace

void ModelsJobOptions::Describe(OptionList& list) {
  list.Group("What");
  list.Text("action", &action,
            "list: the models known; check: run one on a picture; add: take over your own exports.",
            {.choices = {"list", "check", "add"}});
  list.TextList("files", &files, "add: encoder and decoder in ONNX; check: the model's name (default sam).");
  list.Group("Adding");
  list.Text("kind", &kind, "What kind of model the files are.", {.choices = {"sam"}});
  list.Text("as", &as, "Name of the new model.");
  list.Flag("replace", &replace, "Overwrite a model of that name.");
  list.Text("licence", &licence, "Licence of the weights, kept in the card.");
  list.Group("Running");
  list.Text("out", &out, "check: file for the picture with the mask; default models-check-NAME.png here.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
}

Json RunModels(const ModelsJobOptions& job, const JobControl& control) {
  if (job.action == "list") return List();
  if (job.action == "check") {
    if (job.files.size() > 1) throw InputError("models check: one model at a time, got {}", job.files.size());
    return Describe(
        CheckModel({.name = job.files.empty() ? "sam" : job.files[0], .onnxruntime = job.onnxruntime}),
        job.out);
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
  Json answer = Describe(AddModel(add), job.out);
  answer["exit_code"] = 0;
  return answer;
}

}  // namespace semfield
