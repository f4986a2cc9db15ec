#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"
#include "semfield/scenes/gnesf/gnesf_field.h"
#include "semfield/scenes/gnesf/gnesf_method.h"
#include "semfield/scenes/gnesf/gnesf_trainer.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

GnesfOptions Tiny() {
  GnesfOptions options;
  options.model.feature_width = 4;
  options.model.volume_side = 8;
  options.model.coarse_samples = 8;
  options.model.fine_samples = 4;
  options.words_model = kLabelsOfCapture;
  options.sources = 3;
  options.steps = 4;
  options.rays = 32;
  return options;
}

class GnesfTest : public testing::Test {
 protected:
  GnesfTest() { WriteSynthetic({.views = 8, .width = 48, .height = 36}, folder_ / "room"); }

  ManyScenesInputs Scenes(const std::string& name = "room") {
    ManyScenesInputs inputs;
    ManyScenesInputs::Scene scene;
    scene.capture = std::make_unique<Capture>(ReadCapture(folder_ / name));
    scene.store = std::make_unique<ImageStore>(*scene.capture);
    inputs.scenes.push_back(std::move(scene));
    return inputs;
  }
  std::unique_ptr<NetworkTrainer> Trainer(const GnesfOptions& options) {
    auto reader =
        std::make_unique<SceneReader>(Scenes(), SceneReaderOptions{.words_model = options.words_model,
                                                                   .sources = options.sources,
                                                                   .rays = options.rays,
                                                                   .seed = options.seed});
    auto network = std::make_unique<GnesfNetwork>(options, static_cast<int64_t>(reader->classes().size()));
    return std::make_unique<NetworkTrainer>(
        NetworkTrainerOptions{.steps = options.steps, .clip = options.clip},
        OnScenes(std::move(network), std::move(reader)));
  }
  // The room with all lengths times `factor`.
  void WriteScaled(const std::string& name, double factor) {
    std::filesystem::copy(folder_ / "room", folder_ / name, std::filesystem::copy_options::recursive);
    std::ifstream in(folder_ / "room" / "transforms.json");
    Json json = Json::parse(in);
    for (Json& corner : json["aabb"]) {
      for (Json& number : corner) number = number.get<double>() * factor;
    }
    for (Json& frame : json["frames"]) {
      for (int row = 0; row < 3; ++row)
        frame["transform_matrix"][row][3] = frame["transform_matrix"][row][3].get<double>() * factor;
    }
    std::ofstream(folder_ / name / "transforms.json") << json.dump();
  }
  std::unique_ptr<GnesfScene> Scene(const Capture& capture, const ImageStore& store) {
    torch::manual_seed(3);
    return std::make_unique<GnesfScene>(
        GnesfModel(Tiny().model), capture.class_names,
        std::make_unique<SceneViews>(capture, store, PhotoClassesOptions{.model = kLabelsOfCapture}), 3);
  }

  const TestFolder folder_;
};

TEST_F(GnesfTest, ClassesAreAConvexMixThatDoesNotKnowTheRay) {
  const torch::NoGradGuard no_gradient;
  const Capture capture = ReadCapture(folder_ / "room");
  const ImageStore store(capture);
  const std::unique_ptr<GnesfScene> scene = Scene(capture, store);
  const EncodedViews views = scene->Around(capture.views[0].world_from_camera, true, nullptr);
  torch::manual_seed(3);
  GnesfModel model(Tiny().model);
  const torch::Tensor places = torch::rand({200, 3}) * views.box;
  const QueriedPlaces one = model->Query(views, places, places + 0.1);
  const QueriedPlaces other = model->Query(views, places, places - torch::tensor({0.3f, 0.0f, 0.2f}));
  EXPECT_TRUE(torch::equal(one.classes, other.classes));
  EXPECT_FALSE(torch::equal(one.rgb, other.rgb));
  const torch::Tensor seen = nn::Project(views.cameras, places).valid.any(0);
  EXPECT_GT(seen.sum().item<int64_t>(), 20);
  EXPECT_LT((one.classes.sum(1) - seen.to(torch::kFloat)).abs().max().item<double>(), 1e-5);
  EXPECT_GE(one.classes.min().item<double>(), 0);
}

