#include <fmt/format.h>
#include <tiny_gltf.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <tuple>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/image/srgb.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

constexpr uintmax_t kMostBytes = uintmax_t{1} << 30;
constexpr size_t kMostFaces = 20'000'000;
constexpr size_t kMostNodes = 100'000;

// A file is read as it is: what it names beside itself is none of ours.
tinygltf::FsCallbacks NoFiles() {
  tinygltf::FsCallbacks none{};
  none.FileExists = [](const std::string&, void*) { return false; };
  none.ExpandFilePath = [](const std::string& path, void*) { return path; };
  none.ReadWholeFile = [](std::vector<unsigned char>*, std::string*, const std::string&, void*) {
    return false;
  };
  none.WriteWholeFile = [](std::string*, const std::string&, const std::vector<unsigned char>&, void*) {
    return false;
  };
  return none;
}

// Pictures stay as they are in the file; they are decoded where a material shows them. tinygltf
// hands over: index, errors, warnings, width, height, bytes, their number, the caller's own.
constexpr auto kKeepImage = [](tinygltf::Image* image, auto... rest) {
  const auto given = std::make_tuple(rest...);
  const unsigned char* bytes = std::get<5>(given);
  image->image.assign(bytes, bytes + std::max(0, std::get<6>(given)));
  return true;
};

class GlbReader {
 public:
  GlbReader(std::span<const std::byte> bytes, std::string where) : where_(std::move(where)) {
    tinygltf::TinyGLTF loader;
    loader.SetFsCallbacks(NoFiles());
    loader.SetImageLoader(kKeepImage, nullptr);
    std::string error, warning;
    bool loaded = false;
    try {
      loaded = loader.LoadBinaryFromMemory(&model_, &error, &warning,
                                           reinterpret_cast<const unsigned char*>(bytes.data()),
                                           static_cast<unsigned>(bytes.size()));
    } catch (const std::exception& thrown) {
      error = thrown.what();
    }
    if (!loaded) Fail(error.empty() ? "it is no binary glTF file" : error.substr(0, error.find('\n')));
    for (const std::string& extension : model_.extensionsRequired) {
      if (extension.rfind("KHR_materials", 0) != 0)
        Fail(fmt::format("it needs the glTF extension {}, which is not read: save it without", extension));
    }
  }

