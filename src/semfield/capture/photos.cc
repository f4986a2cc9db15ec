#include "semfield/capture/photos.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/base/text.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/image_folder.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"
#include "semfield/image/exif.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr int kCopyQuality = 95;
constexpr int kMaxListed = 100000;

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && !error;
}

std::string LowerExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool IsVideo(const fs::path& path) {
  using std::string_view_literals::operator""sv;
  std::ifstream file(path, std::ios::binary);
  std::string start(12, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (file.gcount() < static_cast<std::streamsize>(start.size())) return false;
  const std::string_view text = start;
  if (text.substr(4, 4) == "ftyp"sv) {
    return SniffImageFormat(std::as_bytes(std::span(start))) == "unknown";  // not HEIC or AVIF
  }
  if (text.substr(4, 4) == "moov"sv || text.substr(4, 4) == "wide"sv || text.substr(4, 4) == "mdat"sv)
    return true;
  if (text.substr(0, 4) == "\x1a\x45\xdf\xa3"sv) return true;  // Matroska, WebM
  if (text.substr(0, 4) == "RIFF"sv && text.substr(8, 4) == "AVI "sv) return true;
  if (text.substr(0, 4) == "\0\0\1\xba"sv || text.substr(0, 4) == "\0\0\1\xb3"sv) return true;  // MPEG
  const std::string extension = LowerExtension(path);
  return text[0] == '\x47' && (extension == ".ts" || extension == ".mts" || extension == ".m2ts");
}

void CountUnread(const fs::path& folder, PhotoSource* source) {
  static const std::set<std::string> kinds = {".heic", ".heif", ".avif", ".webp", ".tif", ".tiff", ".dng",
                                              ".cr2",  ".cr3",  ".nef",  ".arw",  ".raf", ".orf",  ".rw2"};
  std::error_code error;
  int seen = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && seen < kMaxListed;
       it.increment(error), ++seen) {
    const std::string name = it->path().filename().string();
    if (name.empty() || name.front() == '.' || kinds.count(LowerExtension(it->path())) == 0) continue;
    if (source->num_unread++ == 0 || name < source->unread) source->unread = name;
  }
}

std::string ConversionAdvice(const std::string& name) {
  const std::string extension = LowerExtension(name);
  if (extension == ".heic" || extension == ".heif") {
    return "heif-convert -q 95 " + PrintableText(name) + " " +
           PrintableText(fs::path(name).replace_extension(".jpg").string()) +
           " makes a JPEG of one (Debian: apt-get install libheif-examples); a phone set to \"most "
           "compatible\" takes JPEGs from the start";
  }
  return "export them as JPEG first";
}

// ---- Taking in

struct Photo {
  std::string source_name, name;
  bool usable = false;
  std::string problem;
  ImageInfo info;
  ExifData exif;
};

// A name that lists, pose files and terminals can hold.
std::string SafeImageName(const std::string& name) {
  std::string safe;
  const bool utf8 = IsUtf8(name);
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool bad = byte < 32 || byte == 127 || c == '\\' || (byte > 127 && !utf8);
    safe += bad ? '_' : c;
  }
  return safe;
}

void NamePhotos(std::vector<Photo>* photos) {
  std::set<std::string> taken;
  for (const Photo& photo : *photos) {
    if (SafeImageName(photo.source_name) == photo.source_name) taken.insert(photo.source_name);
  }
  for (Photo& photo : *photos) {
    photo.name = SafeImageName(photo.source_name);
    if (photo.name == photo.source_name) continue;
    const fs::path safe = photo.name;
    for (int i = 2; !taken.insert(photo.name).second; ++i) {
      photo.name = fmt::format("{}_{}{}", safe.stem().string(), i, safe.extension().string());
    }
  }
}

std::vector<Photo> Examine(const PhotoSource& source, bool allow_outside) {
  std::vector<Photo> photos(source.names.size());
  ParallelFor(static_cast<int64_t>(photos.size()), [&](int64_t i, int) {
    Photo& photo = photos[i];
    photo.source_name = source.names[i];
    try {
      const fs::path file = source.path / photo.source_name;
      if (!allow_outside && LeadsOutside(source.path, file)) {
        throw InputError(
            "{}: a link that leaves the folder of the photos. Give --allow-outside if it may be read",
            file.string());
      }
      photo.info = ReadImageInfo(file);
      photo.exif = ReadExif(file);
      if (photo.exif.orientation >= 5) std::swap(photo.info.width, photo.info.height);
      photo.usable = true;
    } catch (const Error& error) {
      photo.problem = error.what();
    }
  });
  NamePhotos(&photos);
  return photos;
}