TEST_F(GnesfTest, ACaptureOfAnotherScaleHasTheSameLabels) {
  WriteScaled("large", 10);
  const Capture room = ReadCapture(folder_ / "room"), large = ReadCapture(folder_ / "large");
  EXPECT_NEAR(large.bounds.Extent().x(), 10 * room.bounds.Extent().x(), 1e-6);
  const ImageStore room_store(room), large_store(large);
  const int view = room.held_out[0];
  const Camera camera = room.views[view].camera;
  const ImageF a =
      Scene(room, room_store)->RenderClasses(camera, room.views[view].world_from_camera, nullptr);
  const ImageF b =
      Scene(large, large_store)->RenderClasses(camera, large.views[view].world_from_camera, nullptr);
  double apart = 0, most = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    apart = std::max(apart, static_cast<double>(std::abs(a.data[i] - b.data[i])));
    most = std::max(most, static_cast<double>(a.data[i]));
  }
  EXPECT_LT(apart, 1e-3);
  EXPECT_GT(most, 0.1);
  const RenderRequest request;
  const RenderedView one =
      Scene(room, room_store)->RenderView(camera, room.views[view].world_from_camera, request, nullptr);
  const RenderedView ten =
      Scene(large, large_store)->RenderView(camera, large.views[view].world_from_camera, request, nullptr);
  for (size_t i = 0; i < one.depth.data.size(); ++i)
    EXPECT_NEAR(ten.depth.data[i], 10 * one.depth.data[i], 0.05);
}

// A photo whose colors say where its pixels are.
ImageU8 PixelsAsColors(int width, int height) {
  ImageU8 picture(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture.At(x, y, 0) = static_cast<uint8_t>(std::lround(255 * (x + 0.5) / width));
      picture.At(x, y, 1) = static_cast<uint8_t>(std::lround(255 * (y + 0.5) / height));
    }
  }
  return picture;
}

TEST_F(GnesfTest, PlacesAreReadWhereADistortingLensShowsThem) {
  WriteScaled("lens", 1);
  std::ifstream in(folder_ / "lens" / "transforms.json");
  Json json = Json::parse(in);
  json["camera_model"] = "OPENCV";
  json["k1"] = -0.15;
  std::ofstream(folder_ / "lens" / "transforms.json") << json.dump();
  Capture capture = ReadCapture(folder_ / "lens");
  ASSERT_TRUE(capture.views[0].camera.HasDistortion());
  WritePng(capture.views[0].image, PixelsAsColors(48, 36));
  capture = ReadCapture(folder_ / "lens");
  const ImageStore store(capture);
  const SceneViews views(capture, store, {.model = kLabelsOfCapture});
  const std::vector<int> first = {0};
  const Pose camera_from_world = capture.views[0].world_from_camera.Inverse();
  const torch::Tensor picture = views.Pictures(first);
  int seen = 0;
  for (int i = 0; i < 60; ++i) {
    const Vec3 place = capture.bounds.min + capture.bounds.Extent().cwiseProduct(
                                                Vec3(0.5 + 0.4 * std::sin(i), 0.5 + 0.4 * std::cos(2.1 * i),
                                                     0.5 + 0.4 * std::sin(1.7 * i)));
    const auto pixel = capture.views[0].camera.Project(camera_from_world * place);
    if (!pixel || pixel->x() < 1 || pixel->x() > 47 || pixel->y() < 1 || pixel->y() > 35) continue;
    const Vec3 unit = views.FromWorld(place);
    const torch::Tensor at = torch::tensor(
        {{static_cast<float>(unit[0]), static_cast<float>(unit[1]), static_cast<float>(unit[2])}});
    const nn::Projection to = nn::Project(views.CamerasOf(first), at);
    if (!to.valid.item<bool>()) continue;
    ++seen;
    const torch::Tensor color = nn::SampleMaps(picture, to.at)[0][0];
    EXPECT_NEAR(color[0].item<double>(), pixel->x() / 48, 0.01);
    EXPECT_NEAR(color[1].item<double>(), pixel->y() / 36, 0.01);
  }
  EXPECT_GT(seen, 5);
}

// A training by signed distances on a room whose depths are known.
TEST_F(GnesfTest, SignedDistancesLearnWhereSurfacesAre) {
  GnesfOptions options = Tiny();
  options.model.surface = "sdf";
  options.model.visibility = "signs";
  options.model.geometry = "both";
  options.model.coarse_samples = 24;
  options.steps = 60;
  options.learning_rate = options.feature_learning_rate = 0.005;
  const std::unique_ptr<NetworkTrainer> trainer = Trainer(options);
  double first = 0, last = 0;
  for (int i = 0; i < options.steps; ++i) {
    trainer->Step({});
    if (i == 4) first = trainer->Metrics(1)["depth_loss"].get<double>();
    if (i == 4 || i == options.steps - 6) trainer->StartInterval();
  }
  last = trainer->Metrics(1)["depth_loss"].get<double>();
  EXPECT_LT(last, 0.75 * first);
}

