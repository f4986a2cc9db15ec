#include "semfield/edits/edited_view.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "semfield/base/parallel.h"
#include "semfield/edits/thing_rays.h"

namespace semfield {
namespace {

constexpr double kReach = 1.5;         // voxels in front of a surface in which its density may lie
constexpr int kSubPixels = 2;          // rays a side of a pixel that tell how much of it a thing covers
constexpr float kLeastOpacity = 0.1f;  // below which the field's color of a surface says nothing
constexpr float kFar = 1e30f;
constexpr float kNowhere = std::numeric_limits<float>::infinity();
constexpr float kBright = 0.62f, kDark = 0.46f;
constexpr int kSquare = 8;

// What one thing, or the rest of the scene, puts into each pixel.
struct Layer {
  explicit Layer(size_t n) : rgb(3 * n, 0), normal(3 * n, 0), opacity(n, 0), distance(n, kNowhere) {}
  std::vector<float> rgb;     // times opacity
  std::vector<float> normal;  // unit, in the world
  std::vector<float> opacity;
  std::vector<float> distance;  // along the ray
};

RayGaps GapsOf(const std::vector<std::vector<std::pair<float, float>>>& parts) {
  RayGaps gaps;
  for (const auto& ray : parts) {
    for (const auto& [from, to] : ray) {
      gaps.from.push_back(from);
      gaps.to.push_back(to);
    }
    gaps.begin.push_back(static_cast<int32_t>(gaps.from.size()));
  }
  return gaps;
}

// Everything but the parts.
std::vector<std::pair<float, float>> Between(const std::vector<std::pair<float, float>>& parts) {
  std::vector<std::pair<float, float>> between;
  float from = -1;
  for (const auto& [begin, end] : parts) {
    between.emplace_back(from, begin);
    from = end;
  }
  between.emplace_back(from, kFar);
  return between;
}

// The ray as it looks at a thing where the thing was found: `back` takes the world there. Returns how much
// longer distances are in the world.
double Moved(const Mat4& back, const Ray& ray, Ray* moved) {
  const Vec3 origin(ray.origin[0], ray.origin[1], ray.origin[2]),
      direction(ray.direction[0], ray.direction[1], ray.direction[2]);
  const Vec3 there = back.topLeftCorner<3, 3>() * origin + back.topRightCorner<3, 1>();
  const Vec3 along = back.topLeftCorner<3, 3>() * direction;
  const double length = along.norm();
  *moved = ray;
  for (int k = 0; k < 3; ++k) {
    moved->origin[k] = static_cast<float>(there[k]);
    moved->direction[k] = static_cast<float>(along[k] / length);
  }
  return 1 / length;
}

Vec3 PointAt(const Ray& ray, float distance) {
  return Vec3(ray.origin[0], ray.origin[1], ray.origin[2]) +
         double{distance} * Vec3(ray.direction[0], ray.direction[1], ray.direction[2]);
}

// A file's mesh where it stands.
struct PlacedMesh {
  explicit PlacedMesh(MeshNode placed)
      : node(std::move(placed)), surface(node.mesh), skin{node.uv, node.texture} {}
  const MeshNode node;
  const SceneSurface surface;
  const MeshSkin skin;
  std::array<float, 3> ColorOf(const MeshRays::Hit& hit) const {
    return ColorAt(node.mesh, hit, node.uv.empty() ? nullptr : &skin);
  }
};

// A part of the scene's own surface that stands elsewhere.
struct PlacedThing {
  const EditedPart* part;
  Mat4 back;  // found_from_world
  const ThingRays* rays;
};

// What a ray finds of a thing that stands elsewhere; rgb times opacity. A thing hides what is behind it
// wherever the ray meets its surface, however thin the field is there.
struct SeenColor {
  float opacity;
  std::array<float, 3> rgb;
};
SeenColor SeenOf(const RaySamples& samples, size_t ray, const RayParts& own, const Mesh& mesh) {
  SeenColor seen{.opacity = samples.opacity[ray],
                 .rgb = {samples.rgb[3 * ray], samples.rgb[3 * ray + 1], samples.rgb[3 * ray + 2]}};
  if (!own.met || own.unseen) return seen;
  if (seen.opacity >= kLeastOpacity) {
    for (float& value : seen.rgb) value /= seen.opacity;
  } else if (!mesh.colors.empty()) {
    seen.rgb = ColorAt(mesh, *own.met);
  } else {
    return seen;
  }
  seen.opacity = 1;
  return seen;
}

}  // namespace

float UnseenShade(int x, int y) {
  return (x / kSquare + y / kSquare) % 2 == 0 ? kBright : kDark;
}

struct EditedView::Impl {
  Impl(const RadianceField& field, const EditedScene& scene)
      : field(field), scene(scene), surface(scene.surface.mesh) {
    const double reach = kReach * scene.surface.voxel;
    const std::vector<int>& owner = scene.faces.owner;
    own.resize(scene.faces.selections.size());
    std::vector<char> taken(owner.size(), 0);
    for (size_t f = 0; f < owner.size(); ++f) taken[f] = owner[f] >= 0 && scene.taken[owner[f]];
    if (std::find(taken.begin(), taken.end(), 1) != taken.end())
      emptied = std::make_unique<ThingRays>(surface, std::move(taken), reach);
    paint_of.assign(scene.faces.selections.size(), nullptr);
    for (const EditedPart& part : scene.parts) {
      if (!part.is_there) continue;
      if (part.owner < 0) {
        for (MeshNode& node : PlacedNodes(part))
          meshes.push_back(std::make_unique<PlacedMesh>(std::move(node)));
      } else if (part.stands_as_found) {
        if (part.paint) paint_of[part.owner] = &*part.paint;
      } else {
        std::unique_ptr<ThingRays>& rays = own[part.owner];
        if (!rays) {
          std::vector<char> is_own(owner.size());
          for (size_t f = 0; f < owner.size(); ++f) is_own[f] = owner[f] == part.owner;
          rays = std::make_unique<ThingRays>(surface, std::move(is_own), reach);
        }
        things.push_back({.part = &part, .back = part.place.inverse(), .rays = rays.get()});
      }
    }
  }

