#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"

namespace semfield {

// Name of the file that says what of a folder of recovered poses is done; see jobs/poses.h.
inline constexpr const char* kPosesFile = "poses.json";

// Photos or a video without poses.
struct PhotoSource {
  enum class Kind {
    kNone,
    kPhotos,
    kVideo,
    kUnread,      // photos, but of kinds that are not read
    kUnfinished,  // a folder that poses are being recovered in
  };
  Kind kind = Kind::kNone;
  std::filesystem::path path = {};      // the folder that holds the photos themselves, or the video
  std::vector<std::string> names = {};  // of the photos in `path`, in byte order
  std::filesystem::path masks = {};     // folder "masks" beside or in `path`; may be empty
  int num_unread = 0;                   // further photos of other kinds (HEIC, raw), and one of them
  std::string unread = {};
};

// What of this kind lies at `path`: a folder of JPEG or PNG photos, one with them in images/ or input/, or a
// video (told by its first bytes). A folder that holds a pose file, however damaged, is kNone. Cheap. More
// than a million photos: Error.
PhotoSource FindPhotos(const std::filesystem::path& path);

// For messages about a path that holds no poses: what is there and what to do with it. Empty for kNone.
std::string DescribeUnposed(const PhotoSource& source, const std::filesystem::path& path);

// Photos of one camera: of one size, maker, model and focal length.
struct PhotoCamera {
  int width = 0, height = 0;            // upright
  double focal_pixels = 0;              // from Exif; 0: not known
  std::vector<std::string> names = {};  // in images/
};
Json ToJson(const std::vector<PhotoCamera>& cameras);
// Anything missing or out of range: Error that starts with `where`.
std::vector<PhotoCamera> PhotoCamerasFromJson(const Json& json, const std::string& where);

struct PhotoIntake {
  std::vector<PhotoCamera> cameras = {};
  int num_turned = 0;  // copied upright, because Exif says that they lie or are mirrored
  int num_masks = 0;
  std::vector<std::string> warnings = {};  // photos that cannot be used, and why
};

// Fills `capture`/images with the photos as they are meant to be shown: those that stand upright already as
// the same files under a second name (hard links; copies where the file system has none of these), upright
// copies without Exif (JPEG quality 95, or PNG) of the others; the originals are only read. Names are kept,
// except that those that are not UTF-8 or hold control characters or backslashes are written anew. Masks go
// to `capture`/masks as "photo.jpg.png" of the photo's size, turned alike unless they stand already. Photos
// that are damaged, or links that lead out of their folder unless `allow_outside` (capture_files.h), are left
// out with a warning. What was in the two folders is replaced.
PhotoIntake TakeInPhotos(const PhotoSource& source, const std::filesystem::path& capture, bool allow_outside,
                         const JobControl& control);

}  // namespace semfield
