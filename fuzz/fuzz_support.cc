#include "fuzz_support.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/text.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"

namespace semfield::fuzz {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLengthBytes = 3;
constexpr size_t kLongestMessage = 8192;

long num_answers = 0;

struct OwnFolder {
  fs::path path = fs::temp_directory_path() / ("semfield-fuzz-" + std::to_string(::getpid()));
  OwnFolder() {
    fs::create_directories(path);
    SetLogLevel(LogLevel::kSilent);
    SetNumThreads(1);
  }
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

const fs::path& Folder() {
  static const OwnFolder folder;
  return folder.path;
}

void WriteBytes(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  if (!file) {
    fs::create_directories(path.parent_path());
    file.open(path, std::ios::binary);
  }
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  Require(file.good(), "the temporary folder can be written");
}

void WriteImagesOnce(const fs::path& folder, const std::vector<std::string>& names) {
  if (fs::exists(folder / names.back())) return;
  const std::vector<std::byte> png = EncodePng(ImageU8(16, 12, 3, 50));
  for (const std::string& name : names)
    WriteBytes(folder / name, {reinterpret_cast<const char*>(png.data()), png.size()});
}

std::vector<std::string_view> TextParts(std::string_view text, size_t count) {
  constexpr std::string_view kBetween = "\n---\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const size_t end = std::min(text.find(kBetween), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + kBetween.size(), text.size()));
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> BinaryParts(std::string_view bytes, size_t count) {
  std::vector<size_t> lengths(count, bytes.size());
  for (size_t i = 0; i + 1 < count; ++i) {
    lengths[i] = 0;
    for (size_t k = 0; k < std::min(kLengthBytes, bytes.size()); ++k)
      lengths[i] |= static_cast<size_t>(static_cast<unsigned char>(bytes[k])) << (8 * k);
    bytes.remove_prefix(std::min(kLengthBytes, bytes.size()));
  }
  std::vector<std::string_view> parts;
  for (const size_t length : lengths) {
    parts.push_back(bytes.substr(0, length));
    bytes.remove_prefix(parts.back().size());
  }
  return parts;
}

std::string JoinParts(const std::vector<std::string>& parts) {
  std::string bytes;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    for (size_t k = 0; k < kLengthBytes; ++k) bytes.push_back(static_cast<char>(parts[i].size() >> (8 * k)));
  }
  for (const std::string& part : parts) bytes += part;
  return bytes;
}

void Require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

void ExpectAnswerOrError(void (*body)(const void*), const void* argument) {
  Folder();  // quiet, on one thread
  try {
    body(argument);
    ++num_answers;
  } catch (const Error& error) {
    const std::string message = error.what();
    Require(error.kind() != ErrorKind::kInterrupted, "nobody interrupts");
    Require(!message.empty() && message.size() <= kLongestMessage, "a message people can read");
  }
}

long NumAnswers() {
  return num_answers;
}

int CheckCapture(const fs::path& folder, const std::string& format) {
  return Check([&] {
    const Capture capture = ReadCapture(folder, {.format = format});
    Require(capture.views.size() >= 3, "at least 3 views");
    const std::string inside = fs::canonical(folder).string() + "/";
    for (const View& view : capture.views) {
      Require(IsUtf8(view.name), "names are UTF-8");
      Require(IsRigid(view.world_from_camera), "rigid poses");
      const ImageInfo info = ReadImageInfo(view.image);
      Require(info.width == view.camera.width && info.height == view.camera.height, "a camera of its image");
      for (const fs::path* file : {&view.image, &view.mask, &view.depth, &view.semantic, &view.instance}) {
        Require(file->empty() || fs::canonical(*file).string().rfind(inside, 0) == 0,
                "files inside the capture");
      }
    }
    for (const Observation& seen : capture.observations) {
      Require(seen.view < capture.views.size() && seen.point < capture.points.size(),
              "observations of points");
    }
    for (const auto* list : {&capture.train, &capture.held_out}) {
      for (const int index : *list)
        Require(index >= 0 && index < static_cast<int>(capture.views.size()), "a split of views");
    }
    Require(capture.bounds.min.allFinite() && capture.bounds.max.allFinite(), "finite bounds");
    Require((capture.bounds.max - capture.bounds.min).minCoeff() >= 0, "bounds in order");
  });
}

}  // namespace semfield::fuzz
