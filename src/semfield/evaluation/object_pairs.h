#pragma once

#include <string>
#include <vector>

#include "semfield/capture/object_views.h"
#include "semfield/image/image.h"

namespace semfield {

// The three ways to pair pictures of objects of a category.
inline constexpr const char* kCrossInstance = "cross_instance";  // another object, same camera
inline constexpr const char* kNovelView = "novel_view";          // same object, another camera
inline constexpr const char* kOtherView = "other_view";          // another object, another camera

// A category of which everything that a pair needs is in memory.
struct LoadedObjects {
  // An object without part maps: InputError.
  explicit LoadedObjects(ObjectCategory category);

  ObjectCategory category;
  std::vector<std::vector<ImageU8>> pictures, parts;  // [objects][views]
  std::vector<SurfacePoints> points;                  // [objects]
};

// Pairs that tell transfer from copying pixels: another object seen from another camera. The two pictures
// share two parts and a keypoint that both see. The same category gives the same list: pairs are drawn by a
// fixed seed, none twice; fewer than `count` where there are so few.
std::vector<ObjectPair> MakeOtherViewPairs(const LoadedObjects& objects, int count);

// The pairs of a list by its name: those of pairs.json, or MakeOtherViewPairs with 1,000. Of these at most
// max_pairs, evenly spread and in order; 0: all.
std::vector<ObjectPair> PairsOf(const LoadedObjects& objects, const std::string& list, int max_pairs);

}  // namespace semfield
