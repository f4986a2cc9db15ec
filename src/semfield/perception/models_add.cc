#include <unistd.h>

#include <algorithm>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/perception/clip_add.h"
#include "semfield/perception/model_folders.h"
#include "semfield/perception/models.h"
#include "semfield/perception/ort.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxFiles = 256;
constexpr int64_t kUsualInputSize = 1024;

// A folder beside the final one that goes away unless it is moved into place.
class StagingFolder {
 public:
  StagingFolder(const fs::path& folder, const std::string& name)
      : path_(folder / fmt::format(".{}.{}.tmp", name, getpid())) {
    std::error_code error;
    fs::remove_all(path_, error);
    fs::create_directories(path_, error);
    if (error) throw ResourceError("{}: cannot be made: {}", path_.string(), error.message());
  }
  ~StagingFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ModelFile CopyIn(const fs::path& from, const fs::path& folder, const std::string& name) {
  std::error_code error;
  const fs::path to = folder / from.filename();
  if (!fs::is_regular_file(from, error)) throw InputError("{}: no such file", from.string());
  if (!fs::copy_file(from, to, error))
    throw ResourceError("{}: cannot be copied to {}: {}", from.string(), to.string(), error.message());
  ModelFile file;
  file.path = name + "/" + from.filename().string();
  file.sha256 = Sha256File(to);
  file.bytes = static_cast<int64_t>(fs::file_size(to));
  return file;
}

// What the user handed in, as graphs.
struct Parts {
  std::unique_ptr<InferenceSession> encoder, decoder;
  ModelFile encoder_file, decoder_file;
  std::vector<ModelFile> extra_files;
};

void TakeGraph(std::unique_ptr<InferenceSession> session, const ModelFile& file, Parts& parts) {
  const bool is_decoder = session->FindInput("point_coords") != nullptr;
  const bool is_encoder = session->inputs().size() == 1;
  if (!is_decoder && !is_encoder)
    throw InputError(
        "{}: neither an image encoder (one input) nor a prompt decoder in SAM's export (inputs "
        "image_embeddings, "
        "point_coords, point_labels, mask_input, has_mask_input, orig_im_size); its inputs are: {}",
        file.path, Describe(session->inputs()));
  std::unique_ptr<InferenceSession>& place = is_decoder ? parts.decoder : parts.encoder;
  if (place) throw InputError("{}: a second {}", file.path, is_decoder ? "decoder" : "encoder");
  place = std::move(session);
  (is_decoder ? parts.decoder_file : parts.encoder_file) = file;
}

// External weights have to lie beside the graphs before these are loaded.
std::vector<ModelFile> CopyAll(const ModelAddOptions& options, const fs::path& staging) {
  std::vector<ModelFile> files;
  std::set<std::string> names;
  for (const fs::path& path : options.files) {
    if (!names.insert(path.filename().string()).second)
      throw InputError("two files are called {}; rename one", path.filename().string());
    files.push_back(CopyIn(path, staging, options.name));
  }
  return files;
}

Parts Sort(const ModelAddOptions& options, const std::vector<ModelFile>& files, const fs::path& staging) {
  Parts parts;
  const auto runtime = InferenceRuntime::Load(options.onnxruntime);
  for (const ModelFile& file : files) {
    const fs::path path = staging / fs::path(file.path).filename();
    if (path.extension() != ".onnx") {
      parts.extra_files.push_back(file);
      continue;
    }
    SessionOptions session;
    session.threads = options.threads;
    TakeGraph(std::make_unique<InferenceSession>(runtime, path, session), file, parts);
  }
  if (!parts.encoder || !parts.decoder)
    throw InputError("expected an encoder and a decoder (.onnx), got {}",
                     parts.encoder ? "only an encoder" : (parts.decoder ? "only a decoder" : "neither"));
  return parts;
}

EncoderCard DraftEncoder(const ModelAddOptions& options, const Parts& parts) {
  const InferenceSession& session = *parts.encoder;
  const TensorInfo& input = session.inputs()[0];
  EncoderCard card;
  card.file = parts.encoder_file;
  card.input = input.name;
  card.mean = options.mean;
  card.std = options.std;
  const bool planes = input.shape.size() == 4 && (input.shape[1] == 3 || input.shape[1] == -1);
  if (!planes || input.type != ElementType::kFloat)
    throw InputError(
        "{}: expected f32 input [1, 3, S, S] (planes of R, G, B, normalised outside the graph), got {}",
        card.file.path, Describe({input}));
  const int64_t size = std::max(input.shape[2], input.shape[3]);
  card.input_size = static_cast<int>(std::clamp<int64_t>(size > 0 ? size : kUsualInputSize, 1, 16384));

  // The output's size is often left free in the graph, so it is asked for with a blank picture.
  const size_t plane = static_cast<size_t>(card.input_size) * card.input_size;
  const std::vector<float> blank(3 * plane, 0.0f);
  TensorInput tensor;
  tensor.name = input.name;
  tensor.shape = {1, 3, card.input_size, card.input_size};
  tensor.floats = blank;
  for (const TensorInfo& output : session.outputs()) {
    if (output.type != ElementType::kFloat || (!output.shape.empty() && output.shape.size() != 4)) continue;
    const std::vector<int64_t> shape = session.Run({tensor}, {output.name})[0].shape;
    if (shape.size() != 4 || shape[0] != 1 || shape[2] != shape[3]) continue;
    card.output = output.name;
    card.channels = static_cast<int>(shape[1]);
    card.grid = static_cast<int>(shape[2]);
    return card;
  }
  throw InputError("{}: no f32 output [1, C, G, G], got {}", card.file.path, Describe(session.outputs()));
}

// Shapes a decoder answers with for blank features and one click. An input it lacks is an InputError of the
// runtime.
std::vector<std::vector<int64_t>> BlankAnswer(const InferenceSession& session, const EncoderCard& encoder,
                                              const DecoderCard& card,
                                              const std::vector<std::string>& outputs) {
  const std::vector<float> features(static_cast<size_t>(encoder.channels) * encoder.grid * encoder.grid,
                                    0.0f);
  const std::vector<float> mask(static_cast<size_t>(card.mask_size) * card.mask_size, 0.0f);
  const float coords[4] = {1, 1, 0, 0}, labels[2] = {1, -1}, has_mask[1] = {0}, size[2] = {4, 4};
  const auto input = [](const std::string& name, std::vector<int64_t> shape, std::span<const float> values) {
    return TensorInput{name, std::move(shape), ElementType::kFloat, values, {}};
  };
  const std::vector<TensorInput> inputs = {
      input(card.image_embeddings, {1, encoder.channels, encoder.grid, encoder.grid}, features),
      input(card.point_coords, {1, 2, 2}, coords),
      input(card.point_labels, {1, 2}, labels),
      input(card.mask_input, {1, 1, card.mask_size, card.mask_size}, mask),
      input(card.has_mask_input, {1}, has_mask),
      input(card.image_size, {2}, size)};
  std::vector<std::vector<int64_t>> shapes;
  for (TensorOutput& output : session.Run(inputs, outputs)) shapes.push_back(std::move(output.shape));
  return shapes;
}

// Exports that return one mask still make all of them; those made like SAM's own name the tensors alike.
void TryInnerMasks(const ModelAddOptions& options, const fs::path& model, const EncoderCard& encoder,
                   DecoderCard& card) {
  SessionOptions session;
  session.threads = options.threads;
  session.extra_outputs = {"/Reshape_9_output_0", "/iou_prediction_head/layers.2/Gemm_output_0"};
  try {
    const InferenceSession tapped(InferenceRuntime::Load(options.onnxruntime), model, session);
    const auto shapes = BlankAnswer(tapped, encoder, card, session.extra_outputs);
    if (shapes[0] != std::vector<int64_t>{1, 4, card.mask_size, card.mask_size}) return;
    if (shapes[1] != std::vector<int64_t>{1, 4}) return;
    card.all_masks = session.extra_outputs[0];
    card.all_scores = session.extra_outputs[1];
    card.mask_order = {"single", "subpart", "part", "whole"};
  } catch (const Error& no_such_tensor) {
    LogDebug("{}: only the graph's own choice of mask: {}", card.file.path, no_such_tensor.what());
  }
}

DecoderCard DraftDecoder(const ModelAddOptions& options, const Parts& parts, const EncoderCard& encoder) {
  const InferenceSession& session = *parts.decoder;
  DecoderCard card;
  card.file = parts.decoder_file;
  const TensorInfo* mask_input = session.FindInput(card.mask_input);
  if (mask_input && mask_input->shape.size() == 4 && mask_input->shape[3] > 0)
    card.mask_size = static_cast<int>(std::min<int64_t>(mask_input->shape[3], 16384));
  if (!session.FindOutput(card.low_res_mask) || !session.FindOutput(card.score))
    throw InputError("{}: expected outputs {} and {}, got {}", card.file.path, card.score, card.low_res_mask,
                     Describe(session.outputs()));
  const std::vector<int64_t> shape = BlankAnswer(session, encoder, card, {card.low_res_mask})[0];
  const int64_t count = shape.size() == 4 ? shape[1] : 0;
  if (count == 4 || count == 3) {
    card.all_masks = card.low_res_mask;
    card.all_scores = card.score;
    card.mask_order = {"subpart", "part", "whole"};
    if (count == 4) card.mask_order.insert(card.mask_order.begin(), "single");
  } else if (count == 1) {
    TryInnerMasks(options, session.model(), encoder, card);
  } else {
    throw InputError("{}: {}: expected 1, 3 or 4 masks [1, N, {}, {}], got [{}]", card.file.path,
                     card.low_res_mask, card.mask_size, card.mask_size, fmt::join(shape, ", "));
  }
  return card;
}

void CheckOptions(const ModelAddOptions& options) {
  CheckModelName(options.name, "--as");
  if (options.kind != "sam" && options.kind != "clip")
    throw InputError("--kind: expected sam or clip, got '{}'", options.kind);
  if (options.files.size() < 2 || options.files.size() > kMaxFiles)
    throw InputError("expected the files of an encoder and a decoder, got {}", options.files.size());
  for (double value : options.std)
    if (!(value > 0)) throw InputError("std: expected positive numbers, got {}", value);
}

ModelCard Draft(const ModelAddOptions& options, const fs::path& folder) {
  const std::vector<ModelFile> files = CopyAll(options, folder);
  if (options.kind == "clip") return DraftClipCard(options, folder, files);
  const Parts parts = Sort(options, files, folder);
  ModelCard card;
  card.source = fmt::format("{} and {}", fs::path(parts.encoder_file.path).filename().string(),
                            fs::path(parts.decoder_file.path).filename().string());
  card.encoder = DraftEncoder(options, parts);
  card.decoder = DraftDecoder(options, parts, card.encoder);
  card.extra_files = parts.extra_files;
  return card;
}

void MoveInto(const fs::path& staging, const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  fs::rename(staging, folder, error);
  if (error)
    throw ResourceError("{}: cannot be moved to {}: {}", staging.string(), folder.string(), error.message());
}

// The user knows the files by the paths they gave, not by those of the copies that are tried.
std::string WithUserPaths(std::string message, const ModelAddOptions& options, const fs::path& copies) {
  for (const fs::path& file : options.files) {
    const std::string name = file.filename().string();
    for (const std::string& copy : {(copies / name).string(), options.name + "/" + name}) {
      for (size_t at = message.find(copy); at != std::string::npos; at = message.find(copy, at + 1)) {
        message.replace(at, copy.size(), file.string());
        at += file.string().size();
      }
    }
  }
  return message;
}

ModelCard TryModel(const ModelAddOptions& options, const StagingFolder& staging, const fs::path& files) {
  ModelCard card = Draft(options, files);
  card.name = options.name;
  card.kind = options.kind;
  card.title = "added by the user";
  card.licence = options.licence;
  card = ParseModelCard(ModelCardToJson(card),
                        options.name);  // whatever a graph said is held to the card's limits
  card.folder = staging.path();
  return card;
}

}  // namespace

