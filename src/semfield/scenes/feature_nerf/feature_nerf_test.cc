#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <numeric>

#include "semfield/base/any_options.h"
#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/scenes/feature_nerf/feature_nerf_method.h"
#include "semfield/scenes/feature_nerf/feature_nerf_objects.h"
#include "semfield/scenes/feature_nerf/feature_nerf_trainer.h"
#include "semfield/scenes/nn/sample_rows.h"
#include "semfield/scenes/nn/views.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/presets.h"

namespace semfield {
namespace {

constexpr int kSide = 32;
constexpr double kRadius = 0.3;

FeatureNerfOptions Tiny() {
  FeatureNerfOptions options;
  options.model.width = 16;
  options.model.teacher_channels = 3;
  options.model.coarse_samples = 8;
  options.model.fine_samples = options.model.depth_samples = 3;
  options.objects = 2;
  options.rays = 24;
  options.steps = 4;
  return options;
}

// A ball around the origin whose surface has the colour 0.5 + 0.5 n of its normal n, seen from four sides;
// its teacher says n where the ball is.
TrainingObject Ball() {
  TrainingObject object{
      .camera = PinholeCamera(kSide, kSide, 0.83), .teacher_channels = 3, .teacher_side = kSide};
  for (int v = 0; v < 4; ++v) {
    const double angle = 0.4 + 1.5 * v;
    const Pose pose =
        LookAt(1.3 * Vec3(std::cos(angle), std::sin(angle), 0.3).normalized(), Vec3::Zero(), Vec3::UnitZ());
    ImageU8 rgba(kSide, kSide, 4);
    ImageF depth(kSide, kSide, 1);
    std::vector<Half> teacher(3 * kSide * kSide);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const Vec3 in_camera = object.camera.DirectionAt({x + 0.5, y + 0.5});
        const Vec3 direction = pose.rotation * in_camera;
        const double along = -pose.translation.dot(direction);
        const double apart = pose.translation.squaredNorm() - along * along;
        if (apart > kRadius * kRadius) continue;
        const double t = along - std::sqrt(kRadius * kRadius - apart);
        const Vec3 normal = (pose.translation + t * direction) / kRadius;
        for (int c = 0; c < 3; ++c) {
          rgba.At(x, y, c) = static_cast<uint8_t>(std::lround(255 * (0.5 + 0.5 * normal[c])));
          teacher[(c * kSide + y) * kSide + x] = FloatToHalf(static_cast<float>(normal[c]));
        }
        rgba.At(x, y, 3) = 255;
        depth.At(x, y) = static_cast<float>(t * in_camera.z());
      }
    }
    object.world_from_camera.push_back(pose);
    object.rgba.push_back(rgba);
    object.depth.push_back(depth);
    if (v < 2) {
      object.looked.push_back(v);
      object.teacher.insert(object.teacher.end(), teacher.begin(), teacher.end());
    }
  }
  return object;
}

TeacherProjection SomeProjection() {
  torch::manual_seed(2);
  return TeacherProjection::Fit("imagenet", torch::randn({40, 5}), 3);
}

std::unique_ptr<NetworkTrainer> TrainerOf(const FeatureNerfOptions& options) {
  const FeatureNerfModelOptions& model = options.model;
  auto batches = std::make_unique<ObjectBatches>(std::vector<TrainingObject>{Ball(), Ball()},
                                                 ObjectBatchOptions{.objects = options.objects,
                                                                    .rays = options.rays,
                                                                    .seed = options.seed,
                                                                    .coarse_samples = model.coarse_samples,
                                                                    .fine_samples = model.fine_samples,
                                                                    .depth_samples = model.depth_samples});
  return std::make_unique<NetworkTrainer>(
      FeatureNerfTrainerOptions(options),
      std::make_unique<FeatureNerfNetwork>(options, std::vector<std::string>{"ball"}, SomeProjection(),
                                           std::move(batches)));
}

ObjectPictures SomePictures(int64_t count, int64_t side, int64_t teacher_channels) {
  return {.rgba = torch::rand({count, 4, side, side}),
          .teacher = teacher_channels > 0 ? torch::randn({count, teacher_channels, 8, 8}) : torch::Tensor(),
          .intrinsics = torch::tensor({1.1f, 1.1f, 0.5f, 0.5f}).repeat({count, 1}),
          .offsets = torch::tensor({0.0f, 0.0f, 1.3f}).repeat({count, 1}),
          .categories = torch::zeros({count}, torch::kLong)};
}

