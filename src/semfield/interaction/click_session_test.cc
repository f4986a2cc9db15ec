#include "semfield/interaction/click_session.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/error.h"
#include "semfield/field/analytic_field_test_util.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/perception/sam_frame.h"

namespace semfield {
namespace {

constexpr double kRadius = 12;  // of the stand-in's discs, in pixels of the picture it is asked about

// Answers with discs around the positive clicks less discs around the negative ones, in the pixels of the
// picture it is asked about. Prompts are checked as the real decoder checks them. Remembers what it was
// asked.
class DiscDecoder : public PromptDecoder {
 public:
  struct Question {
    Prompt prompt;
    int width = 0, height = 0;
    bool has_previous = false;
    Granularity granularity = Granularity::kAuto;
  };
  const ModelCard& card() const override { return card_; }
  Mask Decode(const FeatureMap& features, int width, int height, const Prompt& prompt,
              Granularity granularity, const std::vector<float>* previous) override {
    MakeSamPrompt(prompt, MakeSamFrame(width, height, 1024));  // InputError when something lies outside
    EXPECT_FALSE(features.data.empty());
    questions.push_back({prompt, width, height, previous != nullptr, granularity});
    Mask mask;
    mask.logits = ImageF(width, height, 1);
    mask.binary = ImageU8(width, height, 1);
    mask.low_res_logits.assign(16, static_cast<float>(prompt.points.size()));
    if (previous != nullptr) {
      EXPECT_EQ((*previous)[0] + 1, mask.low_res_logits[0]) << "not the last answer";
    }
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        double logit = -1e3;
        for (const PromptPoint& point : prompt.points) {
          const double inside = kRadius - std::hypot(x + 0.5 - point.x, y + 0.5 - point.y);
          logit = point.positive ? std::max(logit, inside) : std::min(logit, -inside);
        }
        for (const PromptBox& box : prompt.boxes) {
          logit = std::max(
              logit, std::min({x + 0.5 - box.x0, box.x1 - x - 0.5, y + 0.5 - box.y0, box.y1 - y - 0.5}));
        }
        mask.logits.At(x, y) = static_cast<float>(logit);
        mask.binary.At(x, y) = logit > 0 ? 255 : 0;
      }
    }
    return mask;
  }
  std::vector<Mask> DecodeAll(const FeatureMap& features, int width, int height, const Prompt& prompt,
                              const std::vector<float>* previous) override {
    return {Decode(features, width, height, prompt, Granularity::kAuto, previous)};
  }
  std::unique_ptr<PromptDecoder> Clone() const override { return std::make_unique<DiscDecoder>(*this); }

  std::vector<Question> questions;

 private:
  ModelCard card_;
};

Prompt Clicks(std::vector<PromptPoint> points) {
  return {.points = std::move(points), .boxes = {}};
}
Prompt Box(const PromptBox& box) {
  return {.points = {}, .boxes = {box}};
}

FeatureOptions SmallFeatures() {
  FeatureOptions options;
  options.log2_table_size = 10;
  options.head_width = 16;
  return options;
}

class ClickSessionTest : public testing::Test {
 protected:
  // Middle of the pixels inside a mask.
  static Vec2 CenterOf(const Mask& mask) {
    Vec2 sum = Vec2::Zero();
    double count = 0;
    for (int y = 0; y < mask.binary.height; ++y) {
      for (int x = 0; x < mask.binary.width; ++x) {
        if (mask.binary.At(x, y) == 0) continue;
        sum += Vec2(x + 0.5, y + 0.5);
        ++count;
      }
    }
    EXPECT_GT(count, 0);
    return sum / std::max(count, 1.0);
  }

  AnalyticField field_{SyntheticOptions{}};
  FeatureModel features_{SmallFeatures(), {.encoder = "toy", .channels = 4, .grid = 8}};
  DiscDecoder decoder_;
  ClickSession session_{field_, RenderedFeatures(field_, features_), decoder_};
};

