#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/scenes/gp_nerf/gp_nerf_field.h"
#include "semfield/scenes/gp_nerf/gp_nerf_method.h"
#include "semfield/scenes/gp_nerf/gp_nerf_trainer.h"
#include "semfield/scenes/gp_nerf/instance_loss.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

GpNerfOptions Tiny() {
  GpNerfOptions options;
  options.model.stage_width = 4;
  options.model.feature_width = 4;
  options.model.level_width = 4;
  options.model.width = 8;
  options.model.heads = 2;
  options.model.coarse_samples = 6;
  options.model.fine_samples = 4;
  options.sources = 3;
  options.steps = 4;
  options.rays = 32;
  return options;
}

class GpNerfTest : public testing::Test {
 protected:
  GpNerfTest() { WriteSynthetic({.views = 8, .width = 48, .height = 36}, folder_ / "room"); }

  std::unique_ptr<SceneReader> Reader(const GpNerfOptions& options) const {
    ManyScenesInputs inputs;
    ManyScenesInputs::Scene scene;
    scene.capture = std::make_unique<Capture>(ReadCapture(folder_ / "room"));
    scene.store = std::make_unique<ImageStore>(*scene.capture);
    inputs.scenes.push_back(std::move(scene));
    return std::make_unique<SceneReader>(
        std::move(inputs),
        SceneReaderOptions{
            .sources = options.sources, .rays = options.rays, .seed = options.seed, .cell = 4});
  }
  std::unique_ptr<NetworkTrainer> Trainer(const GpNerfOptions& options) const {
    std::unique_ptr<SceneReader> reader = Reader(options);
    auto network = std::make_unique<GpNerfNetwork>(options, reader->classes());
    return std::make_unique<NetworkTrainer>(
        NetworkTrainerOptions{.steps = options.steps, .clip = options.clip},
        OnScenes(std::move(network), std::move(reader)));
  }
  // The gradient of one batch by parameter; 0 where there is none.
  std::map<std::string, double> Gradients(const GpNerfOptions& options) const {
    const std::unique_ptr<SceneReader> reader = Reader(options);
    torch::manual_seed(2);
    GpNerfModel model(options.model, static_cast<int64_t>(reader->classes().size()));
    AddGradients(options, reader->Next(0), model);
    std::map<std::string, double> most;
    for (const auto& item : model->named_parameters()) {
      const torch::Tensor& gradient = item.value().grad();
      most[item.key()] = gradient.defined() ? gradient.abs().max().item<double>() : 0;
    }
    return most;
  }

  const TestFolder folder_;
};

double MostOf(const std::map<std::string, double>& gradients, const std::string& prefix) {
  double most = 0;
  for (const auto& [name, gradient] : gradients) {
    if (name.rfind(prefix, 0) == 0) most = std::max(most, gradient);
  }
  return most;
}

TEST(GpNerfLosses, AreThoseOfTheirEquationsByHand) {
  const torch::Tensor a = torch::tensor({{1.0f, 0.0f}, {3.0f, 4.0f}});
  const torch::Tensor b = torch::tensor({{0.0f, 2.0f}, {6.0f, 8.0f}});
  EXPECT_NEAR(DistillLoss(a, b).item<double>(), 0.5, 1e-6);  // 1 - 0 and 1 - 1
  // One ray of four samples with cosines 1, 0.6, -1 and 0.6 to its own features; the surface is at sample 0.
  const torch::Tensor points = torch::tensor({{{2.0f, 0.0f}, {3.0f, 4.0f}, {-1.0f, 0.0f}, {3.0f, 4.0f}}});
  const torch::Tensor own = torch::tensor({{5.0f, 0.0f}});
  EXPECT_NEAR(GuideLoss(points, own, torch::tensor({int64_t{0}})).item<double>(), (0 + 0.4 + 0 + 0.6) / 4,
              1e-6);
  EXPECT_NEAR(GuideLoss(points, own, torch::tensor({int64_t{3}})).item<double>(), (1 + 0.6 + 2 + 0.4) / 4,
              1e-6);
  EXPECT_EQ(GuideLoss(points, own, torch::tensor({int64_t{-1}})).item<double>(), 0);
}