ObjectRays SomeRays(int64_t pictures, int64_t rays) {
  const torch::Tensor origins = torch::tensor({0.0f, 0.0f, -1.3f}).expand({pictures, rays, 3}).contiguous();
  torch::Tensor directions = torch::randn({pictures, rays, 3}) * 0.1;
  directions.select(2, 2).fill_(1);
  return {.origins = origins, .directions = directions / directions.norm(2, 2, true)};
}

double Apart(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(FeatureNerf, RowsAreSampledAsMapsAreAndHaveTheSameGradient) {
  torch::manual_seed(1);
  const torch::Tensor maps = torch::randn({2, 5, 4, 6}).requires_grad_();
  const torch::Tensor at = torch::rand({2, 30, 2}) * 1.2 - 0.1;
  const torch::Tensor weight = torch::randn({2, 30, 5});
  const torch::Tensor rows = nn::SampleRows(maps.permute({0, 2, 3, 1}), at);
  torch::Tensor direct = nn::SampleMaps(maps, at);  // [P, V, C]
  EXPECT_LT(Apart(rows, direct.transpose(0, 1)), 1e-5);
  (rows * weight).sum().backward();
  const torch::Tensor of_rows = maps.grad().clone();
  maps.mutable_grad().zero_();
  (direct.transpose(0, 1) * weight).sum().backward();
  EXPECT_LT(Apart(of_rows, maps.grad()), 1e-4);
}

TEST(FeatureNerf, CompositesAreDirectSumsAndHaveTheirGradients) {
  torch::manual_seed(1);
  const torch::Tensor weights = torch::rand({7, 4}).requires_grad_();
  const torch::Tensor values = torch::randn({7, 4, 11}).requires_grad_();
  const torch::Tensor up = torch::randn({7, 11});
  const torch::Tensor sums = nn::CompositeRows(weights, values);
  const torch::Tensor direct = (weights.unsqueeze(2) * values).sum(1);
  EXPECT_LT(Apart(sums, direct), 1e-5);
  (sums * up).sum().backward();
  const torch::Tensor of_weights = weights.grad().clone(), of_values = values.grad().clone();
  weights.mutable_grad().zero_();
  values.mutable_grad().zero_();
  (direct * up).sum().backward();
  EXPECT_LT(Apart(of_weights, weights.grad()), 1e-5);
  EXPECT_LT(Apart(of_values, values.grad()), 1e-5);
}

TEST(FeatureNerf, WeightsKnowTheLengthsOfSteps) {
  const torch::Tensor sigma = torch::tensor({{2.0f, 0.0f, 4.0f}});
  const torch::Tensor distances = torch::tensor({{1.0f, 1.5f, 1.6f}});
  const torch::Tensor weights = LengthWeights(sigma, distances, torch::tensor({1.8f}));
  const double first = 1 - std::exp(-2 * 0.5), last = std::exp(-1.0) * (1 - std::exp(-4 * 0.2));
  EXPECT_NEAR(weights[0][0].item<double>(), first, 1e-5);
  EXPECT_NEAR(weights[0][1].item<double>(), 0, 1e-6);
  EXPECT_NEAR(weights[0][2].item<double>(), last, 1e-5);
}

TEST(FeatureNerf, CoordinateLossesAreAsByHand) {
  // One ray of two samples that are off by (0.1, 0, 0) and (-0.1, 0.2, 0).
  const torch::Tensor weights = torch::tensor({{0.5f, 0.25f}});
  const torch::Tensor truth = torch::tensor({0.3f, -0.2f, 0.1f}).expand({1, 2, 3});
  const torch::Tensor coordinates =
      truth + torch::tensor({0.1f, 0.0f, 0.0f, -0.1f, 0.2f, 0.0f}).view({1, 2, 3});
  const auto loss = [&](const char* kind) {
    return CoordinateLoss(kind, weights, coordinates, truth).item<double>();
  };
  EXPECT_NEAR(loss("weighted"), 0.5 * 0.01 + 0.25 * 0.05, 1e-6);
  EXPECT_NEAR(loss("each"), 0.5 * (0.01 + 0.05), 1e-6);
  EXPECT_NEAR(loss("averaged"), 0.1 * 0.1, 1e-6);  // the mean error is (0, 0.1, 0)
}

TEST(FeatureNerf, PlacesAreEncodedWithSixFrequencies) {
  const torch::Tensor encoded = EncodePlaces(torch::tensor({{0.2f, -0.1f, 0.4f}}));
  ASSERT_EQ(encoded.sizes().vec(), (std::vector<int64_t>{1, 39}));
  EXPECT_NEAR(encoded[0][0].item<double>(), 0.2, 1e-6);
  EXPECT_NEAR(encoded[0][3].item<double>(), std::sin(1.5 * 0.2), 1e-6);
  EXPECT_NEAR(encoded[0][38].item<double>(), std::cos(48 * 0.4), 1e-5);
}

TEST(FeatureNerf, TheTeachersHeadMayFollowTheComposite) {
  torch::manual_seed(4);
  FeatureNerfModelOptions options = Tiny().model;
  FeatureNerfModel model(options, 2);
  const torch::NoGradGuard no_gradient;
  const ObjectRays rays = SomeRays(1, 5);
  const EncodedObjects objects = model->Encode(SomePictures(1, 32, 3));
  const SeenRays seen = model->Render(objects, rays, true);
  const int64_t samples = seen.weights.size(1);
  const torch::Tensor directions = rays.directions.reshape({5, 1, 3}).expand({5, samples, 3});
  const FieldAnswer answer = model->Query(objects, seen.places.reshape({1, 5 * samples, 3}),
                                          directions.reshape({1, 5 * samples, 3}));
  const torch::Tensor each =
      model->TeacherOf(answer.internal, torch::ones({5 * samples}), directions.reshape({5 * samples, 3}));
  const torch::Tensor direct = (seen.weights.unsqueeze(2) * each.reshape({5, samples, 3})).sum(1);
  EXPECT_GT(direct.abs().max().item<double>(), 1e-3);
  EXPECT_LT(Apart(seen.teacher, direct), 1e-5);
  const torch::Tensor rgb = (seen.weights.unsqueeze(2) * answer.rgb.reshape({5, samples, 3})).sum(1);
  EXPECT_LT(Apart(seen.rgb, rgb), 1e-5);
}

TEST(FeatureNerf, TheInternalFeatureKnowsTheRayOnlyWhereItEntersAtTheInput) {
  const torch::NoGradGuard no_gradient;
  for (const char* direction : {"heads", "input"}) {
    torch::manual_seed(4);
    FeatureNerfModelOptions options = Tiny().model;
    options.direction = direction;
    FeatureNerfModel model(options, 1);
    const EncodedObjects objects = model->Encode(SomePictures(1, 32, 3));
    const torch::Tensor places = torch::rand({1, 9, 3}) - 0.5;
    const torch::Tensor one = torch::tensor({0.0f, 0.0f, 1.0f}).expand({1, 9, 3});
    const torch::Tensor other = torch::tensor({0.6f, 0.0f, 0.8f}).expand({1, 9, 3});
    const FieldAnswer a = model->Query(objects, places, one), b = model->Query(objects, places, other);
    EXPECT_EQ(torch::equal(a.internal, b.internal), options.direction == "heads") << direction;
    EXPECT_FALSE(torch::equal(a.rgb, b.rgb)) << direction;
  }
}

TEST(FeatureNerf, ThePapersSizesMakeAStep) {
  FeatureNerfOptions options;
  ApplyPreset(LoadPreset("feature_nerf", "paper"), "preset paper", {}, &options);
  EXPECT_EQ(options.rays, 1024);
  torch::manual_seed(1);
  FeatureNerfModel model(options.model, 1);
  int64_t encoder = 0, latent = 0;
  for (const auto& [name, tensor] : model->NamedParameters()) {
    if (name.rfind("encoder.", 0) == 0) encoder += tensor.numel();
    if (name == "latent.weight") latent = tensor.size(1);
  }
  EXPECT_EQ(latent, 64 + 64 + 128 + 256);
  // ResNet-34 up to its third stage has 8.17 million weights of three channels; ours sees alpha too.
  EXPECT_NEAR(static_cast<double>(encoder), 8.17e6, 0.05e6);
  const EncodedObjects objects = model->Encode(SomePictures(1, 128, 0));
  EXPECT_EQ(objects.latents.sizes().vec(), (std::vector<int64_t>{1, 64, 64, 3 * 512}));
  const SeenRays seen = model->Render(objects, SomeRays(1, 3), true);
  EXPECT_EQ(seen.internal.sizes().vec(), (std::vector<int64_t>{3, 512}));
  EXPECT_EQ(seen.weights.size(1), 64 + 16 + 16);
  (seen.rgb.sum() + seen.teacher.sum() + seen.coordinate.sum()).backward();
  nn::Adam adam({{.name = "all", .parameters = model->NamedParameters(), .learning_rate = 1e-4}});
  const torch::Tensor before = adam.Tensors(false).front().second.clone();
  adam.Step(1, 1);
  EXPECT_FALSE(torch::equal(before, adam.Tensors(false).front().second));
}

TEST(FeatureNerf, AProjectionKeepsTheLargestComponents) {
  torch::manual_seed(3);
  const torch::Tensor rows = torch::randn({500, 6}) * torch::tensor({5.0f, 0.1f, 3.0f, 0.1f, 0.1f, 0.1f}) + 2;
  const TeacherProjection projection = TeacherProjection::Fit("x", rows, 2);
  EXPECT_LT(Apart(torch::matmul(projection.basis.t(), projection.basis), torch::eye(2)), 1e-5);
  EXPECT_GT(projection.basis[0][0].abs().item<double>(), 0.99);
  EXPECT_GT(projection.basis[2][1].abs().item<double>(), 0.99);
  EXPECT_NEAR(projection.Apply(rows).square().mean().item<double>(), 1, 1e-3);
  EXPECT_TRUE(torch::equal(projection.basis, TeacherProjection::Fit("x", rows, 2).basis));
}

std::vector<std::byte> BytesOf(const SceneTrainer& trainer) {
  std::vector<std::byte> bytes;
  for (const TensorView& tensor : trainer.Tensors())
    bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  return bytes;
}

TEST(FeatureNerf, AResumedTrainingHasTheSameBits) {
  const TestFolder folder;
  const auto whole = TrainerOf(Tiny()), first = TrainerOf(Tiny()), second = TrainerOf(Tiny());
  for (int i = 0; i < 3; ++i) whole->Step({});
  for (int i = 0; i < 2; ++i) first->Step({});
  SaveCheckpoint(folder / "half.safetensors", "radiance", first->Tensors(),
                 {{"state", first->State().dump()}});
  second->Restore(LoadCheckpoint(folder / "half.safetensors", "radiance").file);
  EXPECT_EQ(second->step(), 2);
  EXPECT_NE(BytesOf(*second), BytesOf(*whole));
  second->Step({});
  EXPECT_EQ(BytesOf(*second), BytesOf(*whole));
}

class TrainedFeatureNerf : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    FeatureNerfOptions options = Tiny();
    options.model.sees = "picture";  // no model of a teacher is needed to look at pictures
    options.model.width = 32;
    options.rays = 48;
    options.steps = 500;
    options.learning_rate = 4e-3;
    const auto trainer = TrainerOf(options);
    trainer->StartInterval();
    for (int i = 0; i < 20; ++i) trainer->Step({});
    first_ = trainer->Metrics(1);
    while (trainer->step() < 480) trainer->Step({});
    trainer->StartInterval();
    while (!trainer->Done()) trainer->Step({});
    last_ = trainer->Metrics(1);
    SaveCheckpoint(*folder_ / "weights.safetensors", "radiance", trainer->Tensors(),
                   {{"state", trainer->State().dump()}});
  }
  static void TearDownTestSuite() { delete folder_; }
  static ObjectInputs Inputs(const std::string& category = "ball") {
    return {.weights = (*folder_ / "weights.safetensors").string(), .category = category};
  }
  static ObjectPicture Picture() {
    const TrainingObject ball = Ball();
    return {.rgba = ball.rgba[0], .camera = ball.camera, .world_from_camera = ball.world_from_camera[0]};
  }

  static inline TestFolder* folder_ = nullptr;
  static inline Json first_, last_;
};

