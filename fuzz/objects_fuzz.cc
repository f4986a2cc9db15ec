// A category of objects: category.json, then transforms.json and keypoints.json of its object, and
// pairs.json.
#include "fuzz_support.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/codecs.h"

namespace semfield::fuzz {
namespace {

constexpr int kSide = 4, kColumns = 2;

void WriteSheetsOnce(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "rgba_sheet.png")) return;
  WritePng(folder / "parts_sheet.png", ImageU8(kColumns * kSide, kSide, 1, 1));
  WritePng(folder / "rgba_sheet.png", ImageU8(kColumns * kSide, kSide, 4, 255));
}

void CheckObject(const ObjectCategory& category, const ObjectViews& object) {
  Require(object.num_views() > 0, "an object has views");
  for (const Pose& pose : object.world_from_camera) Require(IsRigid(pose, 1e-6), "poses are rigid");
  Require(object.keypoints.empty() || object.keypoints.size() == category.keypoints.size(),
          "keypoints are those of the category");
  for (const ObjectKeypoint& keypoint : object.keypoints) {
    Require(!keypoint.position || keypoint.position->allFinite(), "places are finite");
    Require(static_cast<int>(keypoint.visible.size()) == object.num_views(), "visibility of each view");
  }
  for (const ImageU8& picture : object.Pictures())
    Require(picture.width == object.camera.width && picture.height == object.camera.height &&
                picture.channels == 4,
            "pictures of the camera's size with alpha");
  for (const ImageU8& parts : object.PartMaps())
    Require(parts.width == object.camera.width && parts.height == object.camera.height,
            "part maps of its size");
}

}  // namespace
}  // namespace semfield::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  const auto parts = fuzz::TextParts(fuzz::Text(data, size), 4);
  const auto folder = fuzz::Folder() / "objects", object = folder / "thing_0";
  fuzz::WriteBytes(folder / "category.json", parts[0]);
  fuzz::WriteBytes(object / "transforms.json", parts[1]);
  fuzz::WriteBytes(object / "keypoints.json", parts[2]);
  fuzz::WriteBytes(folder / "pairs.json", parts[3]);
  fuzz::WriteSheetsOnce(object);
  return fuzz::Check([&] {
    const ObjectCategory category = ReadObjectCategory(folder);
    for (const auto& one : category.objects) fuzz::CheckObject(category, *one);
    const ObjectPairLists pairs = ReadObjectPairs(category);
    for (const auto& list : {pairs.cross_instance, pairs.novel_view}) {
      for (const ObjectPair& pair : list) {
        fuzz::Require(pair.source >= 0 && pair.source < static_cast<int>(category.objects.size()) &&
                          pair.source_view < category.objects[pair.source]->num_views(),
                      "pairs name objects and views that are there");
      }
    }
  });
}
