#include "semfield/jobs/transfer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/edits/picture_transfer.h"
#include "semfield/evaluation/part_iou.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/object_picture.h"
#include "semfield/views/picture_features.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr char kBestFeatures[] = "aligned";  // of what FeatureNeRF has
constexpr double kDistance = 1.3;            // of a camera that nobody knows

// A picture with what is known of it.
struct Given {
  ObjectPicture picture;
  bool has_camera = false;              // and pose, of a corpus
  ImageU8 parts;                        // empty: not known
  std::vector<std::string> part_names;  // of a corpus
};

int ParseView(const std::string& text, const std::string& spec) {
  int view = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), view);
  if (error != std::errc() || end != text.data() + text.size() || view < 0)
    throw InputError("{}: '{}' is no number of a view", spec, text);
  return view;
}

Given GivenByCorpus(const fs::path& folder, const std::string& view_text, const std::string& spec) {
  const fs::path clean = fs::absolute(folder).lexically_normal();
  const ObjectCategory category = ReadObjectCategory(clean.parent_path());
  const int view = ParseView(view_text, spec);
  for (const auto& object : category.objects) {
    if (object->id != clean.filename()) continue;
    if (view >= object->num_views())
      throw InputError("{}: the object has views 0 to {}", spec, object->num_views() - 1);
    Given given{.picture = {.rgba = object->Pictures()[view],
                            .camera = object->camera,
                            .world_from_camera = object->world_from_camera[view],
                            .name = fmt::format("{}/{}", object->id, view)},
                .has_camera = true,
                .parts = {},
                .part_names = category.parts};
    const std::vector<ImageU8> parts = object->PartMaps();
    if (!parts.empty()) given.parts = parts[view];
    return given;
  }
  throw InputError("{}: {} has no object '{}'", spec, clean.parent_path().string(),
                   clean.filename().string());
}

Given GivenBy(const ObjectPictureSource& source, const StopToken* stop) {
  const std::string& spec = source.path;
  const size_t colon = spec.rfind(':');
  if (colon != std::string::npos && fs::is_directory(spec.substr(0, colon))) {
    if (!source.click.empty())
      throw InputError("{} {}: {} says itself what the object is", source.click_option,
                       fmt::join(source.click, " "), spec);
    return GivenByCorpus(spec.substr(0, colon), spec.substr(colon + 1), spec);
  }
  if (fs::is_directory(spec))
    throw InputError("{}: a folder of an object; say which view as {}:0", spec, spec);
  Given given{.picture = {.rgba = ReadImage(spec)}};
  // A picture with alpha stays as it is, so that its parts and what is written have its size.
  if (given.picture.rgba.channels != 4 || !source.click.empty())
    given.picture.rgba = ReadObjectPicture(source, stop);
  given.picture.camera = CameraOfObjectPicture(given.picture.rgba);
  given.picture.world_from_camera = LookAt(Vec3(0, -kDistance, 0), Vec3::Zero(), Vec3::UnitZ());
  return given;
}

class TransferJob {
 public:
  TransferJob(const TransferOptions& options, const JobControl& control)
      : options_(options), control_(control) {}

  TransferResult Run(const MethodList& methods, const std::string& onnxruntime) {
    if (options_.pictures.size() != 2)
      throw InputError("edit transfer takes two pictures, a source and a target; got {}",
                       options_.pictures.size());
    source_ = GivenBy({.path = options_.pictures[0],
                       .click = options_.source_click,
                       .onnxruntime = onnxruntime,
                       .click_option = "--source-click"},
                      control_.stop);
    target_ = GivenBy({.path = options_.pictures[1],
                       .click = options_.target_click,
                       .onnxruntime = onnxruntime,
                       .click_option = "--target-click"},
                      control_.stop);
    if (!options_.parts.empty()) TakeParts();
    const int part = PartAsked();
    const std::unique_ptr<ObjectFeatures> features = OpenFeatures(methods, onnxruntime);
    const FeatureRows source = RowsBy(*features, &source_);
    const FeatureRows target = RowsBy(*features, &target_);
    ImageU8 parts;
    if (!source_.parts.empty()) parts = CarryPartMap(source, target);
    std::vector<uint8_t> mask;
    if (part > 0) {
      for (const uint8_t id : parts.data) mask.push_back(id == part);
    }
    const ImageU8 texture =
        CarryColors(source, source_.picture.rgba, target, target_.picture.rgba, mask,
                    {.smoothing = options_.smoothing, .keep_shading = options_.keep_shading});
    const auto count =
        part > 0 ? static_cast<size_t>(std::count(mask.begin(), mask.end(), 1)) : target.size();
    result_.changed = static_cast<double>(count) / static_cast<double>(target.size());
    Write(texture, parts);
    return std::move(result_);
  }

 private:
  void TakeParts() {
    if (!options_.source_click.empty())
      throw InputError(
          "--parts {}: its pixels are those of a source with alpha, which --source-click does not have",
          options_.parts);
    source_.parts = ReadImage(options_.parts);
    const ImageU8& rgba = source_.picture.rgba;
    if (source_.parts.channels != 1 || source_.parts.width != rgba.width ||
        source_.parts.height != rgba.height)
      throw InputError("{}: {}x{} pixels of {} channels, expected one channel of the source's {}x{}",
                       options_.parts, source_.parts.width, source_.parts.height, source_.parts.channels,
                       rgba.width, rgba.height);
  }