TEST_F(TrainedFeatureNerf, LearnsABall) {
  EXPECT_GT(last_["psnr"].get<double>(), first_["psnr"].get<double>() + 6);
  EXPECT_LT(last_["teacher_loss"].get<double>(), 0.5 * first_["teacher_loss"].get<double>());
  EXPECT_LT(last_["coordinate_error"].get<double>(), 0.12);  // an untrained one is 0.25 off
}

TEST_F(TrainedFeatureNerf, SeesTheBallFromAnotherSideAndKnowsItsPlaces) {
  const auto features = FeatureNerfMethod().OpenObjects(Inputs());
  const auto seen = features->See(Picture());
  const TrainingObject ball = Ball();
  const RenderedView view = seen->radiance()->Render(ball.camera, ball.world_from_camera[2], {});
  const int middle = kSide / 2;
  EXPECT_NEAR(view.depth.At(middle, middle), ball.depth[2].At(middle, middle), 0.06);
  EXPECT_LT(view.opacity.At(1, 1), 0.3f);
  EXPECT_GT(view.opacity.At(middle, middle), 0.8f);
  const FeatureMap map = seen->Render(ball.camera, ball.world_from_camera[2], 8, 8);
  EXPECT_EQ(map.channels, features->channels());
  EXPECT_EQ(map.data[0], 0);  // a corner
  std::vector<float> at(static_cast<size_t>(features->channels()));
  const std::vector<Vec3> place = {Vec3(0, 0, kRadius)};
  seen->At(place, at);
  EXPECT_GT(*std::max_element(at.begin(), at.end()), 0);
}

