#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/field/feature_field.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {

// The protocol of SAN section 5.4: masks from rendered features against the teacher's masks of the same
// picture, for single clicks spread over each held-out view.
struct SanOptions {
  int clicks_per_side = 12;
  int longest_side = 512;         // masks are compared in the frame at no more than this
  double min_thing_share = 0.01;  // labelled things that cover less of a view are left out
  bool photo_teacher = true;      // also ask the teacher about the photo: one more encoder run a view
  Granularity granularity = Granularity::kAuto;
  std::vector<Pose> training_poses = {};  // from where the teacher looked when it was imitated
};

// Clicks are in pixels of the original photo.
struct ClickScore {
  Vec2 click = Vec2::Zero();
  double iou = 0;
  double area = 0, teacher_area = 0;    // share of the frame
  double score = 0, teacher_score = 0;  // the decoder's own guess
  std::string granularity, teacher_granularity;
  // Where the decoder tells all its masks: of its single mask, and of ours that is of the teacher's choice.
  std::optional<double> iou_single = {}, iou_teacher_choice = {};
  std::optional<double> photo_iou = {};          // ours with the teacher's on the photo
  std::optional<double> photo_teacher_iou = {};  // the teacher's on the rendering with its own on the photo
};

struct ThingScore {
  int id = 0;
  std::string name;
  std::string class_name;
  double share = 0;  // of the view
  Vec2 click = Vec2::Zero();
  double iou = 0;          // ours against the label
  double teacher_iou = 0;  // the teacher's against the label
};

struct SanViewScore {
  int view = 0;  // into Capture::views
  std::string name;
  std::vector<ClickScore> clicks = {};
  std::vector<ThingScore> things = {};
  FeatureErrors features = {};                      // all tokens of the square picture
  FeatureErrors features_in_frame = {};             // those inside the frame
  std::map<std::string, double> milliseconds = {};  // render, features, encode, decode (one click)
  // To the nearest pose from which the teacher looked: world units, degrees between the axes of view.
  std::optional<double> teacher_distance = {}, teacher_degrees = {};
};

struct SanResult {
  SanOptions options;
  std::string teacher;
  int workers = 1;  // views in the making at once, each on one thread
  std::vector<SanViewScore> per_view = {};
};

// What is compared: a feature field and its teacher.
struct Imitated {
  const FeatureField& features;
  const ImageEncoder& encoder;
  const PromptDecoder& decoder;
};

// Each worker takes a view at a time with its own clones of encoder and decoder, which should be loaded for
// one thread.
SanResult EvaluateSan(const EvaluationScene& scene, const Imitated& imitated, const std::vector<int>& views,
                      const SanOptions& options, const JobControl& control);

// A click of one view, for lists.
struct RankedClick {
  size_t view = 0;   // into SanResult::per_view
  size_t click = 0;  // into its clicks
};
// The clicks with the lowest intersection over union, lowest first; ties in order of view and click.
std::vector<RankedClick> WorstClicks(const SanResult& result, size_t count);

Json SanMetricsJson(const SanResult& result);
Json SanPerViewJson(const SanResult& result);
Json SanWorstJson(const SanResult& result, size_t count);
Json SanDefinitions(const SanResult& result);

std::shared_ptr<const Protocol> MakeSanProtocol();

}  // namespace semfield