  RenderedView Render(const Camera& camera, const Pose& pose, RenderRequest request,
                      const StopToken* stop) const;
  // The rest of the scene. unseen: [pixels] where nothing is known behind what it shows.
  Layer Rest(const Camera& camera, const Pose& pose, const RenderRequest& request, std::vector<char>* unseen,
             const StopToken* stop) const;
  void PaintStanding(const Camera& camera, const Pose& pose, Layer* layer) const;
  Layer Thing(const PlacedThing& thing, const std::vector<Ray>& rays, int width, const StopToken* stop) const;
  Layer Inserted(const PlacedMesh& mesh, const Camera& camera, const Pose& pose) const;
  // The first surface that was not taken away.
  std::optional<MeshRays::Hit> Visible(const Ray& ray) const;

  const RadianceField& field;
  const EditedScene& scene;
  const SceneSurface surface;
  std::unique_ptr<ThingRays> emptied;           // of all that was taken away; nullptr: nothing was
  std::vector<std::unique_ptr<ThingRays>> own;  // [selections] those that stand elsewhere
  std::vector<const ThingPaint*> paint_of;      // [selections] those that stand as found
  std::vector<PlacedThing> things;
  std::vector<std::unique_ptr<PlacedMesh>> meshes;
};

Layer EditedView::Impl::Rest(const Camera& camera, const Pose& pose, const RenderRequest& request,
                             std::vector<char>* unseen, const StopToken* stop) const {
  const std::vector<Ray> rays = MakeRays(camera, pose);
  RenderRequest rest = request;
  RayGaps gaps;
  if (emptied) {
    std::vector<std::vector<std::pair<float, float>>> parts(rays.size());
    ParallelChunks(static_cast<int64_t>(rays.size()), 512, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        RayParts along = emptied->Emptied(rays[r]);
        (*unseen)[r] = along.unseen;
        parts[r] = std::move(along.parts);
      }
    });
    gaps = GapsOf(parts);
    rest.gaps = &gaps;
  }
  const RenderedView view = field.Render(camera, pose, rest, stop);
  Layer layer(rays.size());
  for (size_t r = 0; r < rays.size(); ++r) {
    layer.opacity[r] = view.opacity.data[r];
    if (view.depth.data[r] > 0) layer.distance[r] = view.depth.data[r] / rays[r].z_scale;
    for (int k = 0; k < 3; ++k) {
      if (request.rgb)
        layer.rgb[3 * r + k] = view.rgb.data[3 * r + k] - (1 - view.opacity.data[r]) * request.background[k];
      if (request.normals) layer.normal[3 * r + k] = view.normals.data[3 * r + k];
    }
  }
  return layer;
}