// The mask must lie where the click was, in any corner and for any shape of picture.
TEST_F(ClickSessionTest, MaskIsWhereTheClickIs) {
  const Pose pose = field_.scene.Cameras()[0].second;
  Camera phone = PinholeCamera(135, 240, 1.22);
  phone.k1 = 0.058;
  phone.k2 = -0.081;
  for (const Camera& camera :
       {PinholeCamera(320, 240, 0.96), PinholeCamera(180, 320, 1.3), PinholeCamera(200, 200, 0.9), phone}) {
    const SquareView square(camera, kSquareMaskResolution);
    const double scale = kSquareMaskResolution / static_cast<double>(std::max(camera.width, camera.height));
    const double margin = kRadius / scale + 2;  // so that the whole disc is in the picture
    for (double x : {margin, camera.width - margin, 0.5 * camera.width}) {
      for (double y : {margin, camera.height - margin, 0.37 * camera.height}) {
        const SegmentResult result =
            session_.Ask({camera, pose}, Clicks({{.x = x, .y = y}}), Granularity::kPart);
        ASSERT_EQ(result.mask.binary.width, camera.width);
        ASSERT_EQ(result.mask.binary.height, camera.height);
        EXPECT_LT((CenterOf(result.mask) - Vec2(x, y)).norm(), 0.6)
            << camera.width << " x " << camera.height << ": " << x << ", " << y;
        EXPECT_EQ(decoder_.questions.back().width, kSquareMaskResolution);
        EXPECT_EQ(decoder_.questions.back().height, kSquareMaskResolution);
        EXPECT_EQ(decoder_.questions.back().granularity, Granularity::kPart);
        for (const char* part : {"features", "decode", "map"})
          EXPECT_TRUE(result.milliseconds.count(part)) << part;
      }
    }
  }
}

// Remembers the features of the token that the first click falls on.
class FeatureProbe : public DiscDecoder {
 public:
  Mask Decode(const FeatureMap& features, int width, int height, const Prompt& prompt,
              Granularity granularity, const std::vector<float>* previous) override {
    const int column = static_cast<int>(prompt.points[0].x * features.width / width);
    const int row = static_cast<int>(prompt.points[0].y * features.height / height);
    seen.clear();
    for (int c = 0; c < features.channels; ++c) {
      seen.push_back(
          features.data[(static_cast<size_t>(c) * features.height + row) * features.width + column]);
    }
    return DiscDecoder::Decode(features, width, height, prompt, granularity, previous);
  }
  std::vector<float> seen;
};

// What a model says of the surface behind one pixel.
std::vector<float> FeaturesOf(const FeatureModel& model, const RadianceField& field, const Ray& ray) {
  const RaySamples hit = field.Weights({&ray, 1}, WeightRequest{});
  TokenInputs inputs;
  inputs.num_tokens = model.space().grid * model.space().grid;
  inputs.samples.ray_begin.push_back(0);
  for (int token = 0; token < inputs.num_tokens; ++token) {
    inputs.samples.x.push_back(hit.x[0]);
    inputs.samples.y.push_back(hit.y[0]);
    inputs.samples.z.push_back(hit.z[0]);
    inputs.samples.weight.push_back(hit.weight[0]);
    inputs.samples.ray_begin.push_back(token + 1);
  }
  const FeatureMap map = model.Render(inputs);
  std::vector<float> features;
  for (int c = 0; c < map.channels; ++c)
    features.push_back(map.data[static_cast<size_t>(c) * inputs.num_tokens]);
  return features;
}

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// Where a click is, the decoder must find the features of the surface that was clicked: a token grid that is
// turned, mirrored or moved would put masks elsewhere.
TEST_F(ClickSessionTest, TokensUnderCornerClicksAreOfTheClickedSurface) {
  constexpr int kGrid = 16;
  FeatureModel features(SmallFeatures(), {.encoder = "toy", .channels = 8, .grid = kGrid});
  Random random(5);
  for (float& value : features.grid().values) value = random.Uniform(-1, 1);
  features.grid().UpdateHalf();
  FeatureProbe probe;
  ClickSession session(field_, RenderedFeatures(field_, features), probe);
  const Pose pose = field_.scene.Cameras()[0].second;
  Camera phone = PinholeCamera(135, 240, 1.22);
  phone.k1 = 0.058;
  phone.k2 = -0.081;
  for (const Camera& camera : {PinholeCamera(320, 240, 0.96), PinholeCamera(180, 320, 1.3), phone}) {
    const SquareView square(camera, kSquareMaskResolution);
    std::vector<std::vector<float>> corners;
    for (const Vec2& corner :
         {Vec2(0, 0), Vec2(camera.width, 0), Vec2(0, camera.height), Vec2(camera.width, camera.height)}) {
      // The middle of the token nearest to the corner whose middle the frame holds.
      Vec2 click(-1e9, -1e9);
      for (int token = 0; token < kGrid * kGrid; ++token) {
        const Vec2 middle(token % kGrid + 0.5, token / kGrid + 0.5);
        const auto pixel = square.FrameFromSquare(middle * (kSquareMaskResolution / kGrid));
        if (pixel && camera.Contains(*pixel) && (*pixel - corner).norm() < (click - corner).norm())
          click = *pixel;
      }
      ASSERT_LT((click - corner).norm(), 0.12 * std::max(camera.width, camera.height));
      session.Ask({camera, pose}, Clicks({{.x = click.x(), .y = click.y()}}), Granularity::kAuto);
      const std::vector<float> expected = FeaturesOf(features, field_, MakeRay(camera, pose, click));
      EXPECT_LT(Distance(probe.seen, expected), 1e-2)
          << camera.width << " x " << camera.height << ": " << click.transpose();
      corners.push_back(expected);
    }
    // The four corners can be told apart, or the above would say nothing.
    for (size_t i = 0; i < 4; ++i) {
      for (size_t j = 0; j < i; ++j) EXPECT_GT(Distance(corners[i], corners[j]), 0.1) << i << ", " << j;
    }
  }
}