// The file under a second name, which outlives the first one and lies within the capture; a copy where the
// file system cannot (another disk).
void LinkPhoto(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(fs::canonical(from, error), to, error);
  if (error) WriteFileAtomically(to, ReadFile(from));
}

void TurnPhoto(const fs::path& from, const fs::path& to, int orientation) {
  const ImageU8 upright = Upright(ReadImage(from), orientation);
  if (LowerExtension(to) == ".png") {
    WritePng(to, upright);
  } else {
    WriteJpeg(to, upright, kCopyQuality);
  }
}

// White where the photo counts, of the upright photo's size.
void TakeInMask(const fs::path& file, const Photo& photo, const fs::path& to) {
  const ImageU8 stored = ReadImage(file);
  ImageU8 mask(stored.width, stored.height, 1);
  for (size_t p = 0; p < mask.num_pixels(); ++p) {
    for (int c = 0; c < std::min(stored.channels, 3); ++c) {
      if (stored.data[p * stored.channels + c] != 0) mask.data[p] = 255;
    }
  }
  const int width = photo.info.width, height = photo.info.height;
  const bool stands =
      photo.exif.orientation >= 5 && width != height && SameAspect(mask.width, mask.height, width, height);
  if (!stands) mask = Upright(mask, photo.exif.orientation);
  if (!SameAspect(mask.width, mask.height, width, height)) {
    throw InputError("{}: {}x{} pixels are no scaling of the photo '{}' ({}x{})", file.string(), mask.width,
                     mask.height, photo.name, width, height);
  }
  if (mask.width != width || mask.height != height) mask = ResizeNearest(mask, width, height);
  WritePng(to, mask);
}

std::vector<PhotoCamera> GroupByCamera(const std::vector<Photo>& photos) {
  std::map<std::tuple<int, int, std::string, std::string, double>, PhotoCamera> groups;
  for (const Photo& photo : photos) {
    if (!photo.usable) continue;
    const ImageInfo& info = photo.info;
    const double focal = FocalLengthPixels(photo.exif, info.width, info.height);
    PhotoCamera& camera = groups[{info.width, info.height, photo.exif.make, photo.exif.model, focal}];
    camera.width = info.width;
    camera.height = info.height;
    camera.focal_pixels = focal;
    camera.names.push_back(photo.name);
  }
  std::vector<PhotoCamera> cameras;
  for (auto& [key, camera] : groups) cameras.push_back(std::move(camera));
  return cameras;
}

void ReplaceFolder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directories(folder, error);
  if (error) throw ResourceError("{}: cannot be made: {}", folder.string(), error.message());
}

}  // namespace

PhotoSource FindPhotos(const fs::path& path) {
  PhotoSource source;
  if (IsFile(path)) {
    if (IsVideo(path)) source = {.kind = PhotoSource::Kind::kVideo, .path = path};
    return source;
  }
  if (!IsFolder(path)) return source;
  // With a pose file that no reader took, damage must be said and not be worked around.
  for (const char* name :
       {"transforms.json", "transforms_train.json", "poses_bounds.npy", "reconstruction.json", "bundle.out",
        "cameras.bin", "cameras.txt", "metadata.json"}) {
    if (IsFile(path / name)) return source;
  }
  if (IsFile(path / kPosesFile)) return {.kind = PhotoSource::Kind::kUnfinished, .path = path};
  for (const char* inner : {"", "images", "input"}) {
    const fs::path folder = *inner == '\0' ? path : path / inner;
    CountUnread(folder, &source);
    source.names = ImageNamesIn(folder);
    if (source.names.empty()) continue;
    source.kind = PhotoSource::Kind::kPhotos;
    source.path = folder;
    for (const fs::path& masks : {folder / "masks", path / "masks"}) {
      if (source.masks.empty() && IsFolder(masks)) source.masks = masks;
    }
    return source;
  }
  if (source.num_unread > 0) source.kind = PhotoSource::Kind::kUnread;
  source.path = path;
  return source;
}

