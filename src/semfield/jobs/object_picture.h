#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/geometry/camera.h"
#include "semfield/image/image.h"

namespace semfield {

// A picture of one object, of which nobody knows the camera.
struct ObjectPictureSource {
  std::string path;                // file
  std::vector<std::string> click;  // X,Y on the object, in its pixels: SAM cuts it out; none: it has alpha
  std::string teacher = "sam";     // who cuts it out
  std::string onnxruntime = {};    // path of its library; empty: searched
  std::string click_option = "--click";  // how messages call the click
};

// The object on a square, RGBA with straight alpha: of a click the square around what was cut out. No alpha
// and no click, or transparent everywhere: InputError.
ImageU8 ReadObjectPicture(const ObjectPictureSource& source, const StopToken* stop);

// The camera that such a picture is taken to have: the field of view of the objects that were trained on.
Camera CameraOfObjectPicture(const ImageU8& picture);

}  // namespace semfield
