#include "semfield/synthetic/synthetic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/random.h"
#include "semfield/synthetic/synthetic_shapes.h"

namespace semfield {
namespace {

constexpr double kPi = std::numbers::pi;

double Between(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.Uniform());
}

Vec3 HsvColor(double hue, double saturation, double value) {
  Vec3 rgb;
  for (int channel = 0; channel < 3; ++channel) {
    const double k = std::fmod(5 - 2 * channel + 6 * hue, 6.0);
    rgb[channel] = value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  }
  return rgb;
}

// Adds instances made of shapes; hues walk the colour circle by the golden ratio, so that neighbours differ.
class Builder {
 public:
  Builder(uint64_t seed, std::vector<Shape>* shapes, std::vector<std::string>* classes,
          std::map<int, InstanceLabel>* instances)
      : random_(seed, 7),
        shapes_(shapes),
        classes_(classes),
        instances_(instances),
        hue_(random_.Uniform()) {}

  Random& random() { return random_; }

  int Begin(const std::string& name, const std::string& class_name) {
    const auto it = std::find(classes_->begin(), classes_->end(), class_name);
    SF_CHECK(it != classes_->end());
    const int id = static_cast<int>(instances_->size()) + 1;
    (*instances_)[id] = {name, class_name, static_cast<int>(it - classes_->begin())};
    hue_ = std::fmod(hue_ + 0.618033988749895, 1.0);
    return id;
  }

  Texture MakeTexture(Texture::Kind kind, double period) {
    Texture texture;
    texture.kind = kind;
    texture.color_a = HsvColor(hue_, Between(random_, 0.5, 0.8), Between(random_, 0.7, 0.95));
    texture.color_b =
        HsvColor(std::fmod(hue_ + 0.12, 1.0), Between(random_, 0.3, 0.6), Between(random_, 0.35, 0.55));
    texture.period = period;
    texture.seed = random_.NextUint32();
    return texture;
  }
  Texture AnyTexture(double period) {
    constexpr Texture::Kind kKinds[] = {Texture::Kind::kChecker, Texture::Kind::kStripes,
                                        Texture::Kind::kNoise, Texture::Kind::kGradient};
    return MakeTexture(kKinds[next_kind_++ % 4], period);
  }

  void Add(int instance, Shape::Kind kind, const Vec3& center, const Vec3& half, double yaw,
           const Texture& texture) {
    Shape shape;
    shape.kind = kind;
    shape.center = center;
    shape.half = half;
    shape.SetYaw(yaw);
    shape.texture = texture;
    shape.instance = instance;
    shapes_->push_back(shape);
  }
  void Box(int instance, const Vec3& center, const Vec3& half, double yaw, const Texture& texture) {
    Add(instance, Shape::Kind::kBox, center, half, yaw, texture);
  }
  void Sphere(int instance, const Vec3& center, double radius, const Texture& texture) {
    Add(instance, Shape::Kind::kSphere, center, Vec3::Constant(radius), 0, texture);
  }
  void Cylinder(int instance, const Vec3& center, double radius, double half_height, const Texture& texture) {
    Add(instance, Shape::Kind::kCylinder, center, Vec3(radius, radius, half_height), 0, texture);
  }

