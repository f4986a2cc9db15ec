#include <algorithm>
#include <set>

#include "semfield/base/error.h"
#include "semfield/perception/card_section.h"

namespace semfield {
namespace {

constexpr size_t kMaxClasses = 4096;
constexpr size_t kMaxFeeds = 64;
constexpr size_t kMaxLaterals = 8;
constexpr int kMaxChannels = 4096;

// Distinct, not empty.
std::vector<std::string> ParseNames(const CardSection& section, const char* key) {
  const Json& json = section.Get(key);
  if (!json.is_array() || json.empty() || json.size() > kMaxClasses)
    throw InputError("{}: expected 1 to {} names", section.At(key), kMaxClasses);
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Json& entry : json) {
    names.push_back(CardSection::StringOf(entry, section.At(key)));
    if (names.back().empty() || !seen.insert(names.back()).second)
      throw InputError("{}: expected distinct names, got '{}' again", section.At(key), names.back());
  }
  return names;
}

std::vector<DenseFeed> ParseFeeds(const CardSection& section) {
  const Json& json = section.Get("feeds");
  if (!json.is_array() || json.empty() || json.size() > kMaxFeeds)
    throw InputError("{}: expected 1 to {} inputs", section.At("feeds"), kMaxFeeds);
  std::vector<DenseFeed> feeds;
  for (size_t i = 0; i < json.size(); ++i) {
    const CardSection feed(json[i], fmt::format("{}[{}]", section.At("feeds"), i));
    feed.AllowOnly({"input", "model", "stage"});
    feeds.push_back({feed.String("input"), feed.String("model"), feed.String("stage", "")});
    const std::string& model = feeds.back().model;
    if (model != "classifier" && model != "image")
      throw InputError("{}: expected classifier or image, got '{}'", feed.At("model"), model);
  }
  return feeds;
}

// Maps whose strides double or more, of a picture whose sides all strides divide.
LateralCard ParseLaterals(const CardSection& section, int longest_side) {
  section.AllowOnly({"channels", "maps", "decoder", "output"});
  LateralCard card;
  card.channels = static_cast<int>(section.Integer("channels", 1, kMaxChannels));
  card.decoder = ParseModelFile(section.Object("decoder"));
  card.output = section.String("output", card.output);
  const Json& maps = section.Get("maps");
  if (!maps.is_array() || maps.empty() || maps.size() > kMaxLaterals)
    throw InputError("{}: expected 1 to {} maps", section.At("maps"), kMaxLaterals);
  for (size_t i = 0; i < maps.size(); ++i) {
    const CardSection map(maps[i], fmt::format("{}[{}]", section.At("maps"), i));
    map.AllowOnly({"output", "stride"});
    card.maps.push_back({map.String("output"), static_cast<int>(map.Integer("stride", 1, 1024))});
    const int stride = card.maps[i].stride, finest = card.maps[0].stride;
    if (longest_side % stride != 0 || stride % finest != 0 || (i > 0 && stride <= card.maps[i - 1].stride))
      throw InputError(
          "{}: expected a multiple of {} above the one before that divides longest_side {}, got {}",
          map.At("stride"), finest, longest_side, stride);
  }
  return card;
}

Json LateralsToJson(const LateralCard& card) {
  Json json = {{"channels", card.channels}, {"maps", Json::array()}, {"output", card.output}};
  for (const LateralMap& map : card.maps)
    json["maps"].push_back({{"output", map.output}, {"stride", map.stride}});
  json["decoder"] = ModelFileToJson(card.decoder);
  return json;
}

}  // namespace

TextCard ParseTextCard(const CardSection& section) {
  section.AllowOnly({"file", "vocabulary", "tokenizer", "input", "mask", "output", "width", "max_tokens"});
  TextCard card;
  card.file = ParseModelFile(section.Object("file"));
  card.vocabulary = ParseModelFile(section.Object("vocabulary"));
  card.tokenizer = section.String("tokenizer", card.tokenizer);
  if (card.tokenizer != "wordpiece" && card.tokenizer != "clip")
    throw InputError("{}: expected wordpiece or clip, got '{}'", section.At("tokenizer"), card.tokenizer);
  card.input = section.String("input", card.input);
  card.mask = section.String("mask", card.mask);
  card.output = section.String("output", card.output);
  card.width = static_cast<int>(section.Integer("width", 1, kMaxCardSide));
  card.max_tokens = section.Integer("max_tokens", 2, kMaxCardSide, card.max_tokens);
  return card;
}