// Clicks on the very border are inside of what the decoder accepts.
TEST_F(ClickSessionTest, BorderClicksAreAccepted) {
  const Pose pose = field_.scene.Cameras()[0].second;
  Camera phone = PinholeCamera(135, 240, 1.22);
  phone.k1 = 0.058;
  phone.p1 = -0.001;
  for (const Camera& camera : {PinholeCamera(321, 240, 0.96), PinholeCamera(179, 320, 1.3), phone}) {
    for (double x : {0.0, static_cast<double>(camera.width)}) {
      for (double y : {0.0, static_cast<double>(camera.height)}) {
        EXPECT_NO_THROW(session_.Ask({camera, pose}, Clicks({{.x = x, .y = y}}), Granularity::kAuto))
            << camera.width << ": " << x << ", " << y;
      }
    }
    const PromptBox whole = {0, 0, static_cast<double>(camera.width), static_cast<double>(camera.height)};
    EXPECT_NO_THROW(session_.Ask({camera, pose}, Box(whole), Granularity::kAuto)) << camera.width;
  }
}

TEST_F(ClickSessionTest, BoxesKeepTheirPlace) {
  const Camera camera = PinholeCamera(320, 240, 0.96);
  const SegmentResult result =
      session_.Ask({camera, field_.scene.Cameras()[0].second}, Box({.x0 = 30, .y0 = 20, .x1 = 90, .y1 = 60}),
                   Granularity::kAuto);
  for (int y = 0; y < 240; ++y) {
    for (int x = 0; x < 320; ++x) {
      const bool inside = x > 31 && x < 88 && y > 21 && y < 58,
                 outside = x < 28 || x > 91 || y < 18 || y > 61;
      if (inside || outside) {
        ASSERT_EQ(result.mask.binary.At(x, y), inside ? 255 : 0) << x << ", " << y;
      }
    }
  }
}

// Several points go one after another, positive ones first, each with the mask so far.
TEST_F(ClickSessionTest, PointsAreGivenOneByOne) {
  const Camera camera = PinholeCamera(320, 240, 0.96);
  const Prompt prompt = {
      .points = {{.x = 50, .y = 50, .positive = false}, {.x = 52, .y = 52}, {.x = 200, .y = 100}}};
  const SegmentResult result =
      session_.Ask({camera, field_.scene.Cameras()[0].second}, prompt, Granularity::kAuto);
  ASSERT_EQ(decoder_.questions.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoder_.questions[i].prompt.points.size(), i + 1);
    EXPECT_EQ(decoder_.questions[i].has_previous, i > 0);
    EXPECT_TRUE(decoder_.questions[i].prompt.points[0].positive);
  }
  EXPECT_FALSE(decoder_.questions[2].prompt.points[2].positive);
  EXPECT_EQ(result.mask.binary.At(200, 100), 255);
  EXPECT_EQ(result.mask.binary.At(50, 50), 0);
}

// ---- Lifting and projecting ----

