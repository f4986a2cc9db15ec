// Makes the seeds of the fuzz targets with semfield's own writers: fuzz_make_corpus FOLDER. Files there that
// are not seeds (kept findings) stay.
#include <Eigen/Geometry>
#include <cstdio>

#include "fuzz_support.h"
#include "semfield/base/atomic_file.h"
#include "semfield/base/options.h"
#include "semfield/capture/test_support.h"
#include "semfield/capture/writers/writer.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/stand_in_graphs.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/training/checkpoint.h"

namespace semfield::fuzz {
namespace {

namespace fs = std::filesystem;
using testing_support::CircleJson;
using testing_support::CirclePose;
using testing_support::MatrixJson;

constexpr int kViews = 4;

fs::path corpus;

void Seed(const std::string& target, const std::string& name, const std::string& bytes) {
  WriteBytes(corpus / target / name, bytes);
}

std::string AsText(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Json RichTransforms() {
  Json json = CircleJson(kViews);
  json["camera_model"] = "OPENCV";
  json["k1"] = 0.01;
  json["p1"] = -0.001;
  json["aabb"] = Json::array({Json::array({-1, -1, -1}), Json::array({1, 1, 1})});
  json["depth_unit_m"] = 0.002;
  json["applied_transform"] = MatrixJson(Mat4::Identity());
  json["test_filenames"] = Json::array({"images/001.png"});
  json["frames"][0]["mask_path"] = "images/001.png";
  json["frames"][1]["camera_angle_x"] = 0.8;
  json["frames"][2]["near_depth"] = 1.5;
  json["frames"][2]["far_depth"] = 7;
  return json;
}

void SeedCaptures() {
  const fs::path folder = Folder() / "seeds";
  testing_support::WriteImages(folder, kViews);
  WriteJsonFile(folder / "transforms.json", CircleJson(kViews));
  Capture capture = ReadCapture(folder);
  for (int i = 0; i < 12; ++i) capture.points.push_back({Vec3(0.1 * i, 0, 0.05 * i), {1, 2, 3}, 0.5f});
  for (uint32_t i = 0; i < 12; ++i) capture.observations.push_back({i % kViews, i, 8, 6});
  for (const char* format : {"colmap", "colmap-text", "llff"})
    WriteCapture(capture, Folder() / format, format);
  const auto model = [&](const std::string& format, const std::string& name) {
    return ReadTextFile(Folder() / format / "sparse/0" / name);
  };
  const std::string binary = JoinParts(
      {model("colmap", "cameras.bin"), model("colmap", "images.bin"), model("colmap", "points3D.bin")});
  Seed("colmap_binary", "circle", binary);
  Seed("colmap_text", "circle",
       model("colmap-text", "cameras.txt") + "\n---\n" + model("colmap-text", "images.txt") + "\n---\n" +
           model("colmap-text", "points3D.txt"));
  const std::string npy = ReadTextFile(Folder() / "llff/poses_bounds.npy");
  Seed("llff", "circle", npy);
  Seed("transforms", "circle", CircleJson(kViews).dump());
  Seed("transforms", "rich", RichTransforms().dump());
  const auto entry = [](int name, const std::string& bytes) {
    return std::string{static_cast<char>(name), 0, static_cast<char>(bytes.size()),
                       static_cast<char>(bytes.size() >> 8)} +
           bytes;
  };
  const auto link = [](int name, int target) {
    return std::string{static_cast<char>(name), static_cast<char>(128), static_cast<char>(target), 0};
  };
  Seed("folder", "transforms", entry(0, CircleJson(kViews).dump()));
  Seed("folder", "llff", entry(4, npy));
  Seed("folder", "colmap",
       entry(5, model("colmap", "cameras.bin")) + entry(6, model("colmap", "images.bin")));
  Seed("folder", "link_to_image", entry(0, CircleJson(kViews).dump()) + link(16, 0));
  Seed("folder", "link_to_folder", entry(0, CircleJson(kViews).dump()) + link(24, 1));
  Seed("folder", "link_to_mask", entry(4, npy) + link(20, 2));
  Seed("folder", "loop", entry(0, CircleJson(kViews).dump()) + link(16, 9) + link(17, 5));
  Seed("folder", "linked_poses", link(0, 7));
}

Json Vector(const Vec3& v) {
  return Json::array({v.x(), v.y(), v.z()});
}

void SeedOpenSfm() {
  Json reconstruction;
  reconstruction["cameras"]["phone"] = {{"projection_type", "brown"},
                                        {"width", 16},
                                        {"height", 12},
                                        {"focal_x", 1.2},
                                        {"focal_y", 1.2},
                                        {"c_x", 0.0},
                                        {"c_y", 0.0},
                                        {"k1", 0.01},
                                        {"p1", 0.001}};
  for (int i = 0; i < kViews; ++i) {
    const Pose pose = CirclePose(i, kViews).Inverse();
    const Eigen::AngleAxisd turn(pose.rotation);
    reconstruction["shots"][fmt::format("{:03}.png", i)] = {{"camera", "phone"},
                                                            {"rotation", Vector(turn.angle() * turn.axis())},
                                                            {"translation", Vector(pose.translation)}};
  }
  reconstruction["points"]["7"] = {{"coordinates", Json::array({0.1, 0.2, 0.3})},
                                   {"color", Json::array({1, 2, 255})}};
  Seed("opensfm", "circle", Json::array({reconstruction}).dump());
}

void SeedBundler() {
  std::string text = fmt::format("# Bundle file v0.3\n{} 2\n", kViews), list;
  for (int i = 0; i < kViews; ++i) {
    const Pose pose = FlipOpenGlOpenCv(CirclePose(i, kViews)).Inverse();
    text += "20 0.01 -0.01\n";
    for (int r = 0; r < 3; ++r)
      text += fmt::format("{} {} {}\n", pose.rotation(r, 0), pose.rotation(r, 1), pose.rotation(r, 2));
    text += fmt::format("{} {} {}\n", pose.translation.x(), pose.translation.y(), pose.translation.z());
    list += fmt::format("images/{:03}.png 0 20\n", i);
  }
  for (int p = 0; p < 2; ++p) text += fmt::format("0.{} 0.2 0.3\n10 20 30\n2 0 0 1.5 2 1 0 -1 3\n", p);
  Seed("bundler", "circle", text + "\n---\n" + list);
}

void SeedPhones() {
  std::string frames;
  Json metadata = {{"w", 16}, {"h", 12}, {"K", {20, 0, 0, 0, 20, 0, 8, 6, 1}}, {"fps", 30}};
  for (int i = 0; i < kViews; ++i) {
    const Pose pose = FlipOpenGlOpenCv(CirclePose(i, kViews));
    const Eigen::Quaterniond q(pose.rotation);
    metadata["poses"].push_back(
        {q.x(), q.y(), q.z(), q.w(), pose.translation.x(), pose.translation.y(), pose.translation.z()});
    metadata["perFrameIntrinsicCoeffs"].push_back({20, 20, 8, 6});
    Json frame = {{"fx", 20}, {"fy", 20}, {"cx", 8}, {"cy", 6}, {"width", 16}, {"height", 12}};
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 4; ++c)
        frame[fmt::format("t_{}{}", r, c)] = c < 3 ? pose.rotation(r, c) : pose.translation[r];
    }
    if (i < 3) frames += (i == 0 ? "" : "\n---\n") + frame.dump();
  }
  Seed("polycam", "circle", frames);
  Seed("record3d", "circle", metadata.dump());
}

// As traj_w_c.txt has it (on one line), or a pose file.
std::string PoseText(int view, const char* between_rows) {
  const Mat4 m = CirclePose(view, kViews).Matrix();
  std::string text;
  for (int k = 0; k < 16; ++k) text += fmt::format("{}{}", m(k / 4, k % 4), k % 4 == 3 ? between_rows : " ");
  return text;
}

void SeedLabelledScenes() {
  const std::string intrinsic = "20 0 7.5 0\n0 20 5.5 0\n0 0 1 0\n0 0 0 1\n";
  Seed("scannet", "circle",
       intrinsic + "\n---\n" + PoseText(0, "\n") +
           "\n---\nid\traw_category\tnyu40id\n1\twall\t1\n4\tchair\t5\n");
  std::string poses;
  for (int i = 0; i < 6; ++i) poses += PoseText(i, " ") + "\n";
  Seed("replica", "circle", poses + "\n---\n{\"classes\": [{\"id\": 0, \"name\": \"wall\"}]}");
}

void SeedObjects() {
  const Json category = {{"category", "thing"},
                         {"parts", {"background", "lid"}},
                         {"keypoints", {"left", "right"}},
                         {"mirrored_keypoints", Json::array({{"left", "right"}})},
                         {"objects", Json::array({{{"id", "thing_0"}}})}};
  Json frames = Json::array();
  for (int view = 0; view < 2; ++view)
    frames.push_back({{"tile", view}, {"transform_matrix", MatrixJson(CirclePose(view, kViews).Matrix())}});
  const Json transforms = {{"w", 4},
                           {"h", 4},
                           {"fl_x", 4},
                           {"fl_y", 4},
                           {"cx", 2},
                           {"cy", 2},
                           {"sheet_columns", 2},
                           {"rgba_sheet", "rgba_sheet.png"},
                           {"parts_sheet", "parts_sheet.png"},
                           {"object", {{"parts_present", {1}}}},
                           {"frames", frames}};
  const Json keypoints = {
      {"keypoints", Json::array({{{"name", "left"}, {"xyz", {0.1, 0, 0.2}}, {"visible", {1, 0}}},
                                 {{"name", "right"}, {"xyz", nullptr}}})}};
  const Json pairs = {{"objects", {"thing_0"}},
                      {"cross_instance", Json::array({{0, 0, 1}})},
                      {"novel_view", Json::array({{0, 0, 1}})}};
  Seed("objects", "thing",
       category.dump() + "\n---\n" + transforms.dump() + "\n---\n" + keypoints.dump() + "\n---\n" +
           pairs.dump());
  Seed("shapenet", "circle", "36 8 6 0.\n0. 0. 0.\n1.\n12 16\n\n---\n" + PoseText(1, " "));
}

void SeedImages() {
  ImageU8 rgb(23, 9, 3);
  for (size_t i = 0; i < rgb.data.size(); ++i) rgb.data[i] = static_cast<uint8_t>(i * 7);
  ImageU8 gray(17, 5, 1, 99), rgba(8, 8, 4, 200);
  ImageU16 depth(11, 6, 1);
  for (size_t i = 0; i < depth.data.size(); ++i) depth.data[i] = static_cast<uint16_t>(i * 997);
  Seed("jpeg", "rgb", AsText(EncodeJpeg(rgb, 92)));
  Seed("jpeg", "rgb_420", AsText(EncodeJpeg(rgb, 50)));
  Seed("jpeg", "gray", AsText(EncodeJpeg(gray, 80)));
  Seed("png", "rgb", AsText(EncodePng(rgb)));
  Seed("png", "gray", AsText(EncodePng(gray)));
  Seed("png", "rgba", AsText(EncodePng(rgba)));
  Seed("png", "depth", AsText(EncodePng16(depth)));
  // The header of an image bomb: 65500 x 65500 pixels in a file of some hundred bytes.
  std::string bomb = AsText(EncodePng(gray));
  for (const size_t at : {16, 20}) bomb.replace(at, 4, std::string("\0\0\xff\xdc", 4));
  Seed("png", "bomb", bomb);
}

void SeedModels() {
  const ModelCard card = WriteStandIn(Folder(), "stand-in", StandInMasks::kAll);
  Seed("model_card", "stand_in", ModelCardToJson(card).dump());
  Seed("onnx_taps", "encoder", JoinParts({"/neck", StandInEncoder()}));
  Seed("onnx_taps", "decoder", JoinParts({"all_masks", StandInDecoder(StandInMasks::kOneWithSamNames)}));
  const std::vector<float> grid(8, 0.5f);
  const std::vector<uint8_t> bits(3, 1);
  const std::vector<TensorView> tensors = {{"grid", "F32", {4, 2}, std::as_bytes(std::span(grid))},
                                           {"bits", "U8", {3}, std::as_bytes(std::span(bits))}};
  const fs::path file = Folder() / "seed.safetensors";
  SaveCheckpoint(file, "radiance", tensors, {{"state", R"({"step": 3})"}});
  Seed("checkpoint", "radiance", ReadTextFile(file));
  std::string header =
      R"({"__metadata__":{"state":"{\"step\":3,\"seconds\":1.5}"},"grid":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  header.resize(128, ' ');
  Seed("checkpoint", "plain", std::string("\x80\0\0\0\0\0\0\0", 8) + header + std::string(8, '\1'));
}

void SeedTexts() {
  Seed(
      "config", "run",
      R"({"semfield_version":"0.1.0","train":{"capture":"/a","capture_hash":"00","format":"transforms",)"
      R"("allow_outside":false,"downscale":2,"plan":null,"options":{"steps":100,"background":"white","seed":3}},)"
      R"("imitate-sam":{"channels":256,"grid":64,"options":{"steps":50,"seed":1}}})");
  Seed("prompts", "clicks", "320,240\n10.5,20,-\n---\n1,2,30,40\n---\ntrue");
  Seed("prompts", "cut", "320\n240\n+\n---\n---\n0.5,a,b");
  Json view = {{"w", 640}, {"h", 480}, {"fl_x", 500}, {"cx", 320}, {"cy", 240}};
  view["transform_matrix"] = MatrixJson(FlipOpenGlOpenCv(CirclePose(1, kViews)).Matrix());
  Seed("pose_file", "opengl", view.dump());
  view.erase("transform_matrix");
  view["world_from_camera"] = MatrixJson(CirclePose(1, kViews).Matrix());
  Seed("pose_file", "opencv", view.dump());
  Seed("labels", "cup",
       R"({"classes":["wall","cup"],"instances":{"1":{"name":"my cup","class":"cup","class_id":1},"2":{}}})");
}

void SeedMeshes() {
  Seed("ply", "quad",
       "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
       "element face 1\nproperty list uchar int vertex_indices\nproperty ushort instance\nend_header\n"
       "0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3 7\n");
  const Mesh triangle{.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}},
                      .faces = {{0, 1, 2}},
                      .colors = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}};
  Seed("ply", "triangle", AsText(EncodePly(triangle)));
}

}  // namespace

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_make_corpus FOLDER\n");
    return 2;
  }
  corpus = argv[1];
  SeedCaptures();
  SeedOpenSfm();
  SeedBundler();
  SeedPhones();
  SeedLabelledScenes();
  SeedObjects();
  SeedImages();
  SeedModels();
  SeedTexts();
  SeedMeshes();
  return 0;
}

}  // namespace semfield::fuzz

int main(int argc, char** argv) {
  return semfield::fuzz::Main(argc, argv);
}