  // 0: all of the object.
  int PartAsked() const {
    if (options_.part.empty()) return 0;
    if (source_.parts.empty())
      throw InputError("--part {}: the source's parts are not known; give them with --parts", options_.part);
    const auto& names = source_.part_names;
    const auto found = std::find(names.begin(), names.end(), options_.part);
    if (found != names.end() && found != names.begin()) return static_cast<int>(found - names.begin());
    int id = 0;
    const char* end = options_.part.data() + options_.part.size();
    if (std::from_chars(options_.part.data(), end, id).ptr == end && id > 0 && id < kNoPart) return id;
    throw InputError("--part {}: no such part; the source's are {}", options_.part,
                     names.empty() ? "numbers from 1" : fmt::format("{}", fmt::join(names, ", ")));
  }

  std::unique_ptr<ObjectFeatures> OpenFeatures(const MethodList& methods, const std::string& onnxruntime) {
    if (options_.category.empty()) {
      if (!options_.weights.empty())
        throw InputError("--weights {}: which category are they asked about? Give --category",
                         options_.weights);
      result_.features = options_.teacher;
      return std::make_unique<TeacherFeatures>(TeacherFeaturesOptions{
          .teacher = {.models = options_.teacher, .onnxruntime = onnxruntime}, .folder = {}});
    }
    result_.features = options_.object_method;
    return methods.Find(options_.object_method)
        .OpenObjects({.weights = options_.weights,
                      .category = options_.category,
                      .features = kBestFeatures,
                      .onnxruntime = onnxruntime,
                      .name = ""});
  }

  FeatureRows RowsBy(const ObjectFeatures& features, Given* given) const {
    ObjectPicture& picture = given->picture;
    if (!given->has_camera && features.sees_other_cameras())
      picture.world_from_camera = features.GuessPose(picture.rgba, picture.camera, control_.stop);
    return RowsOf(features.See(picture, control_.stop)
                      ->Render(picture.camera, picture.world_from_camera, picture.camera.width,
                               picture.camera.height, control_.stop));
  }

  ImageU8 CarryPartMap(const FeatureRows& source, const FeatureRows& target) {
    const CarriedParts carried = CarryParts(source, source_.parts.data, target);
    ImageU8 parts(target_.picture.rgba.width, target_.picture.rgba.height, 1);
    parts.data = carried.mask_free;
    if (!target_.parts.empty())
      result_.part_iou =
          MeanPartIou(carried.mask_free, target_.parts.data, source_.parts.data, /*only_parts=*/false);
    return parts;
  }

  void Write(const ImageU8& texture, const ImageU8& parts) {
    result_.out = options_.out;
    std::vector<ImageU8> sheet{source_.picture.rgba, target_.picture.rgba, texture};
    const auto keep = [&](const char* name, const ImageU8& image) {
      WritePng(result_.out / name, image);
      result_.files.emplace_back(name);
    };
    keep("texture.png", texture);
    if (!parts.empty()) {
      keep("parts.png", parts);
      sheet.insert(sheet.begin() + 1, ShowParts(source_.picture.rgba, source_.parts));
      sheet.push_back(ShowParts(target_.picture.rgba, parts));
    }
    keep("transfer.png", SideBySide(sheet));
  }

  const TransferOptions& options_;
  const JobControl& control_;
  Given source_, target_;
  TransferResult result_;
};

}  // namespace

void TransferOptions::Describe(OptionList& list) {
  list.Group("Transfer between pictures");
  list.TextList(
      "pictures", &pictures,
      "After `transfer`: source and target, PNG with alpha, photos with a click, or OBJECT:VIEW of a "
      "corpus.",
      {.metavar = "SOURCE TARGET"});
  list.TextList("source-click", &source_click, "On the object of a source without alpha: SAM cuts it out.",
                {.metavar = "X,Y"});
  list.TextList("target-click", &target_click, "The same of the target.", {.metavar = "X,Y"});
  list.Text("parts", &parts, "Grey PNG with the part of each of the source's pixels, 0: none.",
            {.metavar = "FILE"});
  list.Text("part", &part, "Only this part of the target takes the source's colours.",
            {.metavar = "NAME|NUMBER"});
  list.Flag("keep-shading", &keep_shading, "The target's light and dark stay.");
  list.Int("smoothing", &smoothing, "Colours are averaged over neighbours within so many pixels.",
           {.min = 0, .max = 16});
  list.Text("category", &category,
            "What the objects are, for features of --object-method; empty: those of --object-teacher.");
  list.Text("object-method", &object_method, "Method over many objects.", {.choices = {"feature_nerf"}});
  list.Text("weights", &weights, "Of that method: a file, or a run of a training; empty: its own.");
  list.Text("object-teacher", &teacher, "Models whose features tell which places are the same, joined by +.");
  list.Text("out", &out, "Folder for the pictures.");
}

std::vector<std::string> TransferResult::Text() const {
  std::vector<std::string> text{
      fmt::format("{:.0f} % of the target's object took the source's colours, by features of {}",
                  100 * changed, features)};
  if (part_iou)
    text.push_back(fmt::format("carried parts: mean IoU {:.3f} with the target's own", *part_iou));
  for (const std::string& file : files) text.push_back((out / file).string());
  return text;
}

Json TransferResult::ToJson() const {
  Json json = {{"out", out.string()}, {"files", files}, {"features", features}, {"changed", changed}};
  json["part_iou"] = part_iou ? Json(*part_iou) : Json();
  json["seconds"] = seconds;
  return json;
}

TransferResult RunTransfer(const TransferOptions& options, const MethodList& methods,
                           const std::string& onnxruntime, const JobControl& control) {
  const Stopwatch stopwatch;
  TransferResult result = TransferJob(options, control).Run(methods, onnxruntime);
  result.seconds = stopwatch.Seconds();
  return result;
}

}  // namespace semfield