// The paper's rival of the vote: classes come from features, whatever the segmenter says of the photos.
TEST_F(GnesfTest, AHeadPredictsClassesWithoutTheSegmenter) {
  GnesfOptions options = Tiny();
  options.model.vote = "head";
  const std::unique_ptr<NetworkTrainer> trainer = Trainer(options);
  while (!trainer->Done()) trainer->Step({});
  EXPECT_FALSE(trainer->Diverged());
  SaveCheckpoint(folder_ / "head.safetensors", "radiance", trainer->Tensors(),
                 {{"state", trainer->State().dump()}});
  LoadedGnesf loaded = LoadGnesf(SafetensorsFile::Read(folder_ / "head.safetensors"));
  const auto classes = static_cast<int64_t>(loaded.classes.size());

  const Capture capture = ReadCapture(folder_ / "room");
  const ImageStore store(capture);
  const SceneViews scene(capture, store, {.model = kLabelsOfCapture});
  const std::vector<int> sources(capture.train.begin(), capture.train.begin() + 3);
  EncodedViews views{.cameras = scene.CamerasOf(sources), .rgb = scene.Pictures(sources)};
  {
    const torch::NoGradGuard no_gradient;
    views.features = loaded.model->Features(views.rgb);
    loaded.model->BuildVolume(scene.sides(), &views);
    loaded.model->SeeSurfaces(&views);
  }
  torch::manual_seed(5);
  const torch::Tensor places = 0.1 + 0.4 * torch::rand({60, 3});
  const auto says = [&](double level) {
    views.classes = torch::full({3, classes, 4, 4}, level);
    return loaded.model->Query(views, places, places + 1, {.shown = true}).classes;
  };
  const torch::Tensor answer = says(0.1);
  ASSERT_EQ(answer.sizes().vec(), (std::vector<int64_t>{60, classes}));
  EXPECT_TRUE(torch::equal(answer, says(0.9)));
  const torch::Tensor sums = answer.sum(1);
  EXPECT_TRUE((((sums - 1).abs() < 1e-4) | (sums == 0)).all().item<bool>());
  ASSERT_GT((sums > 0.5).sum().item<int64_t>(), 20);

  // It learns what features tell: here, which places are bright in the photos.
  const torch::Tensor bright =
      loaded.model->Query(views, places, places + 1, {.shown = true}).rgb.detach().mean(1);
  const torch::Tensor seen = sums > 0.5;
  const torch::Tensor truth = (bright > bright.masked_select(seen).median()).to(torch::kLong);
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, tensor] : loaded.model->HeadParameters()) parameters.push_back(tensor);
  torch::optim::Adam adam(parameters, torch::optim::AdamOptions(0.01));
  double first = 0, last = 0;
  for (int i = 0; i < 150; ++i) {
    adam.zero_grad();
    const torch::Tensor p = says(0.1).gather(1, truth.unsqueeze(1)).squeeze(1).masked_select(seen);
    const torch::Tensor loss = -(p + 1e-4).log().mean();
    loss.backward();
    adam.step();
    (i == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, 0.3 * first);
}

TEST_F(GnesfTest, WhatSignedDistancesNeedIsAskedFor) {
  GnesfOptions options = Tiny();
  options.model.visibility = "signs";
  const Capture capture = ReadCapture(folder_ / "room");
  const auto message = [&] {
    try {
      GnesfMethod().Resolve(AnyOptions(options), capture);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message().find("--surface sdf"), std::string::npos);
  options.model.surface = "sdf";
  EXPECT_EQ(message(), "");
  options.depth_weight = 0;
  EXPECT_NE(message().find("--depth-weight"), std::string::npos);
}

TEST_F(GnesfTest, AVolumeThatDoesNotFitIsRefusedWithTheSizeThatWould) {
  GnesfModelOptions options = Tiny().model;
  options.volume_side = 100'000;
  GnesfModel model(options);
  EncodedViews views{.rgb = torch::zeros({2, 3, 4, 4})};
  try {
    model->BuildVolume({1, 1, 0.5}, &views);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(std::string(error.what()).find("--volume-side"), std::string::npos) << error.what();
  }
}

TEST_F(GnesfTest, TheTargetIsNeverItsOwnSource) {
  const Capture capture = ReadCapture(folder_ / "room");
  const ImageStore store(capture);
  const SceneViews views(capture, store, {.model = kLabelsOfCapture});
  const std::vector<int> chosen = views.Nearest(capture.views[2].world_from_camera, capture.train, 100);
  EXPECT_EQ(chosen.size(), capture.train.size() - 1);
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), 2), 0);
}

