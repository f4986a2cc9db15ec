#include "semfield/jobs/object_picture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/prompt_text.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {
namespace {

constexpr double kFieldOfView = 0.8313;  // radians; of the pictures of objects that were trained on
constexpr double kRoom = 1.3;            // side of a cut-out picture over the longest side of its object

ImageU8 CutOut(const ImageU8& picture, const ObjectPictureSource& source, const StopToken* stop) {
  const ImageU8 rgb = ToRgb(picture, {127, 127, 127});
  const Prompt prompt = ParsePrompt(source.click, {}, CameraOfObjectPicture(rgb));
  const auto encoder = LoadImageEncoder(source.teacher, {.onnxruntime = source.onnxruntime});
  const auto decoder = LoadPromptDecoder(source.teacher, {.onnxruntime = source.onnxruntime});
  const Mask mask = decoder->Decode(encoder->Encode(rgb, stop), rgb.width, rgb.height, prompt);
  ImageU8 rgba(rgb.width, rgb.height, 4);
  for (size_t i = 0; i < rgb.num_pixels(); ++i) {
    if (mask.binary.data[i] == 0) continue;
    std::copy_n(rgb.data.data() + 3 * i, 3, rgba.data.data() + 4 * i);
    rgba.data[4 * i + 3] = 255;
  }
  return rgba;
}

// x0 y0 x1 y1 (exclusive) of what is not transparent.
std::array<int, 4> BoxOf(const ImageU8& rgba, const std::string& where) {
  std::array<int, 4> box = {rgba.width, rgba.height, 0, 0};
  for (int y = 0; y < rgba.height; ++y) {
    for (int x = 0; x < rgba.width; ++x) {
      if (rgba.At(x, y, 3) == 0) continue;
      box = {std::min(box[0], x), std::min(box[1], y), std::max(box[2], x + 1), std::max(box[3], y + 1)};
    }
  }
  if (box[2] == 0) throw InputError("{}: transparent everywhere: there is no object to look at", where);
  return box;
}

// A square of `side` pixels around the middle (x, y), transparent outside of the picture.
ImageU8 SquareAround(const ImageU8& rgba, double x, double y, int side) {
  ImageU8 square(side, side, 4);
  const int x0 = static_cast<int>(std::floor(x - 0.5 * side)),
            y0 = static_cast<int>(std::floor(y - 0.5 * side));
  for (int row = std::max(0, -y0); row < std::min(side, rgba.height - y0); ++row) {
    for (int column = std::max(0, -x0); column < std::min(side, rgba.width - x0); ++column)
      std::copy_n(&rgba.At(x0 + column, y0 + row), 4, &square.At(column, row));
  }
  return square;
}

}  // namespace

Camera CameraOfObjectPicture(const ImageU8& picture) {
  return PinholeCamera(picture.width, picture.height, kFieldOfView);
}

ImageU8 ReadObjectPicture(const ObjectPictureSource& source, const StopToken* stop) {
  ImageU8 picture = ReadImage(source.path);
  if (!source.click.empty()) {
    picture = CutOut(picture, source, stop);
    const std::array<int, 4> box = BoxOf(picture, source.path);
    const int side = static_cast<int>(std::ceil(kRoom * std::max(box[2] - box[0], box[3] - box[1])));
    return SquareAround(picture, 0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3]), side);
  }
  if (picture.channels != 4) {
    throw InputError(
        "{}: has no alpha, so that nobody knows what of it is the object. Give a PNG with alpha, or one "
        "click on the object, and SAM cuts it out: {} X,Y",
        source.path, source.click_option);
  }
  BoxOf(picture, source.path);
  if (picture.width == picture.height) return picture;
  return SquareAround(picture, 0.5 * picture.width, 0.5 * picture.height,
                      std::max(picture.width, picture.height));
}

}  // namespace semfield