TEST_F(ClickSessionTest, LiftedClicksComeBackToTheirPixel) {
  const auto [camera, pose] = field_.scene.Cameras()[3];
  for (const Vec2& pixel : {Vec2(10.5, 10.5), Vec2(160, 120), Vec2(300.2, 17.9), Vec2(4, 230)}) {
    const auto click = session_.Lift({camera, pose}, {.x = pixel.x(), .y = pixel.y(), .positive = false});
    ASSERT_TRUE(click.has_value());
    EXPECT_FALSE(click->positive);
    const SyntheticHit hit = field_.scene.Trace(MakeRay(camera, pose, pixel));
    EXPECT_NEAR((click->point - pose.translation).norm(), hit.distance, 1e-4);
    std::vector<bool> used;
    const Prompt back = session_.Reproject({*click}, {camera, pose}, 0.02, &used);
    ASSERT_EQ(used, std::vector<bool>{true});
    EXPECT_NEAR(back.points[0].x, pixel.x(), 0.01);
    EXPECT_NEAR(back.points[0].y, pixel.y(), 0.01);
    EXPECT_FALSE(back.points[0].positive);
  }
}

// In every other view: seen exactly where the scene itself says that nothing is in front of the point.
TEST_F(ClickSessionTest, OtherViewsSeeAClickUnlessSomethingIsInFront) {
  const auto cameras = field_.scene.Cameras();
  int visible = 0, hidden = 0, outside = 0;
  for (size_t from : {0u, 9u, 22u}) {
    const auto& [camera, pose] = cameras[from];
    std::vector<SurfaceClick> clicks;
    for (int y = 20; y < 240; y += 50) {
      for (int x = 20; x < 320; x += 70) {
        const auto click = session_.Lift({camera, pose}, {.x = x + 0.5, .y = y + 0.5});
        ASSERT_TRUE(click.has_value());
        clicks.push_back(*click);
      }
    }
    for (const auto& [other, other_pose] : cameras) {
      std::vector<bool> used;
      const Prompt prompt = session_.Reproject(clicks, {other, other_pose}, 0.02, &used);
      ASSERT_EQ(used.size(), clicks.size());
      size_t next = 0;
      for (size_t i = 0; i < clicks.size(); ++i) {
        const auto pixel = other.Project(other_pose.Inverse() * clicks[i].point);
        if (!pixel || !other.Contains(*pixel)) {
          EXPECT_FALSE(used[i]);
          ++outside;
          continue;
        }
        const double distance = (clicks[i].point - other_pose.translation).norm();
        const double first = field_.scene.Trace(MakeRay(other, other_pose, *pixel)).distance;
        if (first < 0.97 * distance) {
          EXPECT_FALSE(used[i]) << "hidden behind something at " << first << " of " << distance;
          ++hidden;
        } else if (std::abs(first - distance) < 0.01 * distance) {
          EXPECT_TRUE(used[i]);
          ++visible;
        }
        if (!used[i]) continue;
        EXPECT_NEAR(prompt.points[next].x, pixel->x(), 1e-6);
        EXPECT_NEAR(prompt.points[next].y, pixel->y(), 1e-6);
        ++next;
      }
      EXPECT_EQ(next, prompt.points.size());
    }
  }
  EXPECT_GT(visible, 100);
  EXPECT_GT(hidden, 20);
  EXPECT_GT(outside, 20);
}

TEST_F(ClickSessionTest, ToleranceIsRelative) {
  const auto [camera, pose] = field_.scene.Cameras()[5];
  const auto click = session_.Lift({camera, pose}, {.x = 160.5, .y = 120.5});
  ASSERT_TRUE(click.has_value());
  const Vec3 to_click = click->point - pose.translation;
  for (const auto& [factor, seen] : {std::pair{1.015, true}, {1.03, false}, {0.985, true}, {0.97, false}}) {
    std::vector<bool> used;
    session_.Reproject({{.point = pose.translation + factor * to_click}}, {camera, pose}, 0.02, &used);
    EXPECT_EQ(used[0], seen) << factor;
  }
}

TEST(ClickSessionOnNothing, RaysIntoTheVoidLiftToNothing) {
  const AnalyticField field({.scene = "object"});
  const FeatureModel features(SmallFeatures(), {.encoder = "toy", .channels = 4, .grid = 8});
  DiscDecoder decoder;
  ClickSession session(field, RenderedFeatures(field, features), decoder);
  const auto [camera, pose] = field.scene.Cameras()[0];
  EXPECT_FALSE(session.Lift({camera, pose}, {.x = 0.5, .y = 0.5}).has_value());
  std::vector<bool> used;
  const Vec3 behind = pose.translation - pose.rotation.col(2);
  EXPECT_TRUE(session.Reproject({{.point = behind}}, {camera, pose}, 0.02, &used).points.empty());
  EXPECT_EQ(used, std::vector<bool>{false});
}

