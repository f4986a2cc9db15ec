#include "semfield/perception/model_card.h"

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/perception/card_section.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxCardBytes = size_t{1} << 20;

EncoderCard ParseEncoder(const CardSection& section) {
  section.AllowOnly({"file", "input", "output", "input_size", "grid", "channels", "mean", "std", "taps"});
  EncoderCard card;
  card.file = ParseModelFile(section.Object("file"));
  card.input = section.String("input");
  card.output = section.String("output");
  card.input_size = static_cast<int>(section.Integer("input_size", 1, kMaxCardSide));
  card.grid = static_cast<int>(section.Integer("grid", 1, card.input_size));
  card.channels = static_cast<int>(section.Integer("channels", 1, kMaxCardSide));
  card.mean = section.Triple("mean");
  card.std = section.Scales("std");
  if (section.Has("taps")) card.taps = ParseModelTaps(section.Object("taps"));
  return card;
}

std::vector<std::string> ParseMaskOrder(const CardSection& section) {
  std::vector<std::string> order;
  const Json& json = section.Get("mask_order");
  if (!json.is_array() || json.size() > 16)
    throw InputError("{}: expected up to 16 names", section.At("mask_order"));
  for (const Json& entry : json) {
    const std::string name = CardSection::StringOf(entry, section.At("mask_order"));
    if (name != "single" && name != "subpart" && name != "part" && name != "whole")
      throw InputError("{}: expected single, subpart, part or whole, got '{}'", section.At("mask_order"),
                       name);
    if (std::find(order.begin(), order.end(), name) != order.end())
      throw InputError("{}: '{}' twice", section.At("mask_order"), name);
    order.push_back(name);
  }
  return order;
}

DecoderCard ParseDecoder(const CardSection& section) {
  section.AllowOnly({"file", "inputs", "outputs", "mask_size", "mask_order"});
  DecoderCard card;
  card.file = ParseModelFile(section.Object("file"));
  if (section.Has("inputs")) {
    const CardSection inputs = section.Object("inputs");
    inputs.AllowOnly(
        {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "image_size"});
    card.image_embeddings = inputs.String("image_embeddings", card.image_embeddings);
    card.point_coords = inputs.String("point_coords", card.point_coords);
    card.point_labels = inputs.String("point_labels", card.point_labels);
    card.mask_input = inputs.String("mask_input", card.mask_input);
    card.has_mask_input = inputs.String("has_mask_input", card.has_mask_input);
    card.image_size = inputs.String("image_size", card.image_size);
  }
  if (section.Has("outputs")) {
    const CardSection outputs = section.Object("outputs");
    outputs.AllowOnly({"score", "low_res_mask", "all_masks", "all_scores"});
    card.score = outputs.String("score", card.score);
    card.low_res_mask = outputs.String("low_res_mask", card.low_res_mask);
    card.all_masks = outputs.String("all_masks", "");
    card.all_scores = outputs.String("all_scores", "");
    if (card.all_masks.empty() != card.all_scores.empty())
      throw InputError("{}: all_masks and all_scores belong together", outputs.where());
  }
  card.mask_size = section.Integer("mask_size", 1, kMaxCardSide, card.mask_size);
  if (section.Has("mask_order")) card.mask_order = ParseMaskOrder(section);
  if (card.all_masks.empty() != card.mask_order.empty())
    throw InputError("{}: mask_order and outputs.all_masks belong together", section.where());
  return card;
}

Json EncoderToJson(const EncoderCard& card) {
  Json json = {{"file", ModelFileToJson(card.file)},
               {"input", card.input},
               {"output", card.output},
               {"input_size", card.input_size},
               {"grid", card.grid},
               {"channels", card.channels},
               {"mean", card.mean},
               {"std", card.std}};
  for (const ModelTap& tap : card.taps) json["taps"][tap.name] = tap.tensor;
  return json;
}

Json DecoderToJson(const DecoderCard& card) {
  Json json = {{"file", ModelFileToJson(card.file)}, {"mask_size", card.mask_size}};
  json["inputs"] = {{"image_embeddings", card.image_embeddings}, {"point_coords", card.point_coords},
                    {"point_labels", card.point_labels},         {"mask_input", card.mask_input},
                    {"has_mask_input", card.has_mask_input},     {"image_size", card.image_size}};
  json["outputs"] = {{"score", card.score}, {"low_res_mask", card.low_res_mask}};
  if (!card.all_masks.empty()) {
    json["outputs"]["all_masks"] = card.all_masks;
    json["outputs"]["all_scores"] = card.all_scores;
    json["mask_order"] = card.mask_order;
  }
  return json;
}

void CheckKindName(const std::string& kind, const std::string& where) {
  if (kind != "sam" && kind != "text" && kind != "classifier" && kind != "dense" && kind != "clip")
    throw InputError("{}: expected sam, text, classifier, dense or clip, got '{}'", where, kind);
}