TEST(GpNerfLosses, TheSampleAtTheSurfaceIsTheNearest) {
  const torch::Tensor distances = torch::tensor({{1.0f, 2.0f, 4.0f}, {1.0f, 2.0f, 4.0f}, {1.0f, 2.0f, 4.0f}});
  const torch::Tensor at = SampleAt(distances, torch::tensor({2.9f, 9.0f, 0.0f}));
  EXPECT_TRUE(torch::equal(at, torch::tensor({int64_t{1}, int64_t{2}, int64_t{-1}})));
}

TEST(GpNerfLosses, TheFusedMapHasWhatIsRenderedInItsCells) {
  const torch::Tensor map = torch::arange(12, torch::kFloat).view({1, 2, 2, 3});
  const torch::Tensor fused =
      FusedMap(map, torch::tensor({int64_t{4}, int64_t{0}}), torch::tensor({{-1.0f, -2.0f}, {-3.0f, -4.0f}}));
  EXPECT_TRUE(torch::equal(fused.flatten(), torch::tensor({-3.0f, 1.0f, 2.0f, 3.0f, -1.0f, 5.0f, -4.0f, 7.0f,
                                                           8.0f, 9.0f, -2.0f, 11.0f})));
}

TEST(GpNerfInstances, TheLossIsThatOfTheBestAssignmentByHand) {
  // Two things of two pixels and one pixel of none; three channels with probabilities.
  const torch::Tensor p = torch::tensor({{0.1f, 0.1f, 0.7f, 0.5f, 0.9f},   //
                                         {0.8f, 0.6f, 0.1f, 0.3f, 0.05f},  //
                                         {0.1f, 0.3f, 0.2f, 0.2f, 0.05f}});
  const torch::Tensor ids = torch::tensor({int64_t{7}, int64_t{7}, int64_t{4}, int64_t{4}, int64_t{-1}});
  const InstanceLosses got = InstanceLoss(p.log().view({1, 3, 1, 5}), ids.view({1, 1, 5}));
  const auto cost = [](double a, double b,
                       double all) {  // of a channel's p at the thing's pixels, and at all
    return -(std::log(a) + std::log(b)) / 2 + 1 - (a + b) / (2 + all - a - b);
  };
  const double expected =
      (cost(0.8, 0.6, 1.8) + cost(0.7, 0.5, 1.4)) / 2 + (0.1 + 0.3 + 0.2 + 0.2) / 4;  // channel 2 is spare
  EXPECT_NEAR(got.loss.item<double>(), expected, 1e-5);
  EXPECT_DOUBLE_EQ(got.right, 1);
  // Other numbers of the things, in another order: the same.
  const torch::Tensor others = torch::tensor({int64_t{0}, int64_t{0}, int64_t{9}, int64_t{9}, int64_t{-1}});
  EXPECT_NEAR(InstanceLoss(p.log().view({1, 3, 1, 5}), others.view({1, 1, 5})).loss.item<double>(), expected,
              1e-5);
  EXPECT_EQ(
      InstanceLoss(p.log().view({1, 3, 1, 5}), torch::full({1, 1, 5}, -1, torch::kLong)).loss.item<double>(),
      0);
}

TEST(GpNerfHead, BothFormsKeepTheSizeOfTheirMap) {
  const torch::NoGradGuard no_gradient;
  for (const char* form : {"unet", "fpn"}) {
    for (const int64_t height : {12, 13, 1}) {
      const torch::Tensor logits = PerceptionHead(form, 4, 7)(torch::rand({2, 16, height, 9}));
      EXPECT_EQ(logits.sizes().vec(), (std::vector<int64_t>{2, 7, height, 9})) << form;
    }
  }
}