TEST_F(TrainedFeatureNerf, TellsHowAnObjectStands) {
  const auto features = FeatureNerfMethod().OpenObjects(Inputs());
  const ObjectPicture picture = Picture();
  const Pose guess = features->GuessPose(picture.rgba, picture.camera);
  EXPECT_LT(RotationAngle(guess.rotation, picture.world_from_camera.rotation), 0.7);
  EXPECT_NEAR(guess.translation.norm(), 1.3, 1e-6);
}

TEST(FeatureNerf, PlacesAreSeenWhereTheLensPutsThem) {
  const EncodedObjects objects{.intrinsics = torch::tensor({{1.5, 2.0, 0.5, 0.25}}),
                               .offsets = torch::tensor({{0.0, 0.1, 2.0}})};
  const torch::Tensor at = PlacesInPictures(objects, torch::tensor({{{0.4, -0.1, 0.0}, {0.0, 0.2, -1.0}}}));
  EXPECT_TRUE(torch::allclose(at, torch::tensor({{{0.8, 0.25}, {0.5, 0.85}}})));
}

// Without a teacher, aligned features are the internal one and where the place lies in the object.
TEST(FeatureNerf, AlignedFeaturesTellPlacesApartWithoutATeacher) {
  FeatureNerfOptions options = Tiny();
  options.model.teacher_channels = 0;
  options.model.sees = "picture";
  torch::manual_seed(3);
  const TrainingObject ball = Ball();
  const FeatureNerfObjects features({.model = FeatureNerfModel(options.model, 1), .categories = {"ball"}},
                                    {.category = "ball", .features = "aligned"});
  EXPECT_EQ(features.channels(), options.model.width + 12);
  const auto seen = features.See(
      {.rgba = ball.rgba[0], .camera = ball.camera, .world_from_camera = ball.world_from_camera[0]}, nullptr);
  std::vector<float> at(2 * static_cast<size_t>(features.channels()));
  seen->At(std::vector<Vec3>{Vec3(0, 0, kRadius), Vec3(0, kRadius, 0)}, at, nullptr);
  const auto middle = at.begin() + features.channels();
  EXPECT_NEAR(std::inner_product(at.begin(), middle, at.begin(), 0.0), 2, 1e-4);  // both parts have length 1
  EXPECT_LT(std::inner_product(at.begin(), middle, middle, 0.0), 2 - 1e-4);
}

