#include "semfield/jobs/segment_field_classes.h"

#include <algorithm>
#include <array>

#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/interaction/seen_classes.h"
#include "semfield/jobs/segment_views.h"
#include "semfield/objects/class_words.h"
#include "semfield/perception/model_card.h"

namespace semfield {
namespace {

constexpr std::array<uint8_t, 3> kClassColor = {230, 40, 60};

bool ByLaser(const SegmentJobOptions& job) {
  return job.vote.method == "laser";
}

WordsResult WordsOfClasses(const std::string& asked, const ClassMeaning& meaning, bool is_seen) {
  WordsResult words{.asked = asked, .selection = "", .meant = meaning.meant, .things = {}, .nearest = {}};
  for (const ThingName& name : meaning.classes)
    (is_seen ? words.things : words.nearest).push_back({name.name, name.score, name.name});
  for (const ThingName& name : meaning.nearest) words.nearest.push_back({name.name, name.score, name.name});
  return words;
}

}  // namespace

std::optional<std::string> TeacherOfWords(const SegmentJobOptions& job, const OpenedRun& run) {
  if (FindModelCard(job.teacher).kind == "dense") return job.teacher;
  if (ByLaser(job)) return SegmentJobOptions().words_model;
  if (HasFeatures(run, job.teacher)) return std::nullopt;
  const std::vector<std::string> teachers = PyramidTeachers(run);
  if (teachers.empty()) return std::nullopt;
  return teachers.front();
}

SegmentJobResult SegmentFieldClasses(const SegmentJobOptions& job, const OpenedRun& run,
                                     const std::string& teacher, const std::vector<NamedView>& views,
                                     const JobControl& control) {
  const OpenedFeatures features =
      ByLaser(job) ? OpenClassField(run, teacher, job.vote.method) : OpenPyramid(run, teacher);
  if (!features.finished) LogInfo("the imitation is at step {}: masks will still improve", features.step);
  ClassWords words(teacher, job.text_model, job.onnxruntime);
  const std::string& asked = job.text.empty() ? job.class_name : job.text;
  const ClassMeaning meaning = job.text.empty() ? words.Class(asked, control) : words.Text(asked, control);
  std::unique_ptr<DenseDecoder> decoder;
  if (features.pyramid) decoder = LoadDenseDecoder(teacher, {.onnxruntime = job.onnxruntime});
  const ClassMaps source = features.pyramid ? RenderedClasses(run.Field(), *features.pyramid, *decoder)
                                            : RenderedClasses(run.Field(), *features.classes);
  const int resolution =
      features.pyramid ? features.pyramid->space().resolution : features.classes->resolution();
  SegmentJobResult result{.run = job.run};
  MaskFiles files(run, MasksFolder(job, run), job.name, kClassColor);
  const bool asks = !meaning.classes.empty();
  const auto look = [&](const NamedView& view) {
    const Stopwatch stopwatch;
    SegmentedView seen{.mask = ImageU8(view.camera.width, view.camera.height, 1),
                       .answer = {.granularity = "class"}};
    if (!asks) return seen;
    seen.mask = SeenClasses(view.camera, view.world_from_camera, resolution, source, control.stop)
                    .MaskOf(meaning.is_meant);
    seen.answer.score = meaning.classes.front().score;
    seen.answer.milliseconds = {{"classes", 1e3 * stopwatch.Seconds()}};
    return seen;
  };
  WriteMasks(views, look, control, &files, &result);
  const bool is_seen = std::any_of(result.views.begin(), result.views.end(),
                                   [](const SegmentJobResult::View& view) { return view.area > 0; });
  result.words = WordsOfClasses(asked, meaning, is_seen);
  return result;
}

}  // namespace semfield
