#include "semfield/edits/edit_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr std::pair<Edit::Kind, const char*> kKinds[] = {
    {Edit::Kind::kRemove, "remove"}, {Edit::Kind::kRecolor, "recolor"}, {Edit::Kind::kRetexture, "retexture"},
    {Edit::Kind::kPlace, "place"},   {Edit::Kind::kCopy, "copy"},       {Edit::Kind::kInsert, "insert"},
    {Edit::Kind::kClear, "clear"}};

const char* NameOf(Edit::Kind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  SF_CHECK(false);
  return "";
}

Json VectorJson(const Vec3& v) {
  return {v.x(), v.y(), v.z()};
}

Vec3 VectorOf(const Json& json) {
  Vec3 v;
  for (int k = 0; k < 3; ++k) v[k] = json.at(k).get<double>();
  return v;
}

Json ToJson(const Edit& edit) {
  return {{"do", NameOf(edit.kind)},       {"thing", edit.thing}, {"from", edit.from},
          {"color", edit.color},           {"file", edit.file},   {"tile", edit.tile},
          {"move", VectorJson(edit.move)}, {"turn", edit.turn},   {"scale", edit.scale},
          {"up", VectorJson(edit.up)},     {"field", edit.field}};
}

// Whether a name is one of a file in a folder, not of anything outside of it.
bool IsPlainName(const std::string& file) {
  return file.find('/') == std::string::npos && file.find('\\') == std::string::npos && file[0] != '.';
}

Edit EditOf(const Json& json, const std::string& where) {
  Edit edit;
  const std::string kind = json.at("do").get<std::string>();
  const auto* known =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& k) { return kind == k.second; });
  if (known == std::end(kKinds)) throw InputError("{}.do: unknown '{}'", where, kind);
  edit.kind = known->first;
  edit.thing = json.at("thing").get<std::string>();
  edit.from = json.at("from").get<std::string>();
  edit.color = json.at("color").get<std::array<uint8_t, 3>>();
  edit.file = json.at("file").get<std::string>();
  edit.tile = json.at("tile").get<double>();
  edit.move = VectorOf(json.at("move"));
  edit.turn = json.at("turn").get<double>();
  edit.scale = json.at("scale").get<double>();
  edit.up = VectorOf(json.at("up"));
  edit.field = json.at("field").get<std::string>();
  if (!edit.file.empty() && !IsPlainName(edit.file))
    throw InputError("{}.file: expected a name of a file in edits/, got '{}'", where, edit.file);
  const double sum = edit.move.sum() + edit.turn + edit.scale + edit.tile;
  if (!std::isfinite(sum) || edit.scale <= 0 || edit.tile < 0 || std::abs(edit.up.norm() - 1) > 1e-6)
    throw InputError("{}: its numbers are no place (move, turn, scale, tile, up)", where);
  return edit;
}

std::string PlaceText(const Edit& edit) {
  std::string text;
  if (!edit.move.isZero(0))
    text += fmt::format(", moved by {:.4g},{:.4g},{:.4g}", edit.move.x(), edit.move.y(), edit.move.z());
  if (edit.turn != 0) text += fmt::format(", turned by {:.4g} degrees", edit.turn);
  if (edit.scale != 1) text += fmt::format(", scaled by {:.4g}", edit.scale);
  return text;
}

}  // namespace

std::string Edit::Text() const {
  switch (kind) {
    case Kind::kRemove:
      return thing + " removed";
    case Kind::kRecolor:
      return fmt::format("{} recolored to {},{},{}", thing, color[0], color[1], color[2]);
    case Kind::kRetexture:
      return fmt::format("{} retextured from {}", thing, from);
    case Kind::kPlace:
      return thing + (PlaceText(*this).empty() ? ", left where it is" : PlaceText(*this));
    case Kind::kCopy:
      return fmt::format("{} copied from {}{}", thing, from, PlaceText(*this));
    case Kind::kInsert:
      return fmt::format("{} put in from {}{}", thing, from, PlaceText(*this));
    case Kind::kClear:
      return "all edits cleared";
  }
  return "";
}

EditList::EditList(std::filesystem::path path) : path_(std::move(path)) {
  if (!std::filesystem::exists(path_)) return;
  const Json json = ReadJsonFile(path_);
  try {
    const Json& edits = json.at("edits");
    for (size_t i = 0; i < edits.size(); ++i)
      edits_.push_back(EditOf(edits.at(i), fmt::format("{}: edits[{}]", path_.string(), i)));
    done_ = std::min(edits_.size(), json.at("done").get<size_t>());
  } catch (const Json::exception& error) {
    throw InputError("{}: damaged ({}); move it away to begin anew", path_.string(), error.what());
  }
}

std::vector<Edit> EditList::Now() const {
  std::vector<Edit> now;
  for (size_t i = 0; i < done_; ++i) {
    now.push_back(edits_[i]);
    if (edits_[i].kind == Edit::Kind::kClear) now.clear();
  }
  return now;
}

void EditList::Add(const Edit& edit) {
  edits_.resize(done_);
  edits_.push_back(edit);
  done_ = edits_.size();
  Save();
}

std::string EditList::Undo() {
  if (done_ == 0) throw InputError("{}: there is no edit to undo", path_.string());
  --done_;
  Save();
  return edits_[done_].Text();
}

std::string EditList::Redo() {
  if (done_ == edits_.size()) throw InputError("{}: there is no edit to do again", path_.string());
  ++done_;
  Save();
  return edits_[done_ - 1].Text();
}

void EditList::Save() const {
  Json edits = Json::array();
  for (const Edit& edit : edits_) edits.push_back(ToJson(edit));
  WriteJsonFile(path_, {{"edits", edits}, {"done", done_}});
}

std::vector<EditedThing> ThingsOf(const std::vector<Edit>& edits) {
  std::vector<EditedThing> things;
  const auto find = [&](const std::string& name) {
    return std::find_if(things.begin(), things.end(),
                        [&](const EditedThing& thing) { return thing.name == name; });
  };
  for (const Edit& edit : edits) {
    const bool makes = edit.kind == Edit::Kind::kCopy || edit.kind == Edit::Kind::kInsert;
    auto thing = find(edit.thing);
    if (makes && thing != things.end())
      throw InputError("a thing '{}' is there already: give another --name", edit.thing);
    if (!makes && thing != things.end() && !thing->is_there)
      throw InputError("'{}' was removed by an earlier edit: --undo brings it back", edit.thing);
    if (thing == things.end()) {
      EditedThing made{.name = edit.thing, .selection = edit.thing};
      if (edit.kind == Edit::Kind::kInsert) {
        made.selection.clear();
        made.file = edit.file;
      } else if (edit.kind == Edit::Kind::kCopy) {
        const auto from = find(edit.from);
        if (from != things.end()) {
          if (!from->is_there)
            throw InputError("'{}' was removed by an earlier edit: --undo brings it back", edit.from);
          made = *from;  // as it is by now
          made.name = edit.thing;
        } else {
          made.selection = edit.from;
        }
        made.is_copy = true;
      }
      things.push_back(std::move(made));
      thing = things.end() - 1;
    }
    thing->field = edit.field;
    switch (edit.kind) {
      case Edit::Kind::kRemove:
        thing->is_there = false;
        break;
      case Edit::Kind::kRecolor:
      case Edit::Kind::kRetexture:
        thing->painted.push_back(edit);
        break;
      default:
        thing->placed.push_back(edit);
    }
  }
  return things;
}

}  // namespace semfield