TEST_F(TrainedFeatureNerf, RefusesWhatItCannotShow) {
  const FeatureNerfMethod method;
  EXPECT_THROW(method.OpenObjects(Inputs("teapot")), Error);
  EXPECT_THROW(method.OpenObjects({.weights = "nowhere", .category = "ball"}), Error);
  const auto features = method.OpenObjects(Inputs());
  ObjectPicture opaque = Picture();
  opaque.rgba = ImageU8(kSide, kSide, 3);
  EXPECT_THROW(features->See(opaque), Error);
  ObjectPicture empty = Picture();
  empty.rgba = ImageU8(kSide, kSide, 4);
  EXPECT_THROW(features->See(empty), Error);
  ObjectPicture small = Picture();
  small.rgba = ImageU8(kSide, kSide / 2, 4, 255);
  EXPECT_THROW(features->See(small), Error);
}

TEST(FeatureNerf, OtherWeightsAreRefused) {
  const TestFolder folder;
  const std::vector<float> zero(4);
  const TensorView tensor = MakeTensorView<float>("x", {4}, std::span<const float>(zero));
  SaveCheckpoint(folder / "other.safetensors", "radiance", {&tensor, 1}, {{"state", R"({"step": 1})"}});
  EXPECT_THROW(LoadFeatureNerf(SafetensorsFile::Read(folder / "other.safetensors")), Error);
}

}  // namespace
}  // namespace semfield
