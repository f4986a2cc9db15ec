#include "semfield/objects/selection_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr char kFile[] = "selections.json";

Json ClicksJson(const std::vector<SelectionClick>& clicks) {
  Json json = Json::array();
  for (const SelectionClick& click : clicks) json.push_back({click.view, click.x, click.y, click.positive});
  return json;
}

std::vector<SelectionClick> ClicksOf(const Json& json) {
  std::vector<SelectionClick> clicks;
  for (const Json& click : json) {
    clicks.push_back({.view = click.at(0).get<int>(),
                      .x = click.at(1).get<double>(),
                      .y = click.at(2).get<double>(),
                      .positive = click.at(3).get<bool>()});
  }
  return clicks;
}

std::string BoxText(const std::optional<SelectionBox>& box) {
  return box ? Json({box->view, box->box.x0, box->box.y0, box->box.x1, box->box.y1}).dump() : "";
}

std::optional<SelectionBox> BoxOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const Json json = Json::parse(text);
  return SelectionBox{.view = json.at(0).get<int>(),
                      .box = {.x0 = json.at(1).get<double>(),
                              .y0 = json.at(2).get<double>(),
                              .x1 = json.at(3).get<double>(),
                              .y1 = json.at(4).get<double>()}};
}

GivenNames NamesOf(const SafetensorsFile& file) {
  GivenNames names{.weights = {}, .vocabulary = file.Metadata("vocabulary"), .views = {}, .vector = {}};
  const std::span<const float> weights = file.Get<float>("words", {-1});
  names.weights.assign(weights.begin(), weights.end());
  if (file.Find("vector") != nullptr) {
    const std::span<const float> vector = file.Get<float>("vector", {-1});
    names.vector.assign(vector.begin(), vector.end());
  }
  try {
    names.views = Json::parse(file.Metadata("named_views")).get<std::vector<int>>();
  } catch (const Json::exception& error) {
    throw InputError("{}: damaged ({})", file.path().string(), error.what());
  }
  return names;
}

}  // namespace

SelectionStore::SelectionStore(std::filesystem::path folder, std::string surface)
    : folder_(std::move(folder)), surface_(std::move(surface)) {
  const std::filesystem::path path = folder_ / kFile;
  if (!std::filesystem::exists(path)) return;
  const Json json = ReadJsonFile(path);
  try {
    for (const Json& step : json.at("steps")) {
      steps_.push_back({.what = step.at("what").get<std::string>(),
                        .name = step.at("name").get<std::string>(),
                        .before = step.at("before").get<std::string>(),
                        .after = step.at("after").get<std::string>()});
    }
    done_ = std::min(steps_.size(), json.at("done").get<size_t>());
    next_file_ = json.at("next_file").get<int>();
  } catch (const Json::exception& error) {
    throw InputError("{}: damaged ({}); move the folder away to begin anew", path.string(), error.what());
  }
}

std::string SelectionStore::FileNow(const std::string& name) const {
  std::string file;
  for (size_t i = 0; i < done_; ++i) {
    if (steps_[i].name == name) file = steps_[i].after;
  }
  return file;
}

bool SelectionStore::Has(const std::string& name) const {
  return !FileNow(name).empty();
}

std::vector<SelectionStore::Entry> SelectionStore::List() const {
  std::map<std::string, std::string> now;
  for (size_t i = 0; i < done_; ++i) now[steps_[i].name] = steps_[i].after;
  std::vector<Entry> entries;
  for (const auto& [name, file] : now) {
    if (!file.empty()) entries.push_back({name, file});
  }
  return entries;
}