std::vector<std::byte> BytesOf(const SceneTrainer& trainer) {
  std::vector<std::byte> bytes;
  for (const TensorView& tensor : trainer.Tensors())
    bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  return bytes;
}

TEST_F(GnesfTest, AResumedTrainingHasTheSameBits) {
  const std::unique_ptr<NetworkTrainer> whole = Trainer(Tiny()), first = Trainer(Tiny()),
                                        second = Trainer(Tiny());
  for (int i = 0; i < 3; ++i) whole->Step({});
  for (int i = 0; i < 2; ++i) first->Step({});
  SaveCheckpoint(folder_ / "half.safetensors", "radiance", first->Tensors(),
                 {{"state", first->State().dump()}});
  second->Restore(LoadCheckpoint(folder_ / "half.safetensors", "radiance").file);
  EXPECT_EQ(second->step(), 2);
  EXPECT_NE(BytesOf(*second), BytesOf(*whole));
  second->Step({});
  EXPECT_EQ(BytesOf(*second), BytesOf(*whole));
}

TEST_F(GnesfTest, TrainingLearnsARoomAndItsWeightsOpenAsAScene) {
  GnesfOptions options = Tiny();
  options.steps = 30;
  options.rays = 64;
  const std::unique_ptr<NetworkTrainer> trainer = Trainer(options);
  std::vector<double> losses;
  while (!trainer->Done()) {
    trainer->StartInterval();
    for (int i = 0; i < 10; ++i) trainer->Step({});
    losses.push_back(trainer->Metrics(1)["depth_loss"].get<double>());
  }
  EXPECT_LT(losses.back(), losses.front());
  SaveCheckpoint(folder_ / "weights.safetensors", "radiance", trainer->Tensors(),
                 {{"state", trainer->State().dump()}});
  options.weights = (folder_ / "weights.safetensors").string();
  Capture capture = ReadCapture(folder_ / "room");
  const ImageStore store(capture);
  const Json section = {{"options", OptionsToJson(AnyOptions(options))}};
  const OpenedFields fields = GnesfMethod().Open(
      {.section = section, .where = "test", .capture = capture, .encoder = "", .store = &store});
  EXPECT_EQ(fields.class_renderer->classes(), capture.class_names);
  const ImageF classes =
      fields.class_renderer->Render(capture.views[0].camera, capture.views[0].world_from_camera, nullptr);
  EXPECT_EQ(classes.channels, static_cast<int>(capture.class_names.size()));
  const std::vector<Vec3> places = {capture.bounds.Center()};
  std::vector<float> at(capture.class_names.size());
  fields.class_renderer->At(places, at, nullptr);
  EXPECT_NEAR(std::accumulate(at.begin(), at.end(), 0.0f), 1, 1e-4);
}

TEST_F(GnesfTest, ADamagedFrameIsSkippedAndCounted) {
  const Capture capture = ReadCapture(folder_ / "room");
  auto trainer = Trainer(Tiny());
  std::ofstream(capture.views[capture.train[1]].image) << "not a picture";
  std::ofstream(capture.views[capture.train[2]].image) << "not a picture";
  for (int i = 0; i < 4; ++i) trainer->Step({});
  EXPECT_GT(trainer->State()["skipped"].get<int>(), 0);
}

TEST_F(GnesfTest, WeightsThatAreNoneAreRefused) {
  const std::vector<float> zero(4);
  const TensorView tensor = MakeTensorView<float>("x", {4}, std::span<const float>(zero));
  SaveCheckpoint(folder_ / "other.safetensors", "radiance", {&tensor, 1}, {{"state", R"({"step": 1})"}});
  EXPECT_THROW(LoadGnesf(SafetensorsFile::Read(folder_ / "other.safetensors")), Error);
}

}  // namespace
}  // namespace semfield