std::optional<MeshRays::Hit> EditedView::Impl::Visible(const Ray& ray) const {
  constexpr int kMost = 16;
  const Vec3f origin(ray.origin[0], ray.origin[1], ray.origin[2]),
      direction(ray.direction[0], ray.direction[1], ray.direction[2]);
  const auto step = static_cast<float>(0.01 * scene.surface.voxel);
  float from = 0;
  for (int i = 0; i < kMost; ++i) {
    auto hit = surface.rays.Cast(origin + from * direction, direction);
    if (!hit) return std::nullopt;
    hit->distance += from;
    const int owner = scene.faces.owner[hit->face];
    if (owner < 0 || !scene.taken[owner]) return hit;
    from = hit->distance + step;
  }
  return std::nullopt;
}

void EditedView::Impl::PaintStanding(const Camera& camera, const Pose& pose, Layer* layer) const {
  if (std::all_of(paint_of.begin(), paint_of.end(), [](const ThingPaint* paint) { return paint == nullptr; }))
    return;
  ParallelFor(camera.height, [&](int64_t row, int) {
    for (int x = 0; x < camera.width; ++x) {
      const size_t r = static_cast<size_t>(row) * camera.width + x;
      float* rgb = &layer->rgb[3 * r];
      const float opacity = layer->opacity[r];
      if (opacity <= 0) continue;
      const float stored[3] = {rgb[0] / opacity, rgb[1] / opacity, rgb[2] / opacity};
      for (int sub = 0; sub < kSubPixels * kSubPixels; ++sub) {
        const Vec2 at(x + (sub % kSubPixels + 0.5) / kSubPixels,
                      static_cast<double>(row) + (sub / kSubPixels + 0.5) / kSubPixels);
        const Ray ray = MakeRay(camera, pose, at);
        const auto hit = Visible(ray);
        const int owner = hit ? scene.faces.owner[hit->face] : -1;
        if (owner < 0 || paint_of[owner] == nullptr) continue;
        const std::array<float, 3> shown =
            paint_of[owner]->Shown(stored, PointAt(ray, hit->distance), surface.NormalAt(*hit));
        for (int k = 0; k < 3; ++k) rgb[k] += opacity * (shown[k] - stored[k]) / (kSubPixels * kSubPixels);
      }
    }
  });
}

Layer EditedView::Impl::Thing(const PlacedThing& thing, const std::vector<Ray>& rays, int width,
                              const StopToken* stop) const {
  Layer layer(rays.size());
  std::vector<Ray> moved(rays.size());
  std::vector<RayParts> along(rays.size());
  std::vector<double> longer(rays.size());
  ParallelChunks(static_cast<int64_t>(rays.size()), 512, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      longer[r] = Moved(thing.back, rays[r], &moved[r]);
      along[r] = thing.rays->Own(moved[r]);
    }
  });
  std::vector<Ray> asked;
  std::vector<size_t> number;
  std::vector<std::vector<std::pair<float, float>>> gaps;
  for (size_t r = 0; r < rays.size(); ++r) {
    if (along[r].parts.empty()) continue;
    number.push_back(r);
    asked.push_back(moved[r]);
    gaps.push_back(Between(along[r].parts));
  }
  if (asked.empty()) return layer;
  const RayGaps ray_gaps = GapsOf(gaps);
  const RaySamples samples =
      field.Weights(asked, {.min_weight = 2, .rgb = true, .gaps = &ray_gaps}, stop);  // no sample is kept
  const Mat3 turn = thing.part->place.topLeftCorner<3, 3>();
  for (size_t i = 0; i < asked.size(); ++i) {
    const size_t r = number[i];
    const RayParts& own = along[r];
    const float near = own.met ? own.met->distance : own.parts.front().first + 0.5f;
    const float distance = samples.distance[i] > 0 ? samples.distance[i] : near;
    layer.distance[r] = static_cast<float>(longer[r] * distance);
    const SeenColor seen = SeenOf(samples, i, own, surface.mesh);
    layer.opacity[r] = seen.opacity;
    std::copy_n(seen.rgb.data(), 3, &layer.rgb[3 * r]);
    const Vec3 normal = own.met ? surface.NormalAt(*own.met) : Vec3(Vec3::Zero());
    const Vec3 turned = own.met ? (turn * normal).normalized() : normal;
    for (int k = 0; k < 3; ++k) layer.normal[3 * r + k] = static_cast<float>(turned[k]);
    if (own.unseen) {  // its back, which nobody saw
      layer.opacity[r] = 1;
      std::fill_n(&layer.rgb[3 * r], 3,
                  UnseenShade(static_cast<int>(r) % width, static_cast<int>(r) / width));
    } else if (thing.part->paint && seen.opacity > 0) {
      const float opacity = seen.opacity;
      const float stored[3] = {seen.rgb[0] / opacity, seen.rgb[1] / opacity, seen.rgb[2] / opacity};
      const auto shown = thing.part->paint->Shown(stored, PointAt(asked[i], distance),
                                                  own.met ? normal : Vec3(Vec3::UnitZ()));
      for (int k = 0; k < 3; ++k) layer.rgb[3 * r + k] = opacity * shown[k];
    }
  }
  return layer;
}

