// Renders of objects as pixelNeRF takes them: intrinsics.txt of an object, then the pose of its picture.
#include "fuzz_support.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/geometry/pose.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto parts = fuzz::TextParts(fuzz::Text(data, size), 2);
  const auto folder = fuzz::Folder() / "renders_train", object = folder / "thing_0";
  fuzz::WriteBytes(object / "intrinsics.txt", parts[0]);
  fuzz::WriteBytes(object / "pose" / "000000.txt", parts[1]);
  std::filesystem::create_directories(object / "rgb");
  fuzz::WriteImagesOnce(object / "rgb", {"000000.png"});
  return fuzz::Check([&] {
    const ObjectCategory category = ReadObjectCategory(folder);
    fuzz::Require(category.objects.size() == 1, "one folder is one object");
    const ObjectViews& only = *category.objects.front();
    fuzz::Require(only.num_views() == 1, "one picture is one view");
    fuzz::Require(IsRigid(only.world_from_camera.front(), 1e-6), "poses are rigid");
    for (const ImageU8& picture : only.Pictures())
      fuzz::Require(picture.width == only.camera.width && picture.channels == 4, "pictures have alpha");
  });
}