TEST(GpNerfHead, AddsUpFromTheCoarsestLevel) {
  const torch::NoGradGuard no_gradient;
  PerceptionHead head("unet", 4, 1);
  // Convolutions that keep their first channel, up-convolutions that repeat it, and a sum of the channels.
  for (auto& item : head->named_parameters()) {
    item.value().zero_();
    if (item.value().dim() != 4) continue;
    if (item.key().rfind("up", 0) == 0) item.value()[0][0].fill_(1);
    if (item.key().rfind("mix", 0) == 0) item.value()[0][0][1][1] = 1;
    if (item.key().rfind("last", 0) == 0) item.value().fill_(1);
  }
  torch::Tensor map = torch::zeros({1, 16, 8, 8});
  map[0][0][0][0] = 1;   // finest level
  map[0][4][0][1] = 4;   // shrunk to a half: 1 on 2 x 2 pixels
  map[0][12].fill_(10);  // coarsest
  const torch::Tensor logits = head(map)[0][0];
  EXPECT_NEAR(logits[0][0].item<double>(), 12, 1e-5);
  EXPECT_NEAR(logits[1][1].item<double>(), 11, 1e-5);
  EXPECT_NEAR(logits[7][7].item<double>(), 10, 1e-5);
}

TEST_F(GpNerfTest, EveryRayLiesInACellOfItsOwn) {
  GpNerfOptions options = Tiny();
  options.rays = 1000;  // more than there are cells
  const SceneBatch batch = Reader(options)->Next(0);
  ASSERT_EQ(batch.target_labels.sizes().vec(), (std::vector<int64_t>{1, 9, 12}));
  ASSERT_EQ(batch.source_labels.sizes().vec(), (std::vector<int64_t>{3, 9, 12}));
  ASSERT_EQ(batch.cells.size(0), 9 * 12);
  std::set<int64_t> cells;
  for (int64_t r = 0; r < batch.cells.size(0); ++r) {
    const int64_t cell = batch.cells[r].item<int64_t>();
    cells.insert(cell);
    EXPECT_EQ(static_cast<int64_t>(batch.at[r][0].item<double>() * 12), cell % 12);
    EXPECT_EQ(static_cast<int64_t>(batch.at[r][1].item<double>() * 9), cell / 12);
  }
  EXPECT_EQ(cells.size(), 108u);
  EXPECT_GT((batch.true_distance > 0).sum().item<int64_t>(), 100);
  const torch::Tensor at_cells = batch.target_labels.flatten().index_select(0, batch.cells);
  EXPECT_GT((at_cells == batch.true_class).to(torch::kFloat).mean().item<double>(), 0.8);
}

TEST_F(GpNerfTest, SemanticsAreTheSumsOfBothAttentions) {
  const torch::NoGradGuard no_gradient;
  const GpNerfOptions options = Tiny();
  const std::unique_ptr<SceneReader> reader = Reader(options);
  const SceneBatch batch = reader->Next(0);
  torch::manual_seed(4);
  GpNerfModel model(options.model, 3);
  const nn::PyramidMaps maps = model->Features(batch.rgb);
  GpViews views{.cameras = batch.cameras, .rgb = batch.rgb, .fine = maps.fine, .levels = maps.levels};
  const GpRays rays{
      .origins = batch.rays.origins, .directions = batch.rays.directions, .sides = batch.scene->sides()};
  const GpRendered rendered = model->Render(views, rays);
  EXPECT_LT((rendered.weights.sum(1) - 1).abs().max().item<double>(), 1e-5);
  // The MLP of Eq. 7 begins as nothing.
  const torch::Tensor sums = (rendered.weights.unsqueeze(-1) * rendered.point_semantics).sum(1);
  EXPECT_LT((rendered.semantics - sums).abs().max().item<double>(), 1e-5);
  // Of sources that all say the same, so does every point that one of them has.
  views.levels = torch::ones_like(views.levels);
  const torch::Tensor points = model->Render(views, rays).point_semantics;
  EXPECT_LT(torch::minimum(points.abs(), (points - 1).abs()).max().item<double>(), 1e-5);
  EXPECT_GT(points.mean().item<double>(), 0.1);
  // Colors are mixed by the same attentions, and what is added to them begins as nothing.
  views.rgb = torch::ones_like(views.rgb);
  const GpRendered white = model->Render(views, rays);
  EXPECT_LT((white.rgb - white.semantics.narrow(1, 0, 3)).abs().max().item<double>(), 1e-5);
}

