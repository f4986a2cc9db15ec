// A folder of anything: the input says which of many names are there, with what inside, and which are links.
// Entries: number of the name, kind (from 128 up: a link, else a file), length in 2 bytes, that many bytes.
#include <array>

#include "fuzz_support.h"

namespace {

constexpr std::array kNames = {"transforms.json",
                               "transforms_train.json",
                               "transforms_test.json",
                               "labels.json",
                               "poses_bounds.npy",
                               "sparse/0/cameras.bin",
                               "sparse/0/images.bin",
                               "sparse/0/points3D.bin",
                               "sparse/0/cameras.txt",
                               "sparse/0/images.txt",
                               "reconstruction.json",
                               "bundle.out",
                               "bundle/bundle.out",
                               "list.txt",
                               "keyframes/cameras/0.json",
                               "metadata.json",
                               "images/000.png",
                               "images/001.png",
                               "images/002.png",
                               "images/caf\xe9.png",
                               "masks/000.png",
                               "images/dynamic_mask_000.png",
                               "images_4/000.png",
                               "sparse/1",
                               "images"};
// Where links lead: outside, to themselves, in circles, to folders.
constexpr std::array kTargets = {"../outside/000.png",
                                 "../outside",
                                 "../../outside/000.png",
                                 ".",
                                 "..",
                                 "000.png",
                                 "/dev/zero",
                                 "/proc/self/environ",
                                 "images",
                                 "001.png",
                                 "transforms.json",
                                 "/"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield::fuzz;
  namespace fs = std::filesystem;
  const fs::path capture = Folder() / "capture";
  std::error_code ignored;
  fs::remove_all(capture, ignored);
  fs::create_directories(capture);
  WriteImagesOnce(Folder(), {"outside/000.png", "outside/001.png", "outside/002.png"});
  WriteImagesOnce(capture, {"images/000.png", "images/001.png", "images/002.png", "images/003.png"});
  std::string_view input = Text(data, size);
  for (int entries = 0; input.size() >= 4 && entries < 32; ++entries) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(input[i])); };
    const fs::path path = capture / kNames[byte(0) % kNames.size()];
    const bool link = byte(1) >= 128;
    const size_t length = link ? 0 : byte(2) | byte(3) << 8;
    fs::create_directories(path.parent_path(), ignored);
    const std::string parent = fs::weakly_canonical(path.parent_path(), ignored).string() + "/";
    const bool inside = parent.rfind(fs::canonical(capture).string() + "/", 0) == 0;  // we write nowhere else
    if (inside && link) {
      fs::remove_all(path, ignored);
      fs::create_symlink(kTargets[byte(2) % kTargets.size()], path, ignored);
    } else if (inside && fs::is_directory(path.parent_path(), ignored) && !fs::is_directory(path, ignored) &&
               !fs::is_symlink(fs::symlink_status(path, ignored))) {
      WriteBytes(path, input.substr(4, length));
    }
    input.remove_prefix(std::min(4 + length, input.size()));
  }
  return CheckCapture(capture, "");
}
