#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// A file that belongs to a model. `path` is as the card says it: relative to the card's folder, or
// "npm:<package>/<path>" for a file inside an installed npm package.
struct ModelFile {
  std::string path;
  std::string sha256;  // 64 lower-case hex digits
  int64_t bytes = 0;
};

// An inner tensor of a graph, asked for as one more output.
struct ModelTap {
  std::string name;    // what we call it, e.g. "stage3"
  std::string tensor;  // what the graph calls it
};

struct EncoderCard {
  ModelFile file;
  std::string input = "input";    // f32 [1, 3, input_size, input_size]
  std::string output = "output";  // f32 [1, channels, grid, grid]
  int input_size = 1024;
  int grid = 64;
  int channels = 256;
  // Normalised = (value in 0..255 - mean) / std per RGB channel; padding is 0 after that.
  std::array<double, 3> mean{};
  std::array<double, 3> std{};
  std::vector<ModelTap> taps;
};

struct DecoderCard {
  ModelFile file;
  // SAM's own input names by default.
  std::string image_embeddings = "image_embeddings";
  std::string point_coords = "point_coords";
  std::string point_labels = "point_labels";
  std::string mask_input = "mask_input";
  std::string has_mask_input = "has_mask_input";
  std::string image_size = "orig_im_size";
  // Outputs of the graph's own choice of mask.
  std::string score = "iou_predictions";
  std::string low_res_mask = "low_res_masks";
  int mask_size = 256;  // side of the low resolution masks
  // All masks, [1, mask_count, mask_size, mask_size] and [1, mask_count]; may be inner tensors of the graph.
  // Empty: only the graph's own choice can be had, and a granularity other than auto is refused.
  std::string all_masks;
  std::string all_scores;
  // Which mask of all_masks is which; "single" is the token used for several prompt points.
  std::vector<std::string> mask_order;
};

// A text encoder, of kinds "text" and "clip": words to one vector.
struct TextCard {
  ModelFile file;
  ModelFile vocabulary;  // wordpiece: one piece a line, numbered from 0; clip: the table of merges
  std::string tokenizer = "wordpiece";  // "wordpiece", BERT's in lower case, or "clip", CLIP's byte pairs
  std::string input = "ids";            // i64 [1, n], or [1, max_tokens], filled up with 0
  std::string mask;                  // i64 likewise, 1 where there is a token; empty: there is no such input
  std::string output = "embedding";  // f32 [1, width]
  int width = 384;
  int max_tokens = 256;
};

// The image side of a model that puts pictures and texts in one space, kind "clip".
struct ImageTowerCard {
  ModelFile file;
  std::string input = "pixel_values";   // f32 [1, 3, size, size]
  std::string output = "image_embeds";  // f32 [1, width], width as TextCard's
  int size = 224;
  std::array<double, 3> mean{}, std{};  // as EncoderCard
  double sharpness =
      100;  // a picture's names have softmax(sharpness cos); the exponential of CLIP's logit scale
};

// A classifier of pictures that answers at every place, kind "classifier".
struct ClassifierCard {
  ModelFile file;
  ModelFile names;                // the classes in JSON (perception/class_names.h)
  std::string input = "input";    // f32 [1, 3, H, W], any H and W
  std::string logits = "logits";  // f32 [1, classes, H / stride, W / stride]
  int stride = 32;
  std::array<double, 3> mean{};  // as EncoderCard
  std::array<double, 3> std{};
  std::vector<ModelTap> stages;  // outputs of the graph
};

// One input of a dense encoder's graph.
struct DenseFeed {
  std::string input;  // f32 [1, C, h, w]
  std::string model;  // "classifier" or "image": who makes it
  std::string stage;  // which of that model's stages; "logits" is the classifier's answer, "" the encoder's
};

// One of the maps between the two halves of a dense encoder's graph.
struct LateralMap {
  std::string output;  // of the first half, and input of the second: f32 [1, channels, side / stride, ..]
  int stride = 4;      // in pixels of the picture that the classifier sees
};

// The graph of a dense encoder cut in two, for fields that imitate what lies between: maps of several strides
// and one width, and the decoder that makes the answer of them.
struct LateralCard {
  int channels = 0;              // of every map
  std::vector<LateralMap> maps;  // the finest first; empty: the graph is not cut
  ModelFile decoder;
  std::string output = "logits";  // of the decoder, as DenseCard::output
};

// Class probabilities of every pixel from the stages of other models, kind "dense".
struct DenseCard {
  ModelFile file;
  std::string classifier;     // a card of kind "classifier"
  std::string image_encoder;  // a card of kind "sam", or empty: not needed
  int longest_side = 640;     // of the picture the classifier sees; sides are multiples of its stride
  std::vector<DenseFeed> feeds;
  std::string output = "logits";     // f32 [1, classes, h, w]
  std::vector<std::string> classes;  // names
  LateralCard laterals;
  ModelFile words;  // what the classes are called (perception/vocabulary.h); an empty path: nothing is said
};

// What a model is and how to feed it: models/<name>.json. Which of the parts holds, says the kind.
struct ModelCard {
  std::string name;  // [a-z0-9._-], at most 64 characters
  std::string kind;  // "sam", "text", "classifier", "dense", "clip"
  std::string title;
  std::string licence;
  std::string source;
  EncoderCard encoder;
  DecoderCard decoder;
  TextCard text;
  ClassifierCard classifier;
  DenseCard dense;
  ImageTowerCard image;
  std::vector<ModelFile> extra_files;  // files the graphs refer to themselves (external weights)
  std::filesystem::path folder;        // where the card was found
};

// Parses a card; `where` names it in errors. Unknown keys, wrong types, values out of range and file paths
// that leave the card's folder (absolute ones, "..") are InputErrors with the key.
ModelCard ParseModelCard(const Json& json, const std::string& where);
// The file's stem must be the card's name.
ModelCard ReadModelCard(const std::filesystem::path& path);
Json ModelCardToJson(const ModelCard& card);
// Throws InputError unless name is 1 to 64 of a-z 0-9 . _ - and begins with a letter or a digit.
void CheckModelName(const std::string& name, const std::string& where);

// A card of another kind: InputError that names both.
void CheckModelKind(const ModelCard& card, const std::string& kind);
// Every file that belongs to the model.
std::vector<ModelFile> FilesOf(const ModelCard& card);

// Unknown name: InputError listing the known ones.
ModelCard FindModelCard(const std::string& name);
// Every readable card, first found wins for a name; damaged cards are skipped with a warning.
std::vector<ModelCard> AllModelCards();

// Absolute path of a file of the card. "npm:" files are looked for in the node_modules folders, then beside
// the card as <folder>/<card name>/<file name>. Missing: ResourceError saying what to run.
std::filesystem::path ResolveModelFile(const ModelCard& card, const ModelFile& file);

// Resolves, then checks size and sha256 (InputError with both hashes). A file that passed is remembered by
// path, size and modification time in the user's cache folder, so that the next start does not hash it again.
std::filesystem::path VerifyModelFile(const ModelCard& card, const ModelFile& file);

}  // namespace semfield
