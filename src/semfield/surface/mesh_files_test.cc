#include "semfield/surface/mesh_files.h"

#include <gtest/gtest.h>
#include <tiny_gltf.h>

#include <Eigen/Geometry>
#include <cmath>
#include <cstring>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/base/test_folder.h"
#include "semfield/image/codecs.h"
#include "semfield/surface/mesh_test_util.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

std::span<const std::byte> BytesOf(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string Message(const std::string& ply) {
  try {
    DecodePly(BytesOf(ply), "x.ply");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Ply, ComesBackAsItWasWritten) {
  const Mesh box = BoxMesh({0, 0, 0}, {1, 2, 3});
  const LabelledMesh back = DecodePly(EncodePly(box), "box.ply");
  EXPECT_EQ(back.mesh.vertices, box.vertices);
  EXPECT_EQ(back.mesh.faces, box.faces);
  EXPECT_TRUE(back.instances.empty());
}

TEST(Ply, OfOthersIsRead) {
  const std::string text =
      "ply\r\nformat ascii 1.0\r\ncomment by hand\nelement vertex 4\nproperty double x\nproperty float y\n"
      "property float z\nproperty uchar red\nelement face 1\nproperty list uchar uint vertex_index\n"
      "property ushort instance\nelement edge 1\nproperty int a\nend_header\n"
      "0 0 0 255\n1 0 0 255\n1 1 0 9\n0 1 0.5 9\n4 0 1 2 3 7\n12\n";
  const LabelledMesh quad = DecodePly(BytesOf(text), "quad.ply");
  EXPECT_EQ(quad.mesh.num_vertices(), 4);
  EXPECT_EQ(quad.mesh.vertices[3], Vec3f(0, 1, 0.5f));
  EXPECT_EQ(quad.mesh.faces, (std::vector<std::array<int32_t, 3>>{{0, 1, 2}, {0, 2, 3}}));
  EXPECT_EQ(quad.instances, (std::vector<int32_t>{7, 7}));
}

TEST(Ply, DamagedIsSaid) {
  const std::string head =
      "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
      "property float z\nelement face 1\nproperty list uchar int vertex_indices\n"
      "end_header\n0 0 0\n1 0 0\n0 1 0\n";
  EXPECT_EQ(Message(head + "3 0 1 2\n"), "");
  EXPECT_NE(Message(head + "3 0 1 3\n").find("vertex 3 of 3"), std::string::npos);
  EXPECT_NE(Message(head + "3 0 1 -1\n").find("no vertex"), std::string::npos);
  EXPECT_NE(Message(head + "3 0 1\n").find("ends before"), std::string::npos);
  EXPECT_NE(Message(head + "999999 0 1\n").find("a list of"), std::string::npos);
  EXPECT_NE(Message(head + "3 0 one 2\n").find("'one' is no number"), std::string::npos);
  EXPECT_NE(Message("obj\n").find("no PLY"), std::string::npos);
  EXPECT_NE(Message("ply\nelement vertex 3\n").find("does not end"), std::string::npos);
  EXPECT_NE(Message("ply\nend_header\n").find("no format"), std::string::npos);
  EXPECT_NE(Message("ply\nformat binary_big_endian 1.0\nend_header\n").find("expected ascii"),
            std::string::npos);
  EXPECT_NE(Message("ply\nformat ascii 1.0\nelement vertex 2000000000\nproperty float x\nend_header\n0\n")
                .find("do not fit"),
            std::string::npos);
  EXPECT_NE(Message("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\nnan\n")
                .find("not finite"),
            std::string::npos);
  std::vector<std::byte> binary = EncodePly(BoxMesh({0, 0, 0}, {1, 1, 1}));
  binary.resize(binary.size() - 1);
  EXPECT_THROW(DecodePly(binary, "x.ply"), Error);
}

TEST(LabelledPoints, KeepPlacesLabelsAndNames) {
  const Mesh box = BoxMesh({0, 0, 0}, {1, 2, 3});
  const std::vector<std::byte> bytes =
      EncodeLabelledPoints(box, {0, 1, 2, 0, 0, 0, 0, 2}, {"sofa", "bean bag"});
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_NE(text.find("comment label 2 bean bag\n"), std::string::npos);
  EXPECT_EQ(DecodePly(bytes, "points.ply").mesh.vertices, box.vertices);
  int32_t last;
  std::memcpy(&last, bytes.data() + bytes.size() - 4, 4);
  EXPECT_EQ(last, 2);
}

TEST(Obj, NamesItsObjectsAndCountsOn) {
  const std::string text = EncodeObj({{.name = "a b", .mesh = BoxMesh({0, 0, 0}, {1, 1, 1})},
                                      {.name = "c", .mesh = BoxMesh({2, 0, 0}, {3, 1, 1})}});
  EXPECT_NE(text.find("o a_b\nv 0 0 0 0.5020 0.5020 0.5020\n"), std::string::npos);
  EXPECT_NE(text.find("o c\n"), std::string::npos);
  EXPECT_NE(text.find("f 9 11 12\n"), std::string::npos);  // the second box's first face
}

TEST(Stl, HasItsCountAndNormals) {
  const std::vector<std::byte> bytes = EncodeStl(BoxMesh({0, 0, 0}, {1, 1, 1}));
  ASSERT_EQ(bytes.size(), 84u + 12 * 50);
  uint32_t count;
  std::memcpy(&count, bytes.data() + 80, 4);
  EXPECT_EQ(count, 12u);
  float normal[3];
  std::memcpy(normal, bytes.data() + 84, 12);
  EXPECT_EQ(normal[2], -1);
}

TEST(Glb, IsReadByTheLibraryWithPlacesColorsAndPivots) {
  const Mesh box = BoxMesh({1, 2, 3}, {2, 4, 6});
  const std::vector<std::byte> bytes =
      EncodeGlb({{.name = "box", .mesh = box, .pivot = {1.5, 2, 4.5}}, {.name = "other", .mesh = box}});
  EXPECT_EQ(bytes.size() % 4, 0u);
  tinygltf::Model model;
  tinygltf::TinyGLTF reader;
  std::string error, warning;
  ASSERT_TRUE(reader.LoadBinaryFromMemory(&model, &error, &warning,
                                          reinterpret_cast<const unsigned char*>(bytes.data()),
                                          static_cast<unsigned>(bytes.size())))
      << error;
  EXPECT_EQ(warning, "");
  ASSERT_EQ(model.nodes.size(), 2u);
  EXPECT_EQ(model.nodes[0].name, "box");
  EXPECT_EQ(model.nodes[0].translation, (std::vector<double>{1.5, 2, 4.5}));
  EXPECT_TRUE(model.nodes[1].translation.empty());
  const tinygltf::Primitive& primitive = model.meshes[0].primitives[0];
  const tinygltf::Accessor& places = model.accessors[primitive.attributes.at("POSITION")];
  EXPECT_EQ(places.count, 8u);
  EXPECT_EQ(places.minValues, (std::vector<double>{-0.5, 0, -1.5}));
  EXPECT_EQ(places.maxValues, (std::vector<double>{0.5, 2, 1.5}));
  const tinygltf::Accessor& colors = model.accessors[primitive.attributes.at("COLOR_0")];
  EXPECT_TRUE(colors.normalized);
  // White stays white, and the middle of sRGB is a fifth of the light.
  const tinygltf::BufferView& view = model.bufferViews[colors.bufferView];
  const auto* values = reinterpret_cast<const uint16_t*>(&model.buffers[0].data[view.byteOffset]);
  EXPECT_EQ(values[0], 65535);  // x = 1 is 255
  EXPECT_EQ(values[3], 65535);
  EXPECT_EQ(model.accessors[primitive.indices].count, 36u);
}

TEST(Glb, HoldsItsTexture) {
  MeshNode node{.name = "box", .mesh = BoxMesh({0, 0, 0}, {1, 1, 1})};
  for (const Vec3f& p : node.mesh.vertices) node.uv.emplace_back(p.x(), p.y());
  node.texture = ImageU8(16, 16, 3, 200);
  const std::vector<std::byte> bytes = EncodeGlb({node});
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  uint32_t length;
  std::memcpy(&length, bytes.data() + 12, 4);
  const Json json = Json::parse(text.substr(20, length));
  EXPECT_EQ(json["images"][0]["mimeType"], "image/jpeg");
  EXPECT_EQ(json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["index"], 0);
  const Json& attributes = json["meshes"][0]["primitives"][0]["attributes"];
  EXPECT_TRUE(attributes.contains("TEXCOORD_0"));
  EXPECT_FALSE(attributes.contains("COLOR_0"));
  const Json& view = json["bufferViews"][json["images"][0]["bufferView"].get<int>()];
  const size_t at = 20 + length + 8 + (view.contains("byteOffset") ? view["byteOffset"].get<size_t>() : 0);
  const ImageU8 back = DecodeImage(std::span(bytes).subspan(at, view["byteLength"].get<size_t>()), "texture");
  EXPECT_EQ(back.width, 16);
  EXPECT_NEAR(back.At(8, 8), 200, 2);
}

// The file, which is turned, not only what is encoded.
TEST(MeshFile, AGlbComesBackWithItsTexture) {
  const TestFolder folder;
  MeshNode node{.name = "box", .mesh = BoxMesh({0, 0, 0}, {1, 1, 1})};
  for (const Vec3f& p : node.mesh.vertices) node.uv.emplace_back(p.x(), p.y());
  node.texture = ImageU8(16, 16, 3, 200);
  WriteMeshFile(folder / "a.glb", {node}, YUpFrom({0, 0, 1}));
  const std::vector<MeshNode> back = ReadGlb(folder / "a.glb");
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].uv.size(), node.uv.size());
  EXPECT_EQ(back[0].texture.width, 16);
  EXPECT_EQ(back[0].mesh.faces.size(), node.mesh.faces.size());
}

