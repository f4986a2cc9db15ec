#include "semfield/surface/mesh_files.h"

#include <fmt/format.h>

#include <Eigen/Geometry>
#include <bit>
#include <cstring>
#include <iterator>

#include "semfield/base/atomic_file.h"
#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

static_assert(std::endian::native == std::endian::little, "files are written as memory has them");

template <class T>
void Append(const T& value, std::vector<std::byte>* bytes) {
  const auto* raw = reinterpret_cast<const std::byte*>(&value);
  bytes->insert(bytes->end(), raw, raw + sizeof(T));
}

void Append(const std::string& text, std::vector<std::byte>* bytes) {
  const auto* raw = reinterpret_cast<const std::byte*>(text.data());
  bytes->insert(bytes->end(), raw, raw + text.size());
}

// A name on one line without spaces, as OBJ wants it.
std::string PlainName(const std::string& name) {
  std::string plain;
  for (const char c : name) plain += c > ' ' && c != 0x7f ? c : '_';
  return plain.empty() ? "mesh" : plain;
}

Mat4 Affine(const Mat3& rotation) {
  Mat4 matrix = Mat4::Identity();
  matrix.topLeftCorner<3, 3>() = rotation;
  return matrix;
}

constexpr char kFaceHeader[] = "property list uchar int vertex_indices\n";

void AppendFaces(const Mesh& mesh, std::vector<std::byte>* bytes) {
  for (const auto& face : mesh.faces) {
    Append(uint8_t{3}, bytes);
    Append(face, bytes);
  }
}

std::vector<std::byte> EncodeLabels(const Mesh& mesh, const std::vector<int32_t>& labels,
                                    const std::vector<std::string>& names, bool with_faces) {
  SF_CHECK_EQ(labels.size(), mesh.vertices.size());
  SF_CHECK_EQ(mesh.colors.size(), mesh.vertices.size());
  std::vector<std::byte> bytes;
  Append(std::string("ply\nformat binary_little_endian 1.0\n"), &bytes);
  for (size_t i = 0; i < names.size(); ++i)
    Append(fmt::format("comment label {} {}\n", i + 1, names[i]), &bytes);
  Append(fmt::format("element vertex {}\nproperty float x\nproperty float y\nproperty float z\n"
                     "property uchar red\nproperty uchar green\nproperty uchar blue\n"
                     "property int label\n{}end_header\n",
                     mesh.num_vertices(),
                     with_faces ? fmt::format("element face {}\n{}", mesh.num_faces(), kFaceHeader) : ""),
         &bytes);
  for (int v = 0; v < mesh.num_vertices(); ++v) {
    for (int k = 0; k < 3; ++k) Append(mesh.vertices[v][k], &bytes);
    Append(mesh.colors[v], &bytes);
    Append(labels[v], &bytes);
  }
  if (with_faces) AppendFaces(mesh, &bytes);
  return bytes;
}

}  // namespace

std::vector<std::byte> EncodePly(const Mesh& mesh) {
  const bool has_colors = !mesh.colors.empty();
  std::vector<std::byte> bytes;
  Append(fmt::format("ply\nformat binary_little_endian 1.0\nelement vertex {}\n"
                     "property float x\nproperty float y\nproperty float z\n{}"
                     "element face {}\n{}end_header\n",
                     mesh.num_vertices(),
                     has_colors ? "property uchar red\nproperty uchar green\nproperty uchar blue\n" : "",
                     mesh.num_faces(), kFaceHeader),
         &bytes);
  for (int v = 0; v < mesh.num_vertices(); ++v) {
    for (int k = 0; k < 3; ++k) Append(mesh.vertices[v][k], &bytes);
    if (has_colors) Append(mesh.colors[v], &bytes);
  }
  AppendFaces(mesh, &bytes);
  return bytes;
}

std::vector<std::byte> EncodeLabelledPoints(const Mesh& mesh, const std::vector<int32_t>& labels,
                                            const std::vector<std::string>& names) {
  return EncodeLabels(mesh, labels, names, false);
}

std::vector<std::byte> EncodeLabelledMesh(const Mesh& mesh, const std::vector<int32_t>& labels,
                                          const std::vector<std::string>& names) {
  return EncodeLabels(mesh, labels, names, true);
}