std::string DescribeUnposed(const PhotoSource& source, const fs::path& path) {
  switch (source.kind) {
    case PhotoSource::Kind::kNone:
      return {};
    case PhotoSource::Kind::kPhotos:
      return fmt::format(
          "{}: {} photos without poses. \"semfield poses {} --out CAPTURE\" recovers them once; "
          "\"scene\" and \"train\" do so by themselves",
          path.string(), source.names.size(), path.string());
    case PhotoSource::Kind::kVideo:
      return fmt::format(
          "{}: a video, which has no poses. \"semfield poses {} --out CAPTURE\" takes sharp frames and "
          "recovers them once; \"scene\" and \"train\" do so by themselves",
          path.string(), path.string());
    case PhotoSource::Kind::kUnread:
      return fmt::format("{}: {} photos, of which none can be read (such as {}): expected JPEG or PNG. {}",
                         path.string(), source.num_unread, PrintableText(source.unread),
                         ConversionAdvice(source.unread));
    case PhotoSource::Kind::kUnfinished:
      return fmt::format(
          "{}: its poses are not recovered to the end. Run \"semfield poses\" again with the same photos "
          "and --out {}: it goes on where it stopped",
          path.string(), path.string());
  }
  return {};
}

Json ToJson(const std::vector<PhotoCamera>& cameras) {
  Json json = Json::array();
  for (const PhotoCamera& camera : cameras) {
    json.push_back({{"width", camera.width},
                    {"height", camera.height},
                    {"focal_pixels", camera.focal_pixels},
                    {"names", camera.names}});
  }
  return json;
}

std::vector<PhotoCamera> PhotoCamerasFromJson(const Json& json, const std::string& where) {
  std::vector<PhotoCamera> cameras;
  try {
    for (const Json& entry : json) {
      PhotoCamera camera{.width = entry.at("width").get<int>(),
                         .height = entry.at("height").get<int>(),
                         .focal_pixels = entry.at("focal_pixels").get<double>(),
                         .names = entry.at("names").get<std::vector<std::string>>()};
      const bool good = camera.width > 0 && camera.height > 0 && camera.focal_pixels >= 0 &&
                        camera.focal_pixels < 1e7 && !camera.names.empty();
      const auto unsafe = [](const std::string& name) {
        return name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
               SafeImageName(name) != name;
      };
      if (!good || std::any_of(camera.names.begin(), camera.names.end(), unsafe)) {
        throw InputError("out of range");
      }
      cameras.push_back(std::move(camera));
    }
  } catch (const std::exception&) {
    throw InputError("{}: damaged; add --restart to recover the poses anew", where);
  }
  return cameras;
}

PhotoIntake TakeInPhotos(const PhotoSource& source, const fs::path& capture, bool allow_outside,
                         const JobControl& control) {
  std::vector<Photo> photos = Examine(source, allow_outside);
  ReplaceFolder(capture / "images");
  std::error_code ignored;
  fs::remove_all(capture / "masks", ignored);

  std::atomic<int> done{0}, masks{0}, turned{0};
  std::mutex reporting;
  ParallelFor(static_cast<int64_t>(photos.size()), [&](int64_t i, int) {
    control.ThrowIfStopped();
    Photo& photo = photos[i];
    const fs::path from = source.path / photo.source_name, to = capture / "images" / photo.name;
    if (photo.usable) {
      try {
        if (photo.exif.orientation == 1) {
          LinkPhoto(from, to);
        } else {
          TurnPhoto(from, to, photo.exif.orientation);
          ++turned;
        }
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
        photo.usable = false;
        photo.problem = error.what();
      }
    }
    fs::path mask;
    if (photo.usable && !source.masks.empty()) {
      const CaptureFiles disk(source.masks, source.masks, allow_outside);
      mask = FindMaskFile(disk, source.masks, photo.source_name);
    }
    if (!mask.empty()) {
      TakeInMask(mask, photo, capture / "masks" / (photo.name + ".png"));
      ++masks;
    }
    const std::lock_guard<std::mutex> lock(reporting);
    control.Report({.stage = "photos",
                    .done = static_cast<double>(++done),
                    .total = static_cast<double>(photos.size()),
                    .detail = PrintableText(photo.source_name)});
  });

  PhotoIntake intake{.cameras = GroupByCamera(photos), .num_turned = turned, .num_masks = masks};
  for (const Photo& photo : photos) {
    if (!photo.usable) intake.warnings.push_back("left out: " + photo.problem);
  }
  if (source.num_unread > 0) {
    intake.warnings.push_back(fmt::format("{} photos of other kinds are left out, such as {}: {}",
                                          source.num_unread, PrintableText(source.unread),
                                          ConversionAdvice(source.unread)));
  }
  return intake;
}

}  // namespace semfield