 private:
  Random random_;
  std::vector<Shape>* shapes_;
  std::vector<std::string>* classes_;
  std::map<int, InstanceLabel>* instances_;
  double hue_;
  int next_kind_ = 0;
};

// size: half of both sides, height.
void AddTable(Builder* b, const Vec3& at, const Vec3& size, double yaw, const std::string& name) {
  const double half_x = size.x(), half_y = size.y(), height = size.z();
  const int id = b->Begin(name, "table");
  const Texture wood = b->MakeTexture(Texture::Kind::kStripes, 0.13);
  b->Box(id, at + Vec3(0, 0, height - 0.03), Vec3(half_x, half_y, 0.03), yaw, wood);
  for (const int corner : {0, 1, 2, 3}) {
    const double x = (corner & 1 ? 1 : -1) * (half_x - 0.06), y = (corner & 2 ? 1 : -1) * (half_y - 0.06);
    const Vec3 leg(std::cos(yaw) * x - std::sin(yaw) * y, std::sin(yaw) * x + std::cos(yaw) * y,
                   0.5 * height - 0.03);
    b->Cylinder(id, at + leg, 0.035, 0.5 * height - 0.03, wood);
  }
}

void AddChair(Builder* b, const Vec3& at, double yaw, const std::string& name) {
  const int id = b->Begin(name, "chair");
  const Texture cloth = b->AnyTexture(0.12);
  b->Box(id, at + Vec3(0, 0, 0.225), Vec3(0.2, 0.2, 0.225), yaw, cloth);
  const Vec3 back(-0.17 * std::cos(yaw), -0.17 * std::sin(yaw), 0.68);
  b->Box(id, at + back, Vec3(0.03, 0.2, 0.23), yaw, cloth);
}

void AddLamp(Builder* b, const Vec3& at, const std::string& name) {
  const int id = b->Begin(name, "lamp");
  b->Cylinder(id, at + Vec3(0, 0, 0.015), 0.13, 0.015, b->MakeTexture(Texture::Kind::kPlain, 1));
  b->Cylinder(id, at + Vec3(0, 0, 0.65), 0.02, 0.65, b->MakeTexture(Texture::Kind::kGradient, 1.0));
  b->Cylinder(id, at + Vec3(0, 0, 1.4), 0.17, 0.13, b->MakeTexture(Texture::Kind::kChecker, 0.09));
}

void AddPlant(Builder* b, const Vec3& at, double size, const std::string& name) {
  const int id = b->Begin(name, "plant");
  b->Cylinder(id, at + Vec3(0, 0, 0.4 * size), 0.35 * size, 0.4 * size,
              b->MakeTexture(Texture::Kind::kStripes, 0.3 * size));
  Texture leaves = b->MakeTexture(Texture::Kind::kNoise, 0.25 * size);
  leaves.color_a = Vec3(0.25, 0.62, 0.2);
  leaves.color_b = Vec3(0.06, 0.28, 0.08);
  b->Sphere(id, at + Vec3(0, 0, 1.3 * size), 0.6 * size, leaves);
}

void BuildRoomShell(Builder* b, const Vec3& size, std::vector<Shape>* shapes) {
  const struct {
    const char* name;
    const char* class_name;
    Texture::Kind kind;
    double period;
    Vec3 a, b;
  } kSides[] = {{"Floor", "floor", Texture::Kind::kChecker, 0.5, {0.72, 0.55, 0.38}, {0.55, 0.40, 0.27}},
                {"Ceiling", "ceiling", Texture::Kind::kNoise, 0.8, {0.95, 0.95, 0.93}, {0.82, 0.83, 0.85}},
                {"Walls", "wall", Texture::Kind::kNoise, 0.3, {0.95, 0.88, 0.70}, {0.45, 0.60, 0.75}}};
  for (const auto& side : kSides) {
    Shape shell;
    shell.center = 0.5 * size;
    shell.half = 0.5 * size;
    shell.inside_out = true;
    shell.instance = b->Begin(side.name, side.class_name);
    shell.texture = b->MakeTexture(side.kind, side.period);
    shell.texture.color_a = side.a;
    shell.texture.color_b = side.b;
    shapes->push_back(shell);
  }
}

// Objects stand along the walls and in the middle; the ring between them is left to the cameras.
void BuildRoom(Builder* b, const Vec3& size, std::vector<Shape>* shapes) {
  BuildRoomShell(b, size, shapes);
  const double w = size.x(), d = size.y();
  const auto jitter = [&](double by) { return Between(b->random(), -by, by); };
  const Vec3 middle(0.5 * w + jitter(0.15), 0.5 * d + jitter(0.15), 0);
  b->Box(b->Begin("Rug", "rug"), middle + Vec3(0, 0, 0.006), Vec3(1.15, 0.85, 0.006), 0,
         b->MakeTexture(Texture::Kind::kStripes, 0.3));
  AddTable(b, middle, Vec3(0.5, 0.35, 0.45), jitter(0.3), "Coffee table");
  b->Cylinder(b->Begin("Vase", "object"), middle + Vec3(-0.2, 0.05, 0.58), 0.07, 0.13,
              b->MakeTexture(Texture::Kind::kStripes, 0.07));
  b->Sphere(b->Begin("Bowl ball", "object"), middle + Vec3(0.2, -0.05, 0.54), 0.09,
            b->MakeTexture(Texture::Kind::kChecker, 0.05));
  b->Box(b->Begin("Book", "object"), middle + Vec3(0.02, 0.12, 0.475), Vec3(0.1, 0.07, 0.025), jitter(0.6),
         b->AnyTexture(0.08));

  b->Box(b->Begin("Cabinet", "cabinet"), Vec3(0.26, 0.3 * d, 0.5), Vec3(0.25, 0.5, 0.5), 0,
         b->MakeTexture(Texture::Kind::kStripes, 0.35));
  b->Box(b->Begin("Monitor", "object"), Vec3(0.26, 0.3 * d + jitter(0.1), 1.2), Vec3(0.03, 0.33, 0.2), 0,
         b->MakeTexture(Texture::Kind::kGradient, 0.5));
  const int wardrobe = b->Begin("Wardrobe", "cabinet");
  b->Box(wardrobe, Vec3(w - 0.31, 0.78 * d, 0.95), Vec3(0.3, 0.45, 0.95), 0,
         b->MakeTexture(Texture::Kind::kChecker, 0.4));
  const int sofa = b->Begin("Sofa", "sofa");
  const Texture cloth = b->MakeTexture(Texture::Kind::kNoise, 0.12);
  b->Box(sofa, Vec3(0.52 * w, d - 0.42, 0.21), Vec3(0.8, 0.38, 0.21), 0, cloth);
  b->Box(sofa, Vec3(0.52 * w, d - 0.12, 0.55), Vec3(0.8, 0.1, 0.22), 0, cloth);
  b->Box(b->Begin("Cushion", "object"), Vec3(0.52 * w - 0.45, d - 0.36, 0.54), Vec3(0.2, 0.1, 0.12),
         jitter(0.2), b->MakeTexture(Texture::Kind::kChecker, 0.1));
  AddChair(b, Vec3(0.62 * w, 0.45, 0), 0.5 * kPi + jitter(0.3), "Chair");
  AddChair(b, Vec3(w - 0.5, 0.38 * d, 0), kPi + jitter(0.3), "Chair 2");
  AddLamp(b, Vec3(0.35, d - 0.4, 0), "Floor lamp");
  AddPlant(b, Vec3(w - 0.45, 0.4, 0), 0.5 + jitter(0.05), "Plant");
  b->Sphere(b->Begin("Ball", "object"), Vec3(0.3 * w, 0.4, 0.22), 0.22,
            b->MakeTexture(Texture::Kind::kStripes, 0.16));
  b->Box(b->Begin("Picture", "picture"), Vec3(0.4 * w, 0.015, 1.55), Vec3(0.4, 0.015, 0.28), 0,
         b->MakeTexture(Texture::Kind::kGradient, 0.5));
  b->Box(b->Begin("Picture 2", "picture"), Vec3(0.015, 0.72 * d, 1.6), Vec3(0.015, 0.3, 0.35), 0,
         b->MakeTexture(Texture::Kind::kNoise, 0.2));
  const int shelf = b->Begin("Shelf", "shelf");
  b->Box(shelf, Vec3(0.55 * w, d - 0.13, 1.55), Vec3(0.5, 0.12, 0.02), 0,
         b->MakeTexture(Texture::Kind::kStripes, 0.15));
  b->Cylinder(b->Begin("Jar", "object"), Vec3(0.55 * w + 0.2, d - 0.13, 1.67), 0.07, 0.1,
              b->AnyTexture(0.06));
}

// A group of touching things around the origin, within a ball of radius 1.2.
void BuildObject(Builder* b) {
  const auto jitter = [&](double by) { return Between(b->random(), -by, by); };
  b->Cylinder(b->Begin("Plate", "base"), Vec3(0, 0, -0.52), 1.0, 0.06,
              b->MakeTexture(Texture::Kind::kChecker, 0.25));
  b->Box(b->Begin("Block", "box"), Vec3(0.05, 0.1, -0.16), Vec3(0.3, 0.22, 0.3), jitter(0.6),
         b->MakeTexture(Texture::Kind::kChecker, 0.15));
  b->Sphere(b->Begin("Ball", "ball"), Vec3(0.05, 0.1, 0.38), 0.24,
            b->MakeTexture(Texture::Kind::kStripes, 0.2));
  b->Cylinder(b->Begin("Tower", "cylinder"), Vec3(-0.55, 0.25, 0.02), 0.16, 0.48,
              b->MakeTexture(Texture::Kind::kStripes, 0.25));
  b->Sphere(b->Begin("Top", "ball"), Vec3(-0.55, 0.25, 0.62), 0.14,
            b->MakeTexture(Texture::Kind::kNoise, 0.1));
  for (int k = 0; k < 6; ++k) {
    const double angle = 2 * kPi * (k + 0.25 * Between(b->random(), 0, 1)) / 6 - 0.3;
    const Vec3 at(0.74 * std::cos(angle), 0.74 * std::sin(angle), -0.46);
    const std::string number = fmt::format(" {}", k / 3 + 1);
    if (k % 3 == 0) {
      b->Box(b->Begin("Cube" + number, "box"), at + Vec3(0, 0, 0.13), Vec3::Constant(0.13), angle,
             b->AnyTexture(0.1));
    } else if (k % 3 == 1) {
      b->Sphere(b->Begin("Marble" + number, "ball"), at + Vec3(0, 0, 0.15), 0.15, b->AnyTexture(0.12));
    } else {
      b->Cylinder(b->Begin("Drum" + number, "cylinder"), at + Vec3(0, 0, 0.1), 0.14, 0.1, b->AnyTexture(0.1));
    }
  }
}

double DistanceToBox(const Box3& box, const Vec3& p) {
  return (box.min - p).cwiseMax(p - box.max).cwiseMax(0.0).norm();
}

}  // namespace