std::string EncodeObj(const std::vector<MeshNode>& nodes, const std::string& materials) {
  std::string text = "# semfield\n";
  if (!materials.empty()) text += fmt::format("mtllib {}\n", materials);
  auto out = std::back_inserter(text);
  int first = 1, first_uv = 1;
  for (const MeshNode& node : nodes) {
    const Mesh& mesh = node.mesh;
    fmt::format_to(out, "o {}\n", PlainName(node.name));
    for (int v = 0; v < mesh.num_vertices(); ++v) {
      const Vec3f& p = mesh.vertices[v];
      fmt::format_to(out, "v {} {} {}", p.x(), p.y(), p.z());
      if (!mesh.colors.empty()) {
        const auto& c = mesh.colors[v];
        fmt::format_to(out, " {:.4f} {:.4f} {:.4f}", c[0] / 255.0, c[1] / 255.0, c[2] / 255.0);
      }
      text += '\n';
    }
    const bool has_texture = !materials.empty() && !node.uv.empty();
    if (has_texture) {
      fmt::format_to(out, "usemtl {}\n", PlainName(node.name));
      for (const Eigen::Vector2f& at : node.uv) fmt::format_to(out, "vt {} {}\n", at.x(), 1 - at.y());
    }
    for (const auto& face : mesh.faces) {
      text += 'f';
      for (const int32_t v : face) {
        fmt::format_to(out, " {}", v + first);
        if (has_texture) fmt::format_to(out, "/{}", v + first_uv);
      }
      text += '\n';
    }
    first += mesh.num_vertices();
    if (has_texture) first_uv += mesh.num_vertices();
  }
  return text;
}

namespace {

// An OBJ with what its textures need beside it; the OBJ comes last, so that what it names is there.
void WriteObj(const std::filesystem::path& path, const std::vector<MeshNode>& nodes) {
  std::string materials;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].uv.empty()) continue;
    const std::string picture = fmt::format("{}_{}.jpg", path.stem().string(), i + 1);
    WriteJpeg(path.parent_path() / picture, nodes[i].texture);
    materials += fmt::format("newmtl {}\nKd 1 1 1\nKs 0 0 0\nmap_Kd {}\n", PlainName(nodes[i].name), picture);
  }
  const std::string name = materials.empty() ? "" : path.stem().string() + ".mtl";
  if (!name.empty()) WriteFileAtomically(path.parent_path() / name, std::string_view(materials));
  WriteFileAtomically(path, std::string_view(EncodeObj(nodes, name)));
}

}  // namespace

std::vector<std::byte> EncodeStl(const Mesh& mesh) {
  std::vector<std::byte> bytes;
  std::array<char, 80> header{};
  std::memcpy(header.data(), "semfield", 8);
  Append(header, &bytes);
  Append(static_cast<uint32_t>(mesh.num_faces()), &bytes);
  for (int f = 0; f < mesh.num_faces(); ++f) {
    const Vec3f normal = mesh.Cross(f).normalized().cast<float>();
    for (int k = 0; k < 3; ++k) Append(normal[k], &bytes);
    for (const int32_t v : mesh.faces[f]) {
      for (int k = 0; k < 3; ++k) Append(mesh.vertices[v][k], &bytes);
    }
    Append(uint16_t{0}, &bytes);
  }
  return bytes;
}

Mesh Joined(const std::vector<MeshNode>& nodes) {
  Mesh joined;
  bool has_colors = true;
  for (const MeshNode& node : nodes) has_colors = has_colors && !node.mesh.colors.empty();
  for (const MeshNode& node : nodes) {
    const int first = joined.num_vertices();
    std::vector<int32_t> number;
    const Mesh mesh = node.uv.empty() ? node.mesh : Welded(node.mesh, &number);
    joined.vertices.insert(joined.vertices.end(), mesh.vertices.begin(), mesh.vertices.end());
    if (has_colors) joined.colors.insert(joined.colors.end(), mesh.colors.begin(), mesh.colors.end());
    for (const auto& face : mesh.faces)
      joined.faces.push_back({face[0] + first, face[1] + first, face[2] + first});
  }
  return joined;
}

void CheckMeshFile(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension != ".glb" && extension != ".ply" && extension != ".obj" && extension != ".stl") {
    throw InputError("--out {}: expected a name that ends in .glb, .ply, .obj or .stl, got '{}'",
                     path.string(), extension);
  }
}

bool HoldsTextures(const std::filesystem::path& path) {
  return path.extension() == ".glb" || path.extension() == ".obj";
}

void WriteMeshFile(const std::filesystem::path& path, const std::vector<MeshNode>& nodes, const Mat3& y_up) {
  CheckMeshFile(path);
  const std::string extension = path.extension().string();
  if (extension == ".obj") {
    WriteObj(path, nodes);
  } else if (extension == ".glb") {
    std::vector<MeshNode> turned;
    for (const MeshNode& node : nodes) {
      turned.push_back({.name = node.name,
                        .mesh = Transformed(node.mesh, Affine(y_up)),
                        .pivot = y_up * node.pivot,
                        .uv = node.uv,
                        .texture = node.texture});
    }
    WriteFileAtomically(path, std::span<const std::byte>(EncodeGlb(turned)));
  } else {
    const Mesh joined = Joined(nodes);
    WriteFileAtomically(
        path, std::span<const std::byte>(extension == ".ply" ? EncodePly(joined) : EncodeStl(joined)));
  }
}

}  // namespace semfield
