#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/surface/mesh.h"

namespace semfield {

// A mesh of a file with a name.
struct MeshNode {
  std::string name;
  Mesh mesh;
  Vec3 pivot = Vec3::Zero();  // what it turns about in programs that know such a point, in the mesh's frame
  std::vector<Eigen::Vector2f>
      uv;           // [vertices] in [0, 1] from the top left corner; empty: there is no texture
  ImageU8 texture;  // RGB
};

// What the formats keep, in the frame and units of the meshes, which must have no defects:
//   GLB  glTF 2.0 with a node a mesh, at its pivot; normals, a texture (JPEG, inside) or else the colors of
//        vertices in linear light. The frame must have y up.
//   PLY  binary, one mesh; colors of vertices as bytes.
//   OBJ  text, an object a mesh; colors of vertices after their places, which most programs read. Textures
//        are files of their own, and a material file names them.
//   STL  binary, one mesh, shape alone.
std::vector<std::byte> EncodeGlb(const std::vector<MeshNode>& nodes);
std::vector<std::byte> EncodePly(const Mesh& mesh);
// materials: what the material file is called; empty: none.
std::string EncodeObj(const std::vector<MeshNode>& nodes, const std::string& materials = "");
std::vector<std::byte> EncodeStl(const Mesh& mesh);

// The vertices alone, binary PLY: places, colors and a whole number `label` each; names[label - 1] stand in
// comments ("label 1 sofa"), 0 is none of them. labels: [vertices].
std::vector<std::byte> EncodeLabelledPoints(const Mesh& mesh, const std::vector<int32_t>& labels,
                                            const std::vector<std::string>& names);

// The same with the faces.
std::vector<std::byte> EncodeLabelledMesh(const Mesh& mesh, const std::vector<int32_t>& labels,
                                          const std::vector<std::string>& names);

// All of them in one, colored if all are; vertices that textures need repeated are one again.
Mesh Joined(const std::vector<MeshNode>& nodes);

// The extension decides, in small letters: .glb, .ply, .obj, .stl; another: InputError, at once by
// CheckMeshFile. Of a GLB the meshes are turned by `y_up` first, their pivots too. Beside an OBJ with
// textures lie NAME.mtl and NAME_<number>.jpg. Each file is atomic.
void CheckMeshFile(const std::filesystem::path& path);
// Whether files of that kind hold textures.
bool HoldsTextures(const std::filesystem::path& path);
void WriteMeshFile(const std::filesystem::path& path, const std::vector<MeshNode>& nodes, const Mat3& y_up);

// A mesh from outside, with what its faces are labelled as.
struct LabelledMesh {
  Mesh mesh;
  std::vector<int32_t> instances;  // [faces] property "instance"; empty: none
};
// PLY, text or binary little-endian; faces of more than three corners are cut into triangles, elements and
// properties that are not known are skipped. Damaged, of more than 2^31 vertices or faces, with an index that
// is no vertex or a place that is not finite: InputError naming the file and what is wrong.
LabelledMesh ReadPly(const std::filesystem::path& path);
LabelledMesh DecodePly(std::span<const std::byte> bytes, const std::string& where);

// A binary glTF file: a mesh each primitive of triangles in its scene, placed as its nodes say, in the file's
// own frame (y up), with the colors of vertices and the texture of its material. Points, lines, cameras and
// animations are left out; it is read without the files that it names beside itself. Damaged, of more than
// 1 GiB or 20 million faces, without triangles, or of an extension that has to be known: InputError.
std::vector<MeshNode> ReadGlb(const std::filesystem::path& path);
std::vector<MeshNode> DecodeGlb(std::span<const std::byte> bytes, const std::string& where);

}  // namespace semfield