void SyntheticOptions::Describe(OptionList& list) {
  list.Int("views", &views, "Photos to make.", {.min = 3, .max = 100000});
  list.Int("width", &width, "Width of a photo in pixels.", {.min = 8, .max = 16384});
  list.Int("height", &height, "Height of a photo in pixels.", {.min = 8, .max = 16384});
  list.Int("seed", &seed, "Decides textures, places and cameras.", {.min = 0});
  list.Text("scene", &scene, "What to make.", {.choices = {"room", "object"}});
  list.Real("fov-y", &fov_y_degrees, "Vertical field of view in degrees.", {.min = 5, .max = 150});
  list.Real("noise", &noise, "Standard deviation of noise added to 8-bit colours.", {.min = 0, .max = 255});
  list.Real(
      "pose-error", &pose_error_degrees,
      "Degrees by which the written poses of the training views are off, each about an axis of its own.",
      {.min = 0, .max = 180});
  list.Real("pose-shift", &pose_error_shift,
            "Distance by which their camera centres are off, each in a direction of its own.",
            {.min = 0, .max = 1e6});
  list.Real(
      "exposure-error", &exposure_error_stops,
      "Stops by which the photos of the training views are too bright or dark at most, each its own number.",
      {.min = 0, .max = 8});
}

struct SyntheticScene::Impl {
  SyntheticOptions options;
  std::vector<Shape> shapes;
  std::vector<std::string> class_names;
  std::map<int, InstanceLabel> instances;
  bool is_room = true;
  Vec3 room_size = Vec3::Zero();