  std::vector<MeshNode> Read() {
    std::vector<int> roots;
    const int scene = std::max(0, model_.defaultScene);
    if (scene < static_cast<int>(model_.scenes.size())) roots = model_.scenes[scene].nodes;
    visited_.assign(model_.nodes.size(), false);
    if (visited_.size() > kMostNodes) Fail(fmt::format("it has {} nodes", visited_.size()));
    for (const int root : roots) Visit(root, Mat4::Identity());
    if (nodes_.empty()) Fail("it holds no triangles");
    return std::move(nodes_);
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const { throw InputError("{}: {}", where_, what); }

  // Parents before children, with a list of its own: files may be as deep as they like.
  void Visit(int root, const Mat4& from) {
    std::vector<std::pair<int, Mat4>> open = {{root, from}};
    while (!open.empty()) {
      const auto [index, parent] = open.back();
      open.pop_back();
      if (index < 0 || index >= static_cast<int>(model_.nodes.size())) Fail("it names a node that is none");
      if (visited_[index]) Fail(fmt::format("node {} has two parents", index));
      visited_[index] = true;
      const tinygltf::Node& node = model_.nodes[index];
      const Mat4 own = parent * MatrixOf(node);
      if (node.mesh >= 0) {
        if (node.mesh >= static_cast<int>(model_.meshes.size())) Fail("it names a mesh that is none");
        const tinygltf::Mesh& mesh = model_.meshes[node.mesh];
        for (const tinygltf::Primitive& primitive : mesh.primitives)
          Add(node.name.empty() ? mesh.name : node.name, primitive, own);
      }
      for (const int child : node.children) open.emplace_back(child, own);
    }
  }

  static Mat4 MatrixOf(const tinygltf::Node& node) {
    Mat4 matrix = Mat4::Identity();
    if (node.matrix.size() == 16) return Eigen::Map<const Mat4>(node.matrix.data());  // column-major
    if (node.rotation.size() == 4) {
      const Eigen::Quaterniond turn(node.rotation[3], node.rotation[0], node.rotation[1], node.rotation[2]);
      matrix.topLeftCorner<3, 3>() = turn.normalized().toRotationMatrix();
    }
    for (int k = 0; k < 3 && node.scale.size() == 3; ++k) matrix.col(k) *= node.scale[k];
    for (int k = 0; k < 3 && node.translation.size() == 3; ++k) matrix(k, 3) = node.translation[k];
    return matrix;
  }

  // The elements of an accessor as numbers, `width` each; integers that are normalized as [0, 1].
  std::vector<float> Floats(int index, int width, const char* what) const {
    const auto [bytes, count, stride, component, normalized] = Elements(index, width, what);
    std::vector<float> values(count * width);
    for (size_t i = 0; i < count; ++i) {
      for (int k = 0; k < width; ++k) {
        const unsigned char* at = bytes + i * stride;
        float& value = values[i * width + k];
        if (component == TINYGLTF_COMPONENT_TYPE_FLOAT) {
          std::memcpy(&value, at + 4 * k, 4);
        } else if (component == TINYGLTF_COMPONENT_TYPE_UNSIGNED_BYTE && normalized) {
          value = at[k] / 255.0f;
        } else if (component == TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT && normalized) {
          uint16_t number;
          std::memcpy(&number, at + 2 * k, 2);
          value = number / 65535.0f;
        } else {
          Fail(fmt::format("{} are of a kind that is not read", what));
        }
        if (!std::isfinite(value)) Fail(fmt::format("{} hold what is no number", what));
      }
    }
    return values;
  }

  struct ElementsView {
    const unsigned char* bytes;
    size_t count, stride;
    int component;
    bool normalized;
  };
  ElementsView Elements(int index, int width, const char* what) const {
    const auto bad = [&](const std::string& why) { Fail(fmt::format("{}: {}", what, why)); };
    if (index < 0 || index >= static_cast<int>(model_.accessors.size())) bad("their accessor is none");
    const tinygltf::Accessor& accessor = model_.accessors[index];
    if (accessor.sparse.isSparse) bad("sparse accessors are not read");
    const int size = tinygltf::GetComponentSizeInBytes(accessor.componentType);
    if (size <= 0 || tinygltf::GetNumComponentsInType(accessor.type) < width)
      bad(fmt::format("expected {} numbers each", width));
    if (accessor.bufferView < 0 || accessor.bufferView >= static_cast<int>(model_.bufferViews.size()))
      bad("their buffer view is none");
    const tinygltf::BufferView& view = model_.bufferViews[accessor.bufferView];
    if (view.buffer < 0 || view.buffer >= static_cast<int>(model_.buffers.size()))
      bad("their buffer is none");
    const size_t all = model_.buffers[view.buffer].data.size();
    const size_t element = static_cast<size_t>(size) * tinygltf::GetNumComponentsInType(accessor.type);
    const size_t stride = view.byteStride > 0 ? view.byteStride : element;
    const size_t begin = view.byteOffset + accessor.byteOffset;
    // Counts are compared before they are multiplied, which could overflow.
    if (accessor.count == 0 || stride < element || view.byteOffset > all || accessor.byteOffset > all ||
        begin > all || accessor.count > all / element + 1 || (accessor.count - 1) > (all - begin) / stride ||
        (accessor.count - 1) * stride + element > all - begin)
      bad("they reach beyond the file");
    return {model_.buffers[view.buffer].data.data() + begin, accessor.count, stride, accessor.componentType,
            accessor.normalized};
  }

  std::vector<uint32_t> Indices(const tinygltf::Primitive& primitive, size_t num_vertices) const {
    std::vector<uint32_t> indices;
    if (primitive.indices < 0) {
      indices.resize(num_vertices);
      for (size_t i = 0; i < num_vertices; ++i) indices[i] = static_cast<uint32_t>(i);
    } else {
      const auto [bytes, count, stride, component, normalized] = Elements(primitive.indices, 1, "indices");
      indices.resize(count);
      const int size = tinygltf::GetComponentSizeInBytes(component);
      if (size > 4) Fail("indices are of a kind that is not read");
      for (size_t i = 0; i < count; ++i) std::memcpy(&indices[i], bytes + i * stride, size);
    }
    for (const uint32_t index : indices) {
      if (index >= num_vertices) Fail(fmt::format("index {} is none of {} vertices", index, num_vertices));
    }
    return indices;
  }

  void Add(const std::string& name, const tinygltf::Primitive& primitive, const Mat4& to_scene) {
    if (primitive.mode != TINYGLTF_MODE_TRIANGLES && primitive.mode != -1) return;
    const auto places = primitive.attributes.find("POSITION");
    if (places == primitive.attributes.end()) Fail("a primitive has no places");
    const std::vector<float> xyz = Floats(places->second, 3, "places");
    const size_t num_vertices = xyz.size() / 3;
    const std::vector<uint32_t> indices = Indices(primitive, num_vertices);
    num_faces_ += indices.size() / 3;
    if (num_faces_ > kMostFaces)
      Fail(fmt::format("it has more than {} faces: take fewer with a mesh program first", kMostFaces));
    MeshNode node{.name = name};
    for (size_t v = 0; v < num_vertices; ++v)
      node.mesh.vertices.emplace_back(xyz[3 * v], xyz[3 * v + 1], xyz[3 * v + 2]);
    for (size_t f = 0; f + 2 < indices.size(); f += 3) {
      node.mesh.faces.push_back({static_cast<int32_t>(indices[f]), static_cast<int32_t>(indices[f + 1]),
                                 static_cast<int32_t>(indices[f + 2])});
    }
    Dress(primitive, &node);
    node.mesh = Transformed(node.mesh, to_scene);
    for (const Vec3f& vertex : node.mesh.vertices) {
      if (!vertex.allFinite()) Fail("a node moves its places beyond what numbers hold");
    }
    KeepSound(&node);
    if (!node.mesh.faces.empty()) nodes_.push_back(std::move(node));
  }

  // Colors of vertices, and the texture where the material has one.
  void Dress(const tinygltf::Primitive& primitive, MeshNode* node) const {
    const size_t num_vertices = node->mesh.vertices.size();
    std::array<double, 3> factor = {1, 1, 1};
    const tinygltf::Material* material = nullptr;
    if (primitive.material >= 0 && primitive.material < static_cast<int>(model_.materials.size())) {
      material = &model_.materials[primitive.material];
      const auto& given = material->pbrMetallicRoughness.baseColorFactor;
      for (size_t k = 0; k < 3 && given.size() >= 3; ++k) factor[k] = std::clamp(given[k], 0.0, 1.0);
    }
    std::vector<float> linear(3 * num_vertices, 1);
    if (const auto colors = primitive.attributes.find("COLOR_0"); colors != primitive.attributes.end())
      linear = Floats(colors->second, 3, "colors");
    if (linear.size() != 3 * num_vertices) Fail("there are not as many colors as places");
    for (size_t v = 0; v < num_vertices; ++v) {
      std::array<uint8_t, 3> color;
      for (int k = 0; k < 3; ++k)
        color[k] = ByteOf(SrgbFromLinear(std::clamp<double>(linear[3 * v + k], 0, 1) * factor[k]));
      node->mesh.colors.push_back(color);
    }
    if (material != nullptr) AddTexture(primitive, *material, factor, node);
  }

  static uint8_t ByteOf(double value) {
    return static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
  }

  void AddTexture(const tinygltf::Primitive& primitive, const tinygltf::Material& material,
                  const std::array<double, 3>& factor, MeshNode* node) const {
    const tinygltf::TextureInfo& info = material.pbrMetallicRoughness.baseColorTexture;
    if (info.index < 0 || info.index >= static_cast<int>(model_.textures.size())) return;
    const int image = model_.textures[info.index].source;
    const auto uv = primitive.attributes.find(fmt::format("TEXCOORD_{}", info.texCoord));
    if (image < 0 || image >= static_cast<int>(model_.images.size()) || uv == primitive.attributes.end())
      return;
    const std::vector<float> at = Floats(uv->second, 2, "texture coordinates");
    if (at.size() != 2 * node->mesh.vertices.size())
      Fail("there are not as many texture coordinates as places");
    const auto& bytes = model_.images[image].image;
    node->texture = ToRgb(
        DecodeImage({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, where_ + ": texture"),
        {1, 1, 1});
    for (size_t v = 0; v < node->mesh.vertices.size(); ++v) node->uv.emplace_back(at[2 * v], at[2 * v + 1]);
    if (factor == std::array<double, 3>{1, 1, 1}) return;
    for (size_t i = 0; i < node->texture.data.size(); ++i) {
      uint8_t& value = node->texture.data[i];
      value = ByteOf(SrgbFromLinear(LinearFromSrgb(value / 255.0) * factor[i % 3]));
    }
  }

  // Without faces that have no area or were there before, and vertices of no face.
  static void KeepSound(MeshNode* node) {
    Mesh& mesh = node->mesh;
    std::set<std::array<int32_t, 3>> seen;
    std::vector<std::array<int32_t, 3>> faces;
    for (int f = 0; f < mesh.num_faces(); ++f) {
      std::array<int32_t, 3> sorted = mesh.faces[f];
      std::sort(sorted.begin(), sorted.end());
      if (sorted[0] == sorted[1] || sorted[1] == sorted[2] || !(mesh.Cross(f).norm() > 0)) continue;
      if (seen.insert(sorted).second) faces.push_back(mesh.faces[f]);
    }
    std::vector<int32_t> number(mesh.vertices.size(), -1);
    Mesh sound;
    std::vector<Eigen::Vector2f> uv;
    for (auto& face : faces) {
      for (int32_t& v : face) {
        if (number[v] < 0) {
          number[v] = sound.num_vertices();
          sound.vertices.push_back(mesh.vertices[v]);
          sound.colors.push_back(mesh.colors[v]);
          if (!node->uv.empty()) uv.push_back(node->uv[v]);
        }
        v = number[v];
      }
    }
    sound.faces = std::move(faces);
    mesh = std::move(sound);
    node->uv = std::move(uv);
  }

  const std::string where_;
  tinygltf::Model model_;
  std::vector<bool> visited_;
  std::vector<MeshNode> nodes_;
  size_t num_faces_ = 0;
};

}  // namespace

std::vector<MeshNode> DecodeGlb(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < 20) throw InputError("{}: it is no binary glTF file", where);
  return GlbReader(bytes, where).Read();
}

std::vector<MeshNode> ReadGlb(const std::filesystem::path& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw InputError("{}: cannot be read ({})", path.string(), error.message());
  if (size > kMostBytes) {
    throw InputError("{}: it has {} MiB, and at most {} MiB are read: take fewer faces or a smaller texture",
                     path.string(), size >> 20, kMostBytes >> 20);
  }
  return DecodeGlb(ReadFile(path), path.string());
}

}  // namespace semfield
