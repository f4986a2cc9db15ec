#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"

namespace semfield {

// What a training stood on, kept in the run beside its checkpoint: the views by name with their cameras,
// poses and place in the split, and the bounds. A run keeps them for good, whatever becomes of its capture:
// no index moves and no view changes sides when a photo is lost or added, and renderings need no photo.
Json ViewListJson(const Capture& capture);

// A capture of such a list, without any file: no photos, masks, labels or points. Damaged: Error naming
// `where` and the key.
Capture CaptureOfViewList(const Json& list, const std::string& where);

// How a capture differs from a view list.
struct ViewListChanges {
  std::vector<std::string> lost;    // views whose photo is not in the capture any more
  std::vector<std::string> gained;  // photos that the list does not know
  std::vector<std::string> moved;   // views with another pose or camera now
};

// Gives the views of a list what only the capture has: files, labels, points, path and hash. Views are
// matched by name; those without a match stay without files, photos that are not in the list are left out.
// Cameras, poses, split and bounds stay the list's.
ViewListChanges TakeFiles(Capture&& from, Capture* list);

// "a.jpg, b.jpg, c.jpg, ... (12)".
std::string SomeNames(const std::vector<std::string>& names);

}  // namespace semfield