  std::vector<Pose> RoomPoses() const;
  std::vector<Pose> ObjectPoses() const;
  bool FreeAt(const Vec3& eye) const {
    return std::all_of(shapes.begin(), shapes.end(), [&](const Shape& shape) {
      return shape.inside_out || DistanceToBox(shape.Bounds(), eye) > 0.25;
    });
  }
};

// A walk around the middle of the room, looking across it and at what stands along the walls.
std::vector<Pose> SyntheticScene::Impl::RoomPoses() const {
  Random random(static_cast<uint64_t>(options.seed), 11);
  std::vector<Pose> poses;
  const Vec3 middle = 0.5 * room_size;
  for (int i = 0; i < options.views; ++i) {
    const double angle = 2 * kPi * i / options.views;
    const bool outward = i % 3 == 2;
    Vec3 eye = middle;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const double radius = outward ? Between(random, 0.05, 0.35) : Between(random, 0.45, 0.72);
      eye = Vec3(middle.x() * (1 + radius * std::cos(angle)), middle.y() * (1 + radius * std::sin(angle)),
                 Between(random, 1.1, 1.9));
      if (FreeAt(eye)) break;
    }
    // Two of three look across the room, the third outward, so that every wall and corner is seen.
    const double turn = outward ? Between(random, -0.7, 0.7) : kPi + Between(random, -0.9, 0.9);
    const Vec3 target = eye + Vec3(std::cos(angle + turn), std::sin(angle + turn),
                                   Between(random, -0.7, outward ? 0.0 : 0.1));
    poses.push_back(LookAt(eye, target, Vec3::UnitZ()));
  }
  return poses;
}

