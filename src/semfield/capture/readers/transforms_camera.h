#pragma once

#include <string>

#include "semfield/capture/readers/json_fields.h"
#include "semfield/geometry/camera.h"
#include "semfield/image/codecs.h"

namespace semfield {

// What was odd about the cameras of a transforms.json but could be mended; counted over frames for one
// warning each.
struct CameraNotes {
  int resized = 0;  // intrinsics were scaled to the image
  std::string resized_example;
  int negative_angle = 0;      // a negative field of view: its absolute value was used
  int dropped_tangential = 0;  // p1/p2 given for a fisheye camera
  int pinhole_distorted = 0;   // camera_model PINHOLE beside nonzero k or p
};

// The camera of one frame, at the size of its image. Frame keys override file keys one by one; within one
// level fl_x/fl_y win over camera_angle_x/y; w and h fall back to the image's, cx and cy to the middle, fl_y
// to fl_x. Keys: w h fl_x fl_y cx cy camera_angle_x camera_angle_y k1..k4 p1 p2 camera_model is_fisheye.
Camera ReadTransformsCamera(const JsonFields& file, const JsonFields& frame, const ImageInfo& image,
                            CameraNotes* notes);

}  // namespace semfield