TEST_F(GpNerfTest, TheGradientBlockBlocksAndNothingElseDoes) {
  GpNerfOptions options = Tiny();
  options.rgb_weight = options.semantic_weight = options.source_weight = options.ray_depth_weight = 0;
  options.distill_weight = options.guide_weight = 1;
  const auto blocked = Gradients(options);
  EXPECT_EQ(MostOf(blocked, "trunk.fpn"), 0);
  EXPECT_GT(MostOf(blocked, "on_rays"), 0);
  EXPECT_GT(MostOf(blocked, "over_views"), 0);
  options.gradient_block = false;
  const auto open = Gradients(options);
  EXPECT_GT(MostOf(open, "trunk.fpn"), 0);
  EXPECT_GT(MostOf(open, "on_rays"), 0);
}

TEST_F(GpNerfTest, FrozenAttentionLearnsNothingFromClasses) {
  GpNerfOptions options = Tiny();
  options.rgb_weight = options.source_weight = options.ray_depth_weight = 0;
  options.distill_weight = options.guide_weight = 0;
  options.semantic_weight = 1;
  const auto joint = Gradients(options);
  EXPECT_GT(MostOf(joint, "on_rays"), 0);
  EXPECT_GT(MostOf(joint, "head"), 0);
  EXPECT_GT(MostOf(joint, "trunk.fpn"), 0);  // through the target's own map
  options.attention = "frozen";
  const auto frozen = Gradients(options);
  EXPECT_EQ(MostOf(frozen, "on_rays"), 0);
  EXPECT_EQ(MostOf(frozen, "over_views"), 0);
  EXPECT_GT(MostOf(frozen, "head"), 0);
}

TEST_F(GpNerfTest, TheCodesFormsAndThePapersSizesMakeAStep) {
  GpNerfOptions code = Tiny();
  code.model.aggregation = "code";
  code.model.head = "fpn";
  code.model.samples = "inverse";
  code.model.colors = "regressed";
  code.guide = "attention";
  code.semantic_on = "rays";
  const auto gradients = Gradients(code);
  EXPECT_GT(MostOf(gradients, "trunk"), 0);
  GpNerfOptions paper;
  paper.model = {.trunk = "resnet34",
                 .stage_width = 64,
                 .feature_width = 32,
                 .level_width = 128,
                 .width = 64,
                 .depth = 8,
                 .coarse_samples = 48,
                 .fine_samples = 16};
  paper.rays = 4;
  paper.sources = 10;
  paper.steps = 1;
  const std::unique_ptr<NetworkTrainer> trainer = Trainer(paper);
  trainer->Step({});
  EXPECT_FALSE(trainer->Diverged());
  const SceneBatch batch = Reader(paper)->Next(0);
  const torch::NoGradGuard no_gradient;
  GpNerfModel model(paper.model, 21);
  const nn::PyramidMaps maps = model->Features(batch.rgb);
  EXPECT_EQ(maps.levels.sizes().vec(), (std::vector<int64_t>{batch.rgb.size(0), 512, 9, 12}));
  EXPECT_EQ(maps.fine.size(1), 32);
  EXPECT_EQ(model->Perceive(maps.levels).size(1), 21);
}

std::vector<std::byte> BytesOf(const SceneTrainer& trainer) {
  std::vector<std::byte> bytes;
  for (const TensorView& tensor : trainer.Tensors())
    bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  return bytes;
}

TEST_F(GpNerfTest, AResumedTrainingHasTheSameBits) {
  const std::unique_ptr<NetworkTrainer> whole = Trainer(Tiny()), first = Trainer(Tiny()),
                                        second = Trainer(Tiny());
  for (int i = 0; i < 3; ++i) whole->Step({});
  for (int i = 0; i < 2; ++i) first->Step({});
  SaveCheckpoint(folder_ / "half.safetensors", "radiance", first->Tensors(),
                 {{"state", first->State().dump()}});
  second->Restore(LoadCheckpoint(folder_ / "half.safetensors", "radiance").file);
  EXPECT_EQ(second->step(), 2);
  second->Step({});
  EXPECT_EQ(BytesOf(*second), BytesOf(*whole));
}