ModelCheck AddModel(const ModelAddOptions& options) {
  CheckOptions(options);
  const fs::path models = UserModelFolder();
  if (models.empty()) throw ResourceError("no folder for models: set HOME or XDG_DATA_HOME");
  const fs::path card_path = models / (options.name + ".json");
  std::error_code error;
  for (const fs::path& folder : ModelFolders())
    if (fs::exists(folder / (options.name + ".json"), error) && !options.replace)
      throw InputError("a model called '{}' is there already ({}); choose another name or replace it",
                       options.name, folder.string());

  // The trial runs under the staging folder's name, so that a card's relative paths hold before and after the
  // move.
  const StagingFolder staging(models, options.name);
  const fs::path files = staging.path() / options.name;
  fs::create_directories(files, error);
  ModelCheck check;
  try {
    const ModelCard card = TryModel(options, staging, files);
    ModelCheckOptions trial;
    trial.threads = options.threads;
    trial.onnxruntime = options.onnxruntime;
    check = CheckModel(card, trial);
  } catch (const Error& error) {
    throw Error(error.kind(), WithUserPaths(error.what(), options, files));
  }
  MoveInto(files, models / options.name);
  WriteJsonFile(card_path, ModelCardToJson(check.card));
  check.card.folder = models;
  return check;
}

}  // namespace semfield
