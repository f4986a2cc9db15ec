#include <tiny_gltf.h>

#include <array>
#include <cmath>
#include <sstream>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs.h"
#include "semfield/image/srgb.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

// Appends an array to the model's one buffer and says where it lies; accessors add what its elements are.
class GlbBuffer {
 public:
  explicit GlbBuffer(tinygltf::Model* model) : model_(*model) { model_.buffers.emplace_back(); }

  // type: TINYGLTF_TYPE_*, component: TINYGLTF_COMPONENT_TYPE_*. Returns the accessor.
  template <class T>
  int Add(const std::vector<T>& values, int type, int component, int target) {
    std::vector<unsigned char>& data = model_.buffers[0].data;
    data.resize((data.size() + 3) / 4 * 4);  // glTF 2.0, 3.6.2.4: aligned to the component
    tinygltf::BufferView view;
    view.buffer = 0;
    view.byteOffset = data.size();
    view.byteLength = values.size() * sizeof(T);
    view.target = target;
    const auto* raw = reinterpret_cast<const unsigned char*>(values.data());
    data.insert(data.end(), raw, raw + view.byteLength);
    model_.bufferViews.push_back(view);
    tinygltf::Accessor accessor;
    accessor.bufferView = static_cast<int>(model_.bufferViews.size()) - 1;
    accessor.componentType = component;
    accessor.type = type;
    accessor.count = values.size() * sizeof(T) /
                     (tinygltf::GetComponentSizeInBytes(component) * tinygltf::GetNumComponentsInType(type));
    model_.accessors.push_back(accessor);
    return static_cast<int>(model_.accessors.size()) - 1;
  }

 private:
  tinygltf::Model& model_;
};

int AddPositions(const MeshNode& node, GlbBuffer* buffer, tinygltf::Model* model) {
  std::vector<Vec3f> places;
  for (const Vec3f& vertex : node.mesh.vertices)
    places.push_back((vertex.cast<double>() - node.pivot).cast<float>());
  const int index =
      buffer->Add(places, TINYGLTF_TYPE_VEC3, TINYGLTF_COMPONENT_TYPE_FLOAT, TINYGLTF_TARGET_ARRAY_BUFFER);
  Vec3f low = places.front(), high = places.front();
  for (const Vec3f& place : places) {
    low = low.cwiseMin(place);
    high = high.cwiseMax(place);
  }
  for (int k = 0; k < 3; ++k) {
    model->accessors[index].minValues.push_back(low[k]);
    model->accessors[index].maxValues.push_back(high[k]);
  }
  return index;
}

// glTF has colors of vertices in linear light.
int AddColors(const Mesh& mesh, GlbBuffer* buffer, tinygltf::Model* model) {
  constexpr double kMost = 65535;
  std::array<uint16_t, 256> linear;
  for (int i = 0; i < 256; ++i)
    linear[i] = static_cast<uint16_t>(std::lround(kMost * LinearFromSrgb(i / 255.0)));
  std::vector<std::array<uint16_t, 4>> colors;
  for (const auto& c : mesh.colors)
    colors.push_back({linear[c[0]], linear[c[1]], linear[c[2]], static_cast<uint16_t>(kMost)});
  const int index = buffer->Add(colors, TINYGLTF_TYPE_VEC4, TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT,
                                TINYGLTF_TARGET_ARRAY_BUFFER);
  model->accessors[index].normalized = true;
  return index;
}

