#include "semfield/evaluation/object_pairs.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/random.h"
#include "semfield/capture/readers/object_sheets.h"

namespace semfield {
namespace {

constexpr int kOtherViewPairs = 1000;
constexpr uint64_t kOtherViewSeed = 71;
constexpr int kDrawsPerPair = 200;  // until a category is said to have no more pairs
constexpr double kSameAngle = 1e-3;

// [objects][views] which parts a picture shows.
std::vector<std::vector<std::set<uint8_t>>> PartsShown(const LoadedObjects& objects) {
  std::vector<std::vector<std::set<uint8_t>>> shown;
  for (const std::vector<ImageU8>& views : objects.parts) {
    shown.emplace_back();
    for (const ImageU8& map : views) {
      std::set<uint8_t> parts(map.data.begin(), map.data.end());
      parts.erase(0);
      shown.back().push_back(std::move(parts));
    }
  }
  return shown;
}

bool ShareKeypoint(const ObjectViews& source, int source_view, const ObjectViews& target, int target_view) {
  for (size_t k = 0; k < source.keypoints.size() && k < target.keypoints.size(); ++k) {
    if (source.keypoints[k].visible[source_view] != 0 && target.keypoints[k].visible[target_view] != 0)
      return true;
  }
  return false;
}

}  // namespace

LoadedObjects::LoadedObjects(ObjectCategory category_in) : category(std::move(category_in)) {
  for (const auto& object : category.objects) {
    pictures.push_back(object->Pictures());
    parts.push_back(object->PartMaps());
    points.push_back(object->Points());
    if (parts.back().empty())
      throw InputError("{}: object '{}' has no part maps, which pairs of pictures are compared by",
                       category.path.string(), object->id);
  }
}

std::vector<ObjectPair> MakeOtherViewPairs(const LoadedObjects& objects, int count) {
  const auto& all = objects.category.objects;
  const auto shown = PartsShown(objects);
  Random random(kOtherViewSeed);
  std::vector<ObjectPair> pairs;
  std::set<std::tuple<int, int, int, int>> drawn;
  const auto num_objects = static_cast<uint32_t>(all.size());
  for (int64_t draw = 0; draw < int64_t{kDrawsPerPair} * count && std::ssize(pairs) < count; ++draw) {
    ObjectPair pair;
    pair.source = static_cast<int>(random.Below(num_objects));
    pair.target = static_cast<int>(random.Below(num_objects));
    const ObjectViews& source = *all[pair.source];
    const ObjectViews& target = *all[pair.target];
    pair.source_view = static_cast<int>(random.Below(source.num_views()));
    pair.target_view = static_cast<int>(random.Below(target.num_views()));
    if (pair.source == pair.target ||
        RotationAngle(source.world_from_camera[pair.source_view].rotation,
                      target.world_from_camera[pair.target_view].rotation) < kSameAngle ||
        !ShareKeypoint(source, pair.source_view, target, pair.target_view))
      continue;
    const std::set<uint8_t>& a = shown[pair.source][pair.source_view];
    const std::set<uint8_t>& b = shown[pair.target][pair.target_view];
    const auto shared = std::count_if(a.begin(), a.end(), [&](uint8_t part) { return b.contains(part); });
    if (shared < 2 || !drawn.emplace(pair.source, pair.source_view, pair.target, pair.target_view).second)
      continue;
    pairs.push_back(pair);
  }
  return pairs;
}

std::vector<ObjectPair> PairsOf(const LoadedObjects& objects, const std::string& list, int max_pairs) {
  std::vector<ObjectPair> all;
  if (list == kOtherView) {
    all = MakeOtherViewPairs(objects, kOtherViewPairs);
  } else {
    SF_CHECK(list == kCrossInstance || list == kNovelView);
    ObjectPairLists lists = ReadObjectPairs(objects.category);
    all = std::move(list == kNovelView ? lists.novel_view : lists.cross_instance);
  }
  if (max_pairs == 0 || std::ssize(all) <= max_pairs) return all;
  std::vector<ObjectPair> some;
  for (int64_t i = 0; i < max_pairs; ++i) some.push_back(all[i * std::ssize(all) / max_pairs]);
  return some;
}

}  // namespace semfield
