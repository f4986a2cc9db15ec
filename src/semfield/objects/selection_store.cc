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
  } catch (const Json::exception& error) {
    throw InputError("{}: damaged ({})", file.path().string(), error.what());
  }
  const std::span<const float> weight = file.Get<float>("weight", {-1});
  selection.weight.assign(weight.begin(), weight.end());
  return selection;
}

void SelectionStore::Put(const std::string& what, const Selection& selection) {
  const std::string file = fmt::format("{:06d}.safetensors", next_file_++);
  const TensorView weight = MakeTensorView<float>("weight", {static_cast<int64_t>(selection.weight.size())},
                                                  std::span<const float>(selection.weight));
  WriteSafetensors(folder_ / file, {&weight, 1},
                   {{"surface", surface_},
                    {"name", selection.name},
                    {"answered_by", selection.answered_by},
                    {"clicks", ClicksJson(selection.clicks).dump()},
                    {"color", Json(selection.color).dump()}});
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
