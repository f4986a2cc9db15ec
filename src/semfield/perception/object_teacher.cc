#include "semfield/perception/object_teacher.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "semfield/base/error.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/model_card.h"

namespace semfield {
namespace {

// A classifier of pictures of 224 to 300 pixels sees a picture of 128 best when it is enlarged to this.
constexpr int kClassifierSide = 512;
constexpr std::array<uint8_t, 3> kBehind = {255, 255, 255};
constexpr char kEncoderStage[] = "stage4";
constexpr char kFinestStage[] = "stage4";  // of a classifier: edges and colours, which say nothing of parts

std::vector<std::string> StagesOf(const ModelCard& card) {
  std::vector<std::string> stages;
  for (const ModelTap& tap : card.classifier.stages) {
    if (tap.name != kFinestStage) stages.push_back(tap.name);
  }
  if (stages.empty())
    throw InputError("model '{}' tells no stages beside '{}', which a teacher of objects is made of",
                     card.name, kFinestStage);
  return stages;
}

ImageF Interleaved(const FeatureMap& map) {
  ImageF image(map.width, map.height, map.channels);
  const size_t plane = image.num_pixels();
  for (int c = 0; c < map.channels; ++c) {
    for (size_t i = 0; i < plane; ++i) image.data[i * map.channels + c] = map.data[c * plane + i];
  }
  return image;
}

void NormalizeEachPlace(ImageF* map) {
  for (size_t i = 0; i < map->num_pixels(); ++i) {
    float* place = map->data.data() + i * map->channels;
    double square = 0;
    for (int c = 0; c < map->channels; ++c) square += static_cast<double>(place[c]) * place[c];
    const float scale = square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0;
    for (int c = 0; c < map->channels; ++c) place[c] *= scale;
  }
}

// [grid, grid] whether a token of the square picture has any alpha.
std::vector<bool> TokensWithAlpha(const ImageU8& square) {
  constexpr int kGrid = ObjectTeacher::kGrid;
  std::vector<bool> has(static_cast<size_t>(kGrid) * kGrid, false);
  const int side = square.width;
  for (int y = 0; y < std::max(side, kGrid); ++y) {
    for (int x = 0; x < std::max(side, kGrid); ++x) {
      // A small picture has several tokens a pixel.
      const int px = side < kGrid ? x * side / kGrid : x, py = side < kGrid ? y * side / kGrid : y;
      const int64_t tx = side < kGrid ? x : int64_t{x} * kGrid / side;
      const int64_t ty = side < kGrid ? y : int64_t{y} * kGrid / side;
      if (square.At(px, py, 3) > 0) has[ty * kGrid + tx] = true;
    }
  }
  return has;
}

}  // namespace

ImageU8 PadToSquare(const ImageU8& rgba) {
  const int side = std::max(rgba.width, rgba.height);
  ImageU8 square(side, side, rgba.channels);
  for (int y = 0; y < rgba.height; ++y)
    std::copy_n(&rgba.At(0, y), static_cast<size_t>(rgba.width) * rgba.channels, &square.At(0, y));
  return square;
}

ObjectTeacher::ObjectTeacher(const ObjectTeacherOptions& options) {
  std::istringstream names(options.models);
  std::string name;
  while (std::getline(names, name, '+')) {
    const ModelCard card = FindModelCard(name);
    Network network;
    if (card.kind == "classifier") {
      network.classifier = LoadClassifier(
          card, {.threads = options.threads, .onnxruntime = options.onnxruntime, .stages = StagesOf(card)});
      key_ += card.classifier.file.sha256.substr(0, 16);
    } else {
      CheckModelKind(card, "sam");
      EncoderOptions encoder{.threads = options.threads, .onnxruntime = options.onnxruntime, .stages = {}};
      for (const ModelTap& tap : card.encoder.taps) {
        if (tap.name == kEncoderStage) encoder.stages = {tap.name};
      }
      network.has_stages = !encoder.stages.empty();
      network.encoder = LoadImageEncoder(card, encoder);
      key_ += card.encoder.file.sha256.substr(0, 16);
    }
    networks_.push_back(std::move(network));
  }
  if (networks_.empty()) throw InputError("no model is named as the teacher of objects");
}

std::vector<FeatureMap> ObjectTeacher::Ask(Network* network, const ImageU8& rgb, const StopToken* stop) {
  if (network->classifier)
    return network->classifier->Look(Resize(rgb, kClassifierSide, kClassifierSide), stop).stages;
  std::vector<FeatureMap> maps;
  if (!network->has_stages) {
    maps.push_back(network->encoder->Encode(rgb, stop));
    return maps;
  }
  if (stop != nullptr) stop->ThrowIfStopped();
  maps = network->encoder->EncodeStages(rgb);
  maps.resize(1);
  return maps;
}

FeatureMap ObjectTeacher::Look(const ImageU8& rgba, const StopToken* stop) {
  if (rgba.channels != 4 || rgba.empty())
    throw InputError("the teacher of objects expects a picture with alpha, got {}x{} of {} channels",
                     rgba.width, rgba.height, rgba.channels);
  const ImageU8 square = PadToSquare(rgba);
  const std::vector<bool> inside = TokensWithAlpha(square);
  if (std::find(inside.begin(), inside.end(), true) == inside.end())
    throw InputError("the picture is transparent everywhere: there is no object to look at");
  const ImageU8 rgb = ToRgb(square, kBehind);
  FeatureMap joined{.channels = 0, .height = kGrid, .width = kGrid, .data = {}, .encoder = key_};
  for (Network& network : networks_) {
    for (const FeatureMap& map : Ask(&network, rgb, stop)) {
      ImageF stage = Interleaved(map);
      NormalizeEachPlace(&stage);
      stage = ResizeBilinear(stage, kGrid, kGrid);
      NormalizeEachPlace(&stage);
      for (int c = 0; c < stage.channels; ++c) {
        for (size_t i = 0; i < inside.size(); ++i)
          joined.data.push_back(inside[i] ? stage.data[i * stage.channels + c] : 0);
      }
      joined.channels += stage.channels;
    }
  }
  return joined;
}

}  // namespace semfield
