#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/capture/object_views.h"

namespace semfield {

// Reads a category of objects: a folder of category.json with one folder an object of sheets (rgba, parts,
// depth), transforms.json and keypoints.json; or a folder of renders as pixelNeRF takes them
// (readers/shapenet_renders.h). Objects come in the order of category.json, or by name. Cameras, poses and
// keypoints are read and checked now, pictures when they are asked for. Error naming file and key.
ObjectCategory ReadObjectCategory(const std::filesystem::path& folder);

// The categories of a folder: those of its sub-folders that ReadObjectCategory would take, by name; the
// folder itself if it is one. None: Error.
std::vector<std::filesystem::path> FindObjectCategories(const std::filesystem::path& folder);

// The lists of a category's pairs.json; empty where it has no such file.
struct ObjectPairLists {
  std::vector<ObjectPair> cross_instance;  // another object through the same camera
  std::vector<ObjectPair> novel_view;      // the same object from another camera
};
// Names an object or a view that the category does not have: Error.
ObjectPairLists ReadObjectPairs(const ObjectCategory& category);

}  // namespace semfield
