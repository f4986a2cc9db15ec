#pragma once

#include <string>
#include <vector>

#include "semfield/capture/capture.h"

namespace semfield {

// A view asked for by the user: one of the capture's, or a pose file (JSON with a camera and
// "transform_matrix" in the capture's convention, or "world_from_camera" in ours).
struct NamedView {
  std::string name;  // safe as part of a file name; no other view of the capture has it
  Camera camera;     // of the original image
  Pose world_from_camera;
  int index = -1;  // into Capture::views, -1: from a pose file
};

// What results about the capture's views are called, [views]: the view's name without its extension, in its
// own script. Of views that would be called alike, all but the one of that very name are numbered: "a_b",
// "a_b-2".
std::vector<std::string> ResultNames(const Capture& capture);

NamedView FindNamedView(const Capture& capture, const std::string& text);
// "all", "train", "test" or names separated by commas; a name that holds commas is taken as a whole.
std::vector<NamedView> FindNamedViews(const Capture& capture, const std::string& text);

}  // namespace semfield