// A material that shows a picture, or of a node without one the colors of its vertices alone.
int AddMaterial(const MeshNode& node, tinygltf::Model* model) {
  tinygltf::Material material;
  material.name = node.name;
  // Light is in the colors already; a surface that shines would add some of its own.
  material.pbrMetallicRoughness.metallicFactor = 0;
  material.pbrMetallicRoughness.roughnessFactor = 1;
  material.doubleSided = true;
  if (!node.uv.empty()) {
    const std::vector<std::byte> jpeg = EncodeJpeg(node.texture);
    std::vector<unsigned char>& data = model->buffers[0].data;
    data.resize((data.size() + 3) / 4 * 4);
    tinygltf::BufferView view;
    view.buffer = 0;
    view.byteOffset = data.size();
    view.byteLength = jpeg.size();
    const auto* raw = reinterpret_cast<const unsigned char*>(jpeg.data());
    data.insert(data.end(), raw, raw + jpeg.size());
    model->bufferViews.push_back(view);
    tinygltf::Image image;
    image.mimeType = "image/jpeg";
    image.bufferView = static_cast<int>(model->bufferViews.size()) - 1;
    model->images.push_back(image);
    tinygltf::Texture texture;
    texture.source = static_cast<int>(model->images.size()) - 1;
    model->textures.push_back(texture);
    material.pbrMetallicRoughness.baseColorTexture.index = texture.source;
  }
  model->materials.push_back(material);
  return static_cast<int>(model->materials.size()) - 1;
}

void AddNode(const MeshNode& node, GlbBuffer* buffer, tinygltf::Model* model) {
  tinygltf::Primitive primitive;
  primitive.mode = TINYGLTF_MODE_TRIANGLES;
  primitive.material = AddMaterial(node, model);
  primitive.attributes["POSITION"] = AddPositions(node, buffer, model);
  primitive.attributes["NORMAL"] = buffer->Add(WeldedNormals(node.mesh), TINYGLTF_TYPE_VEC3,
                                               TINYGLTF_COMPONENT_TYPE_FLOAT, TINYGLTF_TARGET_ARRAY_BUFFER);
  if (!node.uv.empty()) {
    primitive.attributes["TEXCOORD_0"] =
        buffer->Add(node.uv, TINYGLTF_TYPE_VEC2, TINYGLTF_COMPONENT_TYPE_FLOAT, TINYGLTF_TARGET_ARRAY_BUFFER);
  } else if (!node.mesh.colors.empty()) {
    primitive.attributes["COLOR_0"] = AddColors(node.mesh, buffer, model);
  }
  primitive.indices = buffer->Add(node.mesh.faces, TINYGLTF_TYPE_SCALAR, TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT,
                                  TINYGLTF_TARGET_ELEMENT_ARRAY_BUFFER);
  tinygltf::Mesh mesh;
  mesh.name = node.name;
  mesh.primitives.push_back(primitive);
  model->meshes.push_back(mesh);
  tinygltf::Node out;
  out.name = node.name;
  out.mesh = static_cast<int>(model->meshes.size()) - 1;
  if (!node.pivot.isZero(0)) out.translation = {node.pivot.x(), node.pivot.y(), node.pivot.z()};
  model->nodes.push_back(out);
  model->scenes[0].nodes.push_back(static_cast<int>(model->nodes.size()) - 1);
}

}  // namespace

std::vector<std::byte> EncodeGlb(const std::vector<MeshNode>& nodes) {
  tinygltf::Model model;
  model.asset.version = "2.0";
  model.asset.generator = "semfield";
  model.scenes.emplace_back();
  model.defaultScene = 0;
  GlbBuffer buffer(&model);
  for (const MeshNode& node : nodes) {
    SF_CHECK(!node.mesh.faces.empty());
    AddNode(node, &buffer, &model);
  }
  constexpr size_t kMostBytes = size_t{4} << 30;  // what the container's lengths can say
  if (model.buffers[0].data.size() > kMostBytes - (size_t{1} << 20)) {
    throw InputError("a GLB holds at most 4 GiB and this mesh takes {} MiB: take fewer faces (--faces)",
                     model.buffers[0].data.size() >> 20);
  }
  std::ostringstream stream;
  tinygltf::TinyGLTF writer;
  if (!writer.WriteGltfSceneToStream(&model, stream, /*prettyPrint=*/false, /*writeBinary=*/true))
    throw ResourceError("the GLB could not be put together in memory");
  const std::string text = std::move(stream).str();
  const auto* raw = reinterpret_cast<const std::byte*>(text.data());
  return {raw, raw + text.size()};
}

}  // namespace semfield