// What belongs to the card's kind, and nothing else.
void ParseParts(const CardSection& section, ModelCard& card) {
  const bool is_sam = card.kind == "sam", is_clip = card.kind == "clip";
  for (const std::string key : {"encoder", "decoder", "text", "classifier", "dense", "image"}) {
    const bool belongs = is_sam    ? key == "encoder" || key == "decoder"
                         : is_clip ? key == "image" || key == "text"
                                   : card.kind == key;
    if (!belongs && section.Has(key.c_str()))
      throw InputError("{}: a card of kind {} has none", section.At(key.c_str()), card.kind);
  }
  if (is_sam) {
    card.encoder = ParseEncoder(section.Object("encoder"));
    card.decoder = ParseDecoder(section.Object("decoder"));
  }
  if (card.kind == "text" || is_clip) card.text = ParseTextCard(section.Object("text"));
  if (is_clip) card.image = ParseImageTowerCard(section.Object("image"));
  if (card.kind == "classifier") card.classifier = ParseClassifierCard(section.Object("classifier"));
  if (card.kind == "dense") card.dense = ParseDenseCard(section.Object("dense"));
}

}  // namespace

void CheckModelName(const std::string& name, const std::string& where) {
  const bool known = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
  if (name.empty() || name.size() > 64 || !known || std::string("._-").find(name[0]) != std::string::npos)
    throw InputError(
        "{}: a model's name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit, got '{}'", where,
        name.substr(0, 80));
}

void CheckModelKind(const ModelCard& card, const std::string& kind) {
  if (card.kind != kind)
    throw InputError("model '{}' is of kind {}; one of kind {} is needed here", card.name, card.kind, kind);
}

std::vector<ModelFile> FilesOf(const ModelCard& card) {
  std::vector<ModelFile> files;
  if (card.kind == "sam") files = {card.encoder.file, card.decoder.file};
  if (card.kind == "text") files = {card.text.file, card.text.vocabulary};
  if (card.kind == "classifier") files = {card.classifier.file, card.classifier.names};
  if (card.kind == "dense") files = {card.dense.file};
  if (!card.dense.laterals.maps.empty()) files.push_back(card.dense.laterals.decoder);
  if (card.kind == "clip") files = {card.image.file, card.text.file, card.text.vocabulary};
  if (!card.dense.words.path.empty()) files.push_back(card.dense.words);
  files.insert(files.end(), card.extra_files.begin(), card.extra_files.end());
  return files;
}

ModelCard ParseModelCard(const Json& json, const std::string& where) {
  const CardSection section(json, where);
  section.AllowOnly({"name", "kind", "title", "licence", "source", "encoder", "decoder", "text", "classifier",
                     "dense", "image", "extra_files"});
  ModelCard card;
  card.name = section.String("name");
  CheckModelName(card.name, section.At("name"));
  card.kind = section.String("kind");
  CheckKindName(card.kind, section.At("kind"));
  card.title = section.String("title", "");
  card.licence = section.String("licence", "");
  card.source = section.String("source", "");
  ParseParts(section, card);
  if (section.Has("extra_files")) {
    const Json& files = section.Get("extra_files");
    if (!files.is_array() || files.size() > 256)
      throw InputError("{}: expected up to 256 files", section.At("extra_files"));
    for (size_t i = 0; i < files.size(); ++i)
      card.extra_files.push_back(
          ParseModelFile(CardSection(files[i], fmt::format("{}[{}]", section.At("extra_files"), i))));
  }
  return card;
}

ModelCard ReadModelCard(const fs::path& path) {
  ModelCard card = ParseModelCard(ReadJsonFile(path, kMaxCardBytes), path.string());
  if (card.name != path.stem().string())
    throw InputError("{}: name: expected '{}' as the file is called, got '{}'", path.string(),
                     path.stem().string(), card.name);
  card.folder = fs::absolute(path).parent_path();
  return card;
}

Json ModelCardToJson(const ModelCard& card) {
  Json json = {{"name", card.name},
               {"kind", card.kind},
               {"title", card.title},
               {"licence", card.licence},
               {"source", card.source}};
  if (card.kind == "sam") {
    json["encoder"] = EncoderToJson(card.encoder);
    json["decoder"] = DecoderToJson(card.decoder);
  }
  if (card.kind == "text" || card.kind == "clip") json["text"] = TextCardToJson(card.text);
  if (card.kind == "clip") json["image"] = ImageTowerCardToJson(card.image);
  if (card.kind == "classifier") json["classifier"] = ClassifierCardToJson(card.classifier);
  if (card.kind == "dense") json["dense"] = DenseCardToJson(card.dense);
  for (const ModelFile& file : card.extra_files) json["extra_files"].push_back(ModelFileToJson(file));
  return json;
}

}  // namespace semfield
