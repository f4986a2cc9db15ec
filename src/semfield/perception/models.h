#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/perception/mask.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/prompt.h"

namespace semfield {

// One line of `models list`.
struct ModelListing {
  ModelCard card;
  bool ready = false;   // every file is there and has the size its card says
  std::string problem;  // why not, and what to do
};
std::vector<ModelListing> ListModels();

struct ModelCheckOptions {
  std::string name = "sam";
  std::filesystem::path picture;  // empty: the bundled sample
  Prompt prompt;                  // empty: a chair in the sample, the middle of any other picture
  int threads = 0;                // as EncoderOptions
  std::string onnxruntime;        // as EncoderOptions
};

// What `models check` shows: a model run from end to end on one picture.
struct ModelCheck {
  ModelCard card;
  std::string runtime_version;
  std::filesystem::path runtime_path;
  std::filesystem::path picture_path;
  ImageU8 picture;  // RGB
  Prompt prompt;
  Mask mask;        // the decoder's own choice
  ImageU8 overlay;  // the picture with mask and clicks, to be shown or written
  double area = 0;  // share of the picture inside the mask
  std::vector<std::pair<std::string, double>> texts;  // of kind "clip", which makes no mask: cosines with it
  double load_seconds = 0;
  double encode_seconds = 0;  // of the picture
  double decode_seconds = 0;  // of a prompt, or of a text
  // Empty when the answer makes sense: features that are finite and vary, a mask that is neither empty nor
  // the whole picture and holds every positive click.
  std::vector<std::string> findings;
  bool passed() const { return findings.empty(); }
};
ModelCheck CheckModel(const ModelCheckOptions& options);
ModelCheck CheckModel(const ModelCard& card, const ModelCheckOptions& options);

// The bundled picture (models/sample.jpg in one of ModelFolders). Missing: ResourceError.
std::filesystem::path SamplePicture();

struct ModelAddOptions {
  // sam: an encoder and a decoder in ONNX; clip: an image tower and a text tower in ONNX, and the table of
  // merges (.txt). In any order, and with them whatever external weight files they refer to.
  std::vector<std::filesystem::path> files;
  std::string kind = "sam";
  std::string name;
  bool replace = false;  // overwrite a model of this name in the user's folder, or hide a shipped one
  std::string licence;
  std::array<double, 3> mean = {123.675, 116.28, 103.53};
  std::array<double, 3> std = {58.395, 57.12, 57.375};
  int threads = 0;
  std::string onnxruntime;
};

// Copies the files into the user's model folder, reads names and sizes from the graphs, runs the model on the
// bundled picture and writes its card. What does not fit is an InputError that names the tensor; nothing is
// left behind then. The returned check holds the new card; its findings do not stop the adding, because a
// stranger's model may well answer differently.
ModelCheck AddModel(const ModelAddOptions& options);

}  // namespace semfield