// Even points on the upper hemisphere (Fibonacci lattice); test views first, as their names sort before the
// others.
std::vector<Pose> SyntheticScene::Impl::ObjectPoses() const {
  Random random(static_cast<uint64_t>(options.seed), 13);
  const double narrow =
      std::min(options.fov_y_degrees * kPi / 180,
               2 * std::atan(std::tan(options.fov_y_degrees * kPi / 360) * options.width / options.height));
  const double distance = 1.25 / std::sin(0.5 * narrow);
  const double start = Between(random, 0, 2 * kPi);
  std::vector<Pose> train, test;
  for (int i = 0; i < options.views; ++i) {
    const double z = std::sin((-5 + 80 * (i + 0.5) / options.views) * kPi / 180);
    const double angle = start + i * kPi * (3 - std::sqrt(5.0));
    const double r = std::sqrt(1 - z * z);
    const Vec3 eye = distance * Vec3(r * std::cos(angle), r * std::sin(angle), z);
    (i % kSyntheticHeldOutEvery == 0 ? test : train).push_back(LookAt(eye, Vec3::Zero(), Vec3::UnitZ()));
  }
  test.insert(test.end(), train.begin(), train.end());
  return test;
}

SyntheticScene::SyntheticScene(const SyntheticOptions& options) : impl_(std::make_unique<Impl>()) {
  if (options.scene != "room" && options.scene != "object") {
    throw InputError("synthetic scene '{}': unknown, expected room or object", options.scene);
  }
  if (options.views < 3 || options.width < 8 || options.height < 8 || options.width > 16384 ||
      options.height > 16384 || !(options.fov_y_degrees >= 5 && options.fov_y_degrees <= 150) ||
      !(options.noise >= 0)) {
    throw InputError(
        "synthetic scene: {} views of {}x{} pixels with {} degrees: expected at least 3 views, sides from 8 "
        "to "
        "16384 and 5 to 150 degrees",
        options.views, options.width, options.height, options.fov_y_degrees);
  }
  impl_->options = options;
  impl_->is_room = options.scene == "room";
  impl_->class_names =
      impl_->is_room
          ? std::vector<std::string>{"wall",    "floor", "ceiling", "rug",   "table",   "chair", "sofa",
                                     "cabinet", "shelf", "lamp",    "plant", "picture", "object"}
          : std::vector<std::string>{"base", "box", "ball", "cylinder"};
  Builder builder(static_cast<uint64_t>(options.seed), &impl_->shapes, &impl_->class_names,
                  &impl_->instances);
  if (impl_->is_room) {
    impl_->room_size = Vec3(Between(builder.random(), 4.6, 5.4), Between(builder.random(), 4.0, 4.6), 2.6);
    BuildRoom(&builder, impl_->room_size, &impl_->shapes);
  } else {
    BuildObject(&builder);
  }
}
SyntheticScene::~SyntheticScene() = default;

