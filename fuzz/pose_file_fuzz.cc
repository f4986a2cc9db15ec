// A view given as a JSON file with a camera and a pose.
#include "fuzz_support.h"
#include "semfield/run/named_view.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto file = fuzz::Folder() / "view.json";
  fuzz::WriteBytes(file, fuzz::Text(data, size));
  return fuzz::Check([&] {
    const NamedView view = FindNamedView(Capture(), file.string());
    fuzz::Require(view.name == "view", "a name that is safe for files");
    fuzz::Require(IsRigid(view.world_from_camera), "a rigid pose");
    const Camera& c = view.camera;
    fuzz::Require(c.width >= 1 && c.width <= 16384 && c.height >= 1 && c.height <= 16384, "a size");
    fuzz::Require(c.fx > 0 && c.fy > 0 && std::isfinite(c.fx) && std::isfinite(c.fy), "a focal length");
    fuzz::Require(std::isfinite(c.cx) && std::isfinite(c.cy), "a principal point");
  });
}