TEST_F(GpNerfTest, TrainingLearnsARoomAndItsWeightsShowIt) {
  GpNerfOptions options = Tiny();
  options.steps = 60;
  options.rays = 48;
  options.learning_rate = options.feature_learning_rate = 5e-3;
  const std::unique_ptr<NetworkTrainer> trainer = Trainer(options);
  std::vector<Json> log;
  while (!trainer->Done()) {
    trainer->StartInterval();
    for (int i = 0; i < 20; ++i) trainer->Step({});
    log.push_back(trainer->Metrics(1));
  }
  for (const char* loss : {"semantic_loss", "ray_depth_loss"})
    EXPECT_LT(log.back()[loss].get<double>(), log.front()[loss].get<double>()) << loss;
  EXPECT_GT(log.back()["psnr"].get<double>(), log.front()["psnr"].get<double>());

  SaveCheckpoint(folder_ / "weights.safetensors", "radiance", trainer->Tensors(),
                 {{"state", trainer->State().dump()}});
  options.weights = (folder_ / "weights.safetensors").string();
  Capture capture = ReadCapture(folder_ / "room");
  const ImageStore store(capture);
  const Json section = {{"options", OptionsToJson(AnyOptions(options))}};
  const OpenedFields fields = GpNerfMethod().Open(
      {.section = section, .where = "test", .capture = capture, .encoder = "", .store = &store});
  EXPECT_EQ(fields.class_renderer->classes(), capture.class_names);
  const View& view = capture.views[0];
  const ImageF classes = fields.class_renderer->Render(view.camera, view.world_from_camera, nullptr);
  ASSERT_EQ(classes.channels, static_cast<int>(capture.class_names.size()));
  EXPECT_NEAR(std::accumulate(classes.data.begin(), classes.data.begin() + classes.channels, 0.0f), 1, 1e-4);
  const std::vector<Vec3> places = {capture.bounds.Center()};
  std::vector<float> at(capture.class_names.size());
  fields.class_renderer->At(places, at, nullptr);
  EXPECT_NEAR(std::accumulate(at.begin(), at.end(), 0.0f), 1, 1e-4);
  const RenderedView picture = fields.radiance->Render(view.camera, view.world_from_camera, {}, nullptr);
  EXPECT_GT(*std::max_element(picture.depth.data.begin(), picture.depth.data.end()), 0);
  std::vector<float> density(1);
  EXPECT_THROW(fields.radiance->Density(places, density, nullptr), Error);

  // They are what another training may begin with.
  options.init = options.weights;
  GpNerfNetwork again(options, capture.class_names);

  // Its things are told apart by a head whose answers are new.
  options.instances = 12;
  options.steps = 2;
  std::vector<std::string> things;
  for (int i = 0; i < options.instances; ++i) things.push_back("thing " + std::to_string(i + 1));
  ManyScenesInputs one;
  one.scenes.emplace_back();
  one.scenes.back().capture = std::make_unique<Capture>(ReadCapture(folder_ / "room"));
  one.scenes.back().store = std::make_unique<ImageStore>(*one.scenes.back().capture);
  const std::unique_ptr<SceneTraining> finetuning =
      GpNerfMethod().PrepareMany(std::move(one), AnyOptions(options));
  const std::unique_ptr<SceneTrainer> finetuner = finetuning->MakeTrainer();
  while (!finetuner->Done()) finetuner->Step({});
  EXPECT_FALSE(finetuner->Diverged());
  EXPECT_EQ(finetuner->State()["classes"], Json(things));
  options.instances = 0;
  EXPECT_THROW(GpNerfNetwork(options, {"other"}), Error);
}

TEST_F(GpNerfTest, WeightsThatAreNoneAreRefused) {
  const std::vector<float> zero(4);
  const TensorView tensor = MakeTensorView<float>("x", {4}, std::span<const float>(zero));
  SaveCheckpoint(folder_ / "other.safetensors", "radiance", {&tensor, 1}, {{"state", R"({"step": 1})"}});
  EXPECT_THROW(LoadGpNerf(SafetensorsFile::Read(folder_ / "other.safetensors")), Error);
  GpNerfOptions options = Tiny();
  options.model.heads = 3;
  EXPECT_THROW(GpNerfModel(options.model, 2), Error);
}

}  // namespace
}  // namespace semfield