SyntheticHit SyntheticScene::Trace(const Ray& ray) const {
  const Vec3 origin(ray.origin[0], ray.origin[1], ray.origin[2]);
  const Vec3 direction = Vec3(ray.direction[0], ray.direction[1], ray.direction[2]).normalized();
  const Shape* nearest = nullptr;
  ShapeHit best;
  best.distance = std::numeric_limits<double>::infinity();
  for (const Shape& shape : impl_->shapes) {
    if (!MayHit(shape, origin, direction, best.distance)) continue;
    const std::optional<ShapeHit> hit = Intersect(shape, origin, direction);
    if (!hit || hit->distance >= best.distance) continue;
    if (shape.inside_out) {
      // Floor, ceiling and walls are three shells of one box, each showing only its own faces.
      const int side = hit->outward.z() < -0.5 ? 1 : hit->outward.z() > 0.5 ? 2 : 3;
      if (shape.instance != side) continue;
    }
    best = *hit;
    nearest = &shape;
  }
  SyntheticHit result;
  if (nearest == nullptr) return result;
  static const Vec3 light = Vec3(0.4, 0.25, 0.88).normalized();
  const double shade = 0.78 + 0.22 * best.normal.dot(light);
  const Vec3 color = nearest->texture.ColorAt(best.local) * shade;
  result.hit = true;
  result.distance = static_cast<float>(best.distance);
  for (int k = 0; k < 3; ++k) {
    result.normal[k] = static_cast<float>(best.normal[k]);
    result.rgb[k] = static_cast<float>(std::clamp(color[k], 0.0, 1.0));
  }
  result.instance = nearest->instance;
  result.class_id = impl_->instances.at(nearest->instance).class_id;
  return result;
}

Box3 SyntheticScene::Bounds() const {
  Box3 box = impl_->shapes.front().Bounds();
  for (const Shape& shape : impl_->shapes) {
    box.min = box.min.cwiseMin(shape.Bounds().min);
    box.max = box.max.cwiseMax(shape.Bounds().max);
  }
  return box;
}

const std::vector<std::string>& SyntheticScene::class_names() const {
  return impl_->class_names;
}

const std::map<int, InstanceLabel>& SyntheticScene::instances() const {
  return impl_->instances;
}

std::vector<std::pair<Camera, Pose>> SyntheticScene::Cameras() const {
  const SyntheticOptions& options = impl_->options;
  const Camera camera = PinholeCamera(options.width, options.height, options.fov_y_degrees * kPi / 180);
  std::vector<std::pair<Camera, Pose>> cameras;
  for (const Pose& pose : impl_->is_room ? impl_->RoomPoses() : impl_->ObjectPoses())
    cameras.emplace_back(camera, pose);
  return cameras;
}

}  // namespace semfield