// Counts how often features are made, and of what.
struct CountingSource {
  int calls = 0;
  FeatureSource Source() {
    return [this](const Camera&, const Pose&, const StopToken* stop) {
      if (stop != nullptr) stop->ThrowIfStopped();
      ++calls;
      FeatureMap map;
      map.channels = 4;
      map.width = map.height = 8;
      map.data.assign(4 * 64, 0.0f);
      return map;
    };
  }
};

TEST_F(ClickSessionTest, FeaturesOfAViewAreMadeOnce) {
  CountingSource source;
  ClickSession session(field_, source.Source(), decoder_);
  const auto cameras = field_.scene.Cameras();
  const SeenView first{cameras[0].first, cameras[0].second}, second{cameras[1].first, cameras[1].second};
  session.Ask(first, Clicks({{.x = 30, .y = 30}}), Granularity::kAuto);
  session.Ask(first, Clicks({{.x = 50, .y = 40}}), Granularity::kAuto);
  EXPECT_EQ(source.calls, 1);
  session.Ask(second, Clicks({{.x = 50, .y = 40}}), Granularity::kAuto);
  session.Ask(first, Clicks({{.x = 50, .y = 40}}), Granularity::kAuto);
  EXPECT_EQ(source.calls, 2);
  EXPECT_EQ(session.kept_bytes(), 2 * 4 * 64 * sizeof(float));
}

TEST_F(ClickSessionTest, TheLeastRecentlyUsedFeaturesAreForgotten) {
  CountingSource source;
  ClickSession session(field_, source.Source(), decoder_, {.feature_bytes = 2 * 4 * 64 * sizeof(float)});
  const auto cameras = field_.scene.Cameras();
  const auto ask = [&](size_t i) {
    session.Ask({cameras[i].first, cameras[i].second}, Clicks({{.x = 50, .y = 40}}), Granularity::kAuto);
  };
  for (const size_t i : {0, 1, 0, 2}) ask(i);  // 1 goes
  EXPECT_EQ(source.calls, 3);
  ask(0);
  EXPECT_EQ(source.calls, 3);
  ask(1);
  EXPECT_EQ(source.calls, 4);
  EXPECT_EQ(session.kept_bytes(), 2 * 4 * 64 * sizeof(float));
}

TEST_F(ClickSessionTest, AStopLeavesNothingBehind) {
  CountingSource source;
  ClickSession session(field_, source.Source(), decoder_);
  const auto [camera, pose] = field_.scene.Cameras()[0];
  StopToken stop;
  stop.RequestStop();
  EXPECT_THROW(session.Ask({camera, pose}, Clicks({{.x = 30, .y = 30}}), Granularity::kAuto, &stop), Error);
  EXPECT_EQ(session.kept_bytes(), 0u);
  EXPECT_TRUE(decoder_.questions.empty());
  session.Ask({camera, pose}, Clicks({{.x = 30, .y = 30}}), Granularity::kAuto);
  EXPECT_EQ(source.calls, 1);
}

// A lens that sees 114 degrees off its axis in the corners.
Camera Fisheye() {
  return {.width = 480,
          .height = 360,
          .fx = 150,
          .fy = 150,
          .cx = 240,
          .cy = 180,
          .model = CameraModel::kFisheye};
}

TEST_F(ClickSessionTest, WideViewsAreAskedAboutInSeveralSquares) {
  const Pose pose = field_.scene.Cameras()[0].second;
  for (const Vec2& pixel : {Vec2(10, 10), Vec2(60, 180), Vec2(240, 20), Vec2(470, 350), Vec2(240, 180)}) {
    CountingSource source;
    ClickSession session(field_, source.Source(), decoder_);
    const SegmentResult result =
        session.Ask({Fisheye(), pose}, Clicks({{.x = pixel.x(), .y = pixel.y()}}), Granularity::kAuto);
    EXPECT_LT((CenterOf(result.mask) - pixel).norm(), 12) << pixel.transpose();
    EXPECT_NE(result.mask.binary.At(static_cast<int>(pixel.x()), static_cast<int>(pixel.y())), 0)
        << pixel.transpose();
  }
}

TEST_F(ClickSessionTest, AClickThatNoSquareSeesSaysHowFarOffItIs) {
  Camera camera = Fisheye();
  camera.fx = camera.fy = 115;  // the corners look backwards
  ClickSession session(field_, CountingSource().Source(), decoder_);
  try {
    session.Ask({camera, field_.scene.Cameras()[0].second}, Clicks({{.x = 2, .y = 2}}), Granularity::kAuto);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("degrees off the camera's axis"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace semfield