Layer EditedView::Impl::Inserted(const PlacedMesh& mesh, const Camera& camera, const Pose& pose) const {
  Layer layer(static_cast<size_t>(camera.width) * camera.height);
  constexpr float kShare = 1.0f / (kSubPixels * kSubPixels);
  ParallelFor(camera.height, [&](int64_t row, int) {
    for (int x = 0; x < camera.width; ++x) {
      const size_t r = static_cast<size_t>(row) * camera.width + x;
      for (int sub = 0; sub < kSubPixels * kSubPixels; ++sub) {
        const Vec2 at(x + (sub % kSubPixels + 0.5) / kSubPixels,
                      static_cast<double>(row) + (sub / kSubPixels + 0.5) / kSubPixels);
        const Ray ray = MakeRay(camera, pose, at);
        const Vec3f direction(ray.direction[0], ray.direction[1], ray.direction[2]);
        const auto hit = mesh.surface.rays.Cast({ray.origin[0], ray.origin[1], ray.origin[2]}, direction);
        if (!hit) continue;
        const std::array<float, 3> color = mesh.ColorOf(*hit);
        for (int k = 0; k < 3; ++k) layer.rgb[3 * r + k] += kShare * color[k];
        layer.opacity[r] += kShare;
        if (hit->distance > layer.distance[r]) continue;
        layer.distance[r] = hit->distance;
        const Vec3 normal = mesh.surface.NormalAt(*hit) * (hit->is_front ? 1 : -1);
        for (int k = 0; k < 3; ++k) layer.normal[3 * r + k] = static_cast<float>(normal[k]);
      }
    }
  });
  return layer;
}

RenderedView EditedView::Impl::Render(const Camera& camera, const Pose& pose, RenderRequest request,
                                      const StopToken* stop) const {
  const std::vector<Ray> rays = MakeRays(camera, pose);
  std::vector<char> unseen(rays.size(), 0);
  std::vector<Layer> layers;
  layers.push_back(Rest(camera, pose, request, &unseen, stop));
  if (request.rgb) PaintStanding(camera, pose, &layers.back());
  for (const PlacedThing& thing : things) layers.push_back(Thing(thing, rays, camera.width, stop));
  for (const auto& mesh : meshes) layers.push_back(Inserted(*mesh, camera, pose));
  RenderedView view;
  view.depth = ImageF(camera.width, camera.height, 1);
  view.opacity = ImageF(camera.width, camera.height, 1);
  if (request.rgb) view.rgb = ImageF(camera.width, camera.height, 3);
  if (request.normals) view.normals = ImageF(camera.width, camera.height, 3);
  std::vector<const Layer*> order;
  for (size_t r = 0; r < rays.size(); ++r) {
    order.clear();
    for (const Layer& layer : layers) {
      if (layer.opacity[r] > 0) order.push_back(&layer);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](const Layer* a, const Layer* b) { return a->distance[r] < b->distance[r]; });
    float through = 1;
    for (const Layer* layer : order) {
      const float before = through;
      for (int k = 0; request.rgb && k < 3; ++k) view.rgb.data[3 * r + k] += before * layer->rgb[3 * r + k];
      through = before * (1 - layer->opacity[r]);
      if (before <= 0.5f || through > 0.5f || layer->distance[r] == kNowhere) continue;
      view.depth.data[r] = layer->distance[r] * rays[r].z_scale;
      for (int k = 0; request.normals && k < 3; ++k) view.normals.data[3 * r + k] = layer->normal[3 * r + k];
    }
    view.opacity.data[r] = 1 - through;
    const float shade = UnseenShade(static_cast<int>(r % camera.width), static_cast<int>(r / camera.width));
    for (int k = 0; request.rgb && k < 3; ++k)
      view.rgb.data[3 * r + k] += through * (unseen[r] ? shade : request.background[k]);
  }
  return view;
}

EditedView::EditedView(const RadianceField& field, const EditedScene& scene)
    : impl_(std::make_unique<Impl>(field, scene)) {}

EditedView::~EditedView() = default;

RenderedView EditedView::Render(const Camera& camera, const Pose& world_from_camera, RenderRequest request,
                                const StopToken* stop) const {
  return impl_->Render(camera, world_from_camera, request, stop);
}

}  // namespace semfield
