#include <algorithm>

#include "semfield/evaluation/metrics.h"
#include "semfield/evaluation/object_walk.h"
#include "semfield/evaluation/part_iou.h"

namespace semfield {
namespace {

constexpr char kByTruth[] = "part_iou", kMaskFree[] = "part_iou_mask_free", kSurface[] = "part_iou_3d";
constexpr char kPsnr[] = "psnr";

// PSNR over black of what the source picture's object looks like from the target's camera.
std::optional<double> PsnrOfNovelView(const PairToScore& pair) {
  if (pair.features == nullptr || pair.list != kNovelView) return std::nullopt;
  const RadianceField* field = pair.features->seen_source->radiance();
  if (field == nullptr) return std::nullopt;
  RenderRequest request;
  std::fill_n(request.background, 3, 0.0f);
  const ObjectViews& target = pair.target();
  const ImageF shown =
      field->Render(target.camera, target.world_from_camera[pair.pair.target_view], request).rgb;
  const ImageU8& truth = pair.objects.pictures[pair.pair.target][pair.pair.target_view];
  double sum = 0;
  for (size_t i = 0; i < truth.num_pixels(); ++i) {
    const uint8_t* pixel = &truth.data[4 * i];
    for (int c = 0; c < 3; ++c) {
      const double value = pixel[c] / 255.0 * pixel[3] / 255.0;
      sum += (value - shown.data[3 * i + c]) * (value - shown.data[3 * i + c]);
    }
  }
  return PsnrOfMse(sum / (3.0 * static_cast<double>(truth.num_pixels())));
}

// The part of every target point that the nearest source point has.
std::optional<double> SurfaceIou(const PairToScore& pair) {
  const SurfacePoints& source = pair.objects.points[pair.pair.source];
  const SurfacePoints& target = pair.objects.points[pair.pair.target];
  if (pair.list == kNovelView || source.positions.empty() || target.positions.empty()) return std::nullopt;
  std::vector<uint8_t> answer;
  if (pair.features == nullptr) {
    for (const Vec3& place : target.positions)
      answer.push_back(source.parts[NearestPoint(source.positions, place)]);
  } else {
    if (pair.features->source_surface.row_of_place.empty()) return std::nullopt;
    // Behind the points stand the keypoints, which are of no part here and so no candidates.
    std::vector<uint8_t> parts = source.parts;
    parts.resize(pair.features->source_surface.row_of_place.size(), 0);
    answer = CarryParts(pair.features->source_surface, parts, pair.features->target_surface).by_truth;
    answer.resize(target.parts.size());
  }
  return MeanPartIou(answer, target.parts, source.parts, /*only_parts=*/true);
}

// Every place of the target takes the part of the place of the source that is nearest in the picture, which
// the paper's rule looks for among places with a part, and without a mask is the very same pixel.
CarriedParts SamePlaces(const ImageU8& source) {
  CarriedParts carried{.by_truth = {}, .mask_free = source.data};
  std::vector<Vec2> places;
  std::vector<uint8_t> parts;
  for (int i = 0; i < static_cast<int>(source.data.size()); ++i) {
    if (source.data[i] == 0) continue;
    places.emplace_back(i % source.width, i / source.width);
    parts.push_back(source.data[i]);
  }
  for (int i = 0; i < static_cast<int>(source.data.size()); ++i) {
    uint8_t part = source.data[i];
    if (part == 0 && !places.empty())
      part = parts[NearestPoint(places, Vec2(i % source.width, i / source.width))];
    carried.by_truth.push_back(part);
  }
  return carried;
}

PairScores ScoreParts(const PairToScore& pair) {
  PairScores scores;
  const auto keep = [&](const char* key, const std::optional<double>& value) {
    if (value) scores[key] = *value;
  };
  const std::vector<uint8_t>& source = pair.source_parts().data;
  const std::vector<uint8_t>& truth = pair.target_parts().data;
  const CarriedParts carried = pair.features == nullptr
                                   ? SamePlaces(pair.source_parts())
                                   : CarryParts(pair.features->source, source, pair.features->target);
  keep(kByTruth, MeanPartIou(carried.by_truth, truth, source, /*only_parts=*/true));
  keep(kMaskFree, MeanPartIou(carried.mask_free, truth, source, /*only_parts=*/false));
  keep(kSurface, SurfaceIou(pair));
  keep(kPsnr, PsnrOfNovelView(pair));
  return scores;
}

class PartsProtocol : public ObjectProtocol {
 public:
  std::string name() const override { return "parts"; }
  std::string sentence() const override {
    return "parts of one picture carried to another by features, with the true parts of objects";
  }
  ProtocolResult Run(const ObjectProtocolInputs& inputs, const JobControl& control) const override {
    const std::vector<PairMetric> metrics = {
        {kByTruth, "part IoU",
         "IoU of each part that both pictures show, mean in a pair, then over pairs; every target pixel with "
         "a true part takes the part of the source pixel with a true part whose feature is nearest "
         "(FeatureNeRF section 4.2)."},
        {kMaskFree, "mask-free",
         "The same IoU over all pixels: every target pixel with a feature takes the part, or none, of the "
         "nearest of all source pixels with a feature."},
        {kSurface, "3D",
         "The same IoU over points of the surface: each target point takes the part of the source point "
         "whose feature is nearest. Features of pictures are read where they show the point, or what hides "
         "it."},
        {kPsnr, "PSNR",
         "Of the target view of the same object, rendered from the source picture alone, over black; a view "
         "at a time, then the mean.",
         /*is_ratio=*/false},
    };
    return WalkPairs(name(), metrics, &ScoreParts, inputs, control);
  }
};

}  // namespace

std::shared_ptr<const ObjectProtocol> MakePartsProtocol() {
  return std::make_shared<PartsProtocol>();
}

}  // namespace semfield