ClassifierCard ParseClassifierCard(const CardSection& section) {
  section.AllowOnly({"file", "names", "input", "logits", "stride", "mean", "std", "stages"});
  ClassifierCard card;
  card.file = ParseModelFile(section.Object("file"));
  card.names = ParseModelFile(section.Object("names"));
  card.input = section.String("input", card.input);
  card.logits = section.String("logits", card.logits);
  card.stride = section.Integer("stride", 1, 1024, card.stride);
  card.mean = section.Triple("mean");
  card.std = section.Scales("std");
  if (section.Has("stages")) card.stages = ParseModelTaps(section.Object("stages"));
  return card;
}

DenseCard ParseDenseCard(const CardSection& section) {
  section.AllowOnly({"file", "classifier", "image_encoder", "longest_side", "feeds", "output", "classes",
                     "words", "laterals"});
  DenseCard card;
  card.file = ParseModelFile(section.Object("file"));
  card.classifier = section.String("classifier");
  CheckModelName(card.classifier, section.At("classifier"));
  card.image_encoder = section.String("image_encoder", "");
  if (!card.image_encoder.empty()) CheckModelName(card.image_encoder, section.At("image_encoder"));
  card.longest_side = section.Integer("longest_side", 32, kMaxCardSide, card.longest_side);
  card.feeds = ParseFeeds(section);
  const bool asks_image = std::any_of(card.feeds.begin(), card.feeds.end(),
                                      [](const DenseFeed& feed) { return feed.model == "image"; });
  if (asks_image == card.image_encoder.empty())
    throw InputError("{}: image_encoder and inputs with model image belong together", section.where());
  card.output = section.String("output", card.output);
  card.classes = ParseNames(section, "classes");
  if (section.Has("words")) card.words = ParseModelFile(section.Object("words"));
  if (section.Has("laterals")) card.laterals = ParseLaterals(section.Object("laterals"), card.longest_side);
  return card;
}

ImageTowerCard ParseImageTowerCard(const CardSection& section) {
  section.AllowOnly({"file", "input", "output", "size", "mean", "std", "sharpness"});
  ImageTowerCard card;
  card.file = ParseModelFile(section.Object("file"));
  card.input = section.String("input", card.input);
  card.output = section.String("output", card.output);
  card.size = section.Integer("size", 1, kMaxCardSide, card.size);
  card.mean = section.Triple("mean");
  card.std = section.Scales("std");
  if (section.Has("sharpness")) {
    const Json& value = section.Get("sharpness");
    card.sharpness = value.is_number() ? value.get<double>() : 0;
    if (!(card.sharpness > 0 && card.sharpness <= 1000))
      throw InputError("{}: expected a number above 0, at most 1000", section.At("sharpness"));
  }
  return card;
}

Json ImageTowerCardToJson(const ImageTowerCard& card) {
  return {{"file", ModelFileToJson(card.file)},
          {"input", card.input},
          {"output", card.output},
          {"size", card.size},
          {"mean", card.mean},
          {"std", card.std},
          {"sharpness", card.sharpness}};
}

Json TextCardToJson(const TextCard& card) {
  Json json = {{"file", ModelFileToJson(card.file)},
               {"vocabulary", ModelFileToJson(card.vocabulary)},
               {"tokenizer", card.tokenizer},
               {"input", card.input},
               {"output", card.output},
               {"width", card.width},
               {"max_tokens", card.max_tokens}};
  if (!card.mask.empty()) json["mask"] = card.mask;
  return json;
}

Json ClassifierCardToJson(const ClassifierCard& card) {
  Json json = {{"file", ModelFileToJson(card.file)},
               {"names", ModelFileToJson(card.names)},
               {"input", card.input},
               {"logits", card.logits},
               {"stride", card.stride},
               {"mean", card.mean},
               {"std", card.std}};
  for (const ModelTap& stage : card.stages) json["stages"][stage.name] = stage.tensor;
  return json;
}

Json DenseCardToJson(const DenseCard& card) {
  Json json = {{"file", ModelFileToJson(card.file)}, {"classifier", card.classifier}};
  if (!card.image_encoder.empty()) json["image_encoder"] = card.image_encoder;
  json["longest_side"] = card.longest_side;
  for (const DenseFeed& feed : card.feeds)
    json["feeds"].push_back({{"input", feed.input}, {"model", feed.model}, {"stage", feed.stage}});
  json["output"] = card.output;
  json["classes"] = card.classes;
  if (!card.words.path.empty()) json["words"] = ModelFileToJson(card.words);
  if (!card.laterals.maps.empty()) json["laterals"] = LateralsToJson(card.laterals);
  return json;
}

}  // namespace semfield