TEST(MeshFile, AnObjsTextureLiesBesideIt) {
  const TestFolder folder;
  MeshNode node{.name = "a box", .mesh = BoxMesh({0, 0, 0}, {1, 1, 1})};
  for (const Vec3f& p : node.mesh.vertices) node.uv.emplace_back(p.x(), p.y());
  node.texture = ImageU8(16, 16, 3, 200);
  WriteMeshFile(folder / "a.obj", {node}, Mat3::Identity());
  const std::string obj = ReadTextFile(folder / "a.obj"), mtl = ReadTextFile(folder / "a.mtl");
  EXPECT_NE(obj.find("mtllib a.mtl\n"), std::string::npos);
  EXPECT_NE(obj.find("usemtl a_box\n"), std::string::npos);
  EXPECT_NE(obj.find("f 1/1 3/3 4/4\n"), std::string::npos);
  EXPECT_NE(mtl.find("newmtl a_box\n"), std::string::npos);
  EXPECT_NE(mtl.find("map_Kd a_1.jpg\n"), std::string::npos);
  EXPECT_EQ(ReadImage(folder / "a_1.jpg").width, 16);
}

TEST(MeshFile, IsChosenByItsNameAndTurnedForGltf) {
  const TestFolder folder;
  const std::vector<MeshNode> nodes = {{.name = "box", .mesh = BoxMesh({0, 0, 0}, {1, 2, 3})}};
  const Mat3 y_up = YUpFrom({0, 0, 1});
  for (const char* name : {"a.glb", "a.ply", "a.obj", "a.stl"}) {
    WriteMeshFile(folder / name, nodes, y_up);
    EXPECT_GT(ReadFile(folder / name).size(), 300u) << name;
  }
  const std::vector<std::byte> glb = ReadFile(folder / "a.glb");
  const std::string text(reinterpret_cast<const char*>(glb.data()), glb.size());
  // z up becomes y up: (1, 2, 3) is at (1, 3, -2).
  const Json json = Json::parse(text.substr(20, text.find('\0', 20) == 0 ? 0 : text.find("BIN") - 24));
  const Json& places =
      json["accessors"][json["meshes"][0]["primitives"][0]["attributes"]["POSITION"].get<int>()];
  EXPECT_EQ(places["max"], Json({1.0, 3.0, 0.0}));
  EXPECT_EQ(places["min"], Json({0.0, 0.0, -2.0}));
  EXPECT_EQ(ReadPly(folder / "a.ply").mesh.vertices, nodes[0].mesh.vertices);
  EXPECT_THROW(WriteMeshFile(folder / "a.fbx", nodes, y_up), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.fbx"));
}

TEST(YUpFrom, IsARotationThatKeepsAxes) {
  for (const Vec3& up : {Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1), Vec3(-1, 0, 0), Vec3(0, -1, 0),
                         Vec3(0, 0, -1), Vec3(0.3, 0.2, 0.9).normalized()}) {
    const Mat3 rotation = YUpFrom(up);
    EXPECT_LT((rotation * up - Vec3(0, 1, 0)).norm(), 1e-12);
    EXPECT_TRUE((rotation * rotation.transpose()).isIdentity(1e-12));
    EXPECT_NEAR(rotation.row(0).cross(rotation.row(1)).dot(rotation.row(2)), 1, 1e-12);
  }
  EXPECT_TRUE(YUpFrom({0, 1, 0}).isIdentity());
  EXPECT_EQ(YUpFrom({0, 0, 1}) * Vec3(1, 2, 3), Vec3(1, 3, -2));
}

TEST(UpOfCapture, IsTheNearestAxisOrWhatIsSaid) {
  Capture capture;
  View view;
  view.world_from_camera = LookAt({3, 0, 1}, {0, 0, 0}, {0, 0, 1});
  capture.views = {view};
  capture.train = {0};
  EXPECT_EQ(UpOfCapture(capture, "auto"), Vec3(0, 0, 1));
  EXPECT_EQ(UpOfCapture(capture, "-y"), Vec3(0, -1, 0));
  EXPECT_THROW(UpOfCapture(capture, "up"), Error);
  capture.views[0].world_from_camera = LookAt({3, 0, 3}, {0, 0, 0}, {0, 0, 1});
  EXPECT_NEAR(UpOfCapture(capture, "auto").z(), std::sqrt(0.5), 1e-9);
}

}  // namespace
}  // namespace semfield