Selection SelectionStore::Load(const std::string& name) const {
  const std::string file_name = FileNow(name);
  if (file_name.empty()) {
    std::vector<std::string> known;
    for (const Entry& entry : List()) known.push_back(entry.name);
    throw InputError("no selection '{}' in {}; there {}", name, folder_.string(),
                     known.empty() ? "is none yet" : fmt::format("are: {}", fmt::join(known, ", ")));
  }
  const SafetensorsFile file = SafetensorsFile::Read(folder_ / file_name);
  if (file.Metadata("surface") != surface_) {
    throw InputError(
        "selection '{}' was made on another state of the field, whose surface is gone: remove it "
        "and click anew",
        name);
  }
  Selection selection{.name = name, .clicks = {}, .answered_by = file.Metadata("answered_by"), .weight = {}};
  try {
    selection.clicks = ClicksOf(Json::parse(file.Metadata("clicks")));
    selection.color = Json::parse(file.Metadata("color")).get<std::array<uint8_t, 3>>();
    if (file.metadata().contains("box")) selection.box = BoxOf(file.Metadata("box"));
    if (file.metadata().contains("granularity"))
      selection.nesting = ParseNesting(file.Metadata("granularity"));
  } catch (const Json::exception& error) {
    throw InputError("{}: damaged ({})", file.path().string(), error.what());
  }
  const std::span<const float> weight = file.Get<float>("weight", {-1});
  selection.weight.assign(weight.begin(), weight.end());
  if (file.Find("looked") != nullptr) {
    const std::span<const float> looked = file.Get<float>("looked", {static_cast<int64_t>(weight.size())});
    selection.looked.assign(looked.begin(), looked.end());
  }
  if (file.metadata().contains("text")) selection.text = file.Metadata("text");
  if (file.Find("words") != nullptr) selection.names = NamesOf(file);
  return selection;
}

void SelectionStore::Put(const std::string& what, const Selection& selection) {
  const std::string file = fmt::format("{:06d}.safetensors", next_file_++);
  const auto tensor = [](const char* name, const std::vector<float>& values) {
    return MakeTensorView<float>(name, {static_cast<int64_t>(values.size())}, std::span<const float>(values));
  };
  std::vector<TensorView> tensors = {tensor("weight", selection.weight)};
  if (!selection.looked.empty()) tensors.push_back(tensor("looked", selection.looked));
  TensorMetadata metadata = {{"surface", surface_},
                             {"name", selection.name},
                             {"answered_by", selection.answered_by},
                             {"clicks", ClicksJson(selection.clicks).dump()},
                             {"box", BoxText(selection.box)},
                             {"granularity", NestingName(selection.nesting)},
                             {"color", Json(selection.color).dump()},
                             {"text", selection.text}};
  if (selection.names) {
    tensors.push_back(tensor("words", selection.names->weights));
    if (!selection.names->vector.empty()) tensors.push_back(tensor("vector", selection.names->vector));
    metadata["vocabulary"] = selection.names->vocabulary;
    metadata["named_views"] = Json(selection.names->views).dump();
  }
  WriteSafetensors(folder_ / file, tensors, metadata);
  Add({.what = what, .name = selection.name, .before = FileNow(selection.name), .after = file});
}

void SelectionStore::Remove(const std::string& name) {
  const std::string before = FileNow(name);
  if (before.empty()) Load(name);  // says what there is
  Add({.what = "remove " + name, .name = name, .before = before, .after = ""});
}

void SelectionStore::Add(Step step) {
  steps_.resize(done_);
  steps_.push_back(std::move(step));
  done_ = steps_.size();
  Save();
}

std::string SelectionStore::Undo() {
  if (done_ == 0) throw InputError("nothing to undo in {}", folder_.string());
  --done_;
  Save();
  return steps_[done_].what;
}

std::string SelectionStore::Redo() {
  if (done_ == steps_.size()) throw InputError("nothing to do again in {}", folder_.string());
  ++done_;
  Save();
  return steps_[done_ - 1].what;
}

void SelectionStore::Save() const {
  Json steps = Json::array();
  for (const Step& step : steps_) {
    steps.push_back(
        {{"what", step.what}, {"name", step.name}, {"before", step.before}, {"after", step.after}});
  }
  WriteJsonFile(folder_ / kFile, {{"steps", steps}, {"done", done_}, {"next_file", next_file_}});
}

}  // namespace semfield
