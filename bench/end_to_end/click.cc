// What a click costs beside the teacher's own networks, in one process:
//   bench_click RUN [--teacher sam] [--repeat 5] [--threads N] [--json FILE]
// features: those of a view between the photos, from the fields (weights, features, head) and from the
// teacher's encoder. segment: one click with its features at hand, beside the decoder's graph alone.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "bench/end_to_end/results.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/catalog/methods.h"
#include "semfield/field/teacher_image.h"
#include "semfield/interaction/click_session.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/sam_frame.h"
#include "semfield/run/opened_run.h"

namespace semfield::bench {
namespace {

struct Options {
  std::string run, teacher = "sam", onnxruntime, json;
  int repeat = 5, threads = 2;
};

// The decoder's graph on one click, everything else prepared: what no answer can be faster than.
class BareDecoder {
 public:
  BareDecoder(const ModelCard& card, const std::string& onnxruntime)
      : card_(card),
        session_(InferenceRuntime::Load(onnxruntime), VerifyModelFile(card, card.decoder.file),
                 {.extra_outputs = Outputs()}) {}

  void Run(const FeatureMap& features, const Prompt& prompt) const {
    const DecoderCard& decoder = card_.decoder;
    const SamPrompt sam = MakeSamPrompt(
        prompt, MakeSamFrame(kSquareMaskResolution, kSquareMaskResolution, card_.encoder.input_size));
    const int64_t count = static_cast<int64_t>(sam.labels.size()), side = decoder.mask_size;
    const std::vector<float> no_mask(static_cast<size_t>(side) * side);
    const float has_mask = 0, size[2] = {256, 256};
    const auto input = [](const std::string& name, std::vector<int64_t> shape,
                          std::span<const float> values) {
      return TensorInput{name, std::move(shape), ElementType::kFloat, values, {}};
    };
    session_.Run({input(decoder.image_embeddings, {1, features.channels, features.height, features.width},
                        features.data),
                  input(decoder.point_coords, {1, count, 2}, sam.coords),
                  input(decoder.point_labels, {1, count}, sam.labels),
                  input(decoder.mask_input, {1, 1, side, side}, no_mask),
                  input(decoder.has_mask_input, {1}, {&has_mask, 1}), input(decoder.image_size, {2}, size)},
                 Outputs());
  }

 private:
  std::vector<std::string> Outputs() const {
    const DecoderCard& decoder = card_.decoder;
    if (decoder.all_masks.empty()) return {decoder.low_res_mask, decoder.score};
    return {decoder.all_masks, decoder.all_scores};
  }

  const ModelCard& card_;
  InferenceSession session_;
};

int Main(const Options& options) {
  SetNumThreads(options.threads);
  Results results("bench_click");
  const OpenedRun run = OpenRun(options.run, KnownMethods());
  const OpenedFeatures features = OpenFeatures(run, options.teacher);
  const std::unique_ptr<ImageEncoder> encoder =
      LoadImageEncoder(options.teacher, {.onnxruntime = options.onnxruntime});
  const std::unique_ptr<PromptDecoder> decoder =
      LoadPromptDecoder(options.teacher, {.onnxruntime = options.onnxruntime});

  const auto& student = dynamic_cast<const FeatureModel&>(*features.field);
  const PoseSampler poses(*run.capture, student.options());
  const auto [camera, pose] = poses.Sample(0);
  const SquareView view(camera, kSquareMaskResolution);
  const ImageU8 picture = RenderTeacherImage(run.Field(), view.square(), pose, run.background.data());
  FeatureMap map;
  std::vector<double> ours, weights, theirs;
  for (int i = 0; i <= options.repeat; ++i) {  // in turn; the first round is not counted
    Stopwatch stopwatch;
    const TokenInputs inputs =
        MakeTokenInputs(run.Field(), view.square(), pose, student.space().grid, student.options());
    const double weights_milliseconds = stopwatch.LapMilliseconds();
    map = student.Render(inputs);
    const double head_milliseconds = stopwatch.LapMilliseconds();
    encoder->Encode(picture);
    const double encoder_milliseconds = stopwatch.Milliseconds();
    if (i == 0) continue;
    ours.push_back(weights_milliseconds + head_milliseconds);
    weights.push_back(weights_milliseconds);
    theirs.push_back(encoder_milliseconds);
  }
  results.Add("features", Median(ours), "encoder", Median(theirs));
  results.Note("of it, weights along rays", Median(weights), "ms");

  const BareDecoder bare(decoder->card(), options.onnxruntime);
  const Prompt prompt = {.points = {{.x = 0.5 * camera.width, .y = 0.5 * camera.height}}, .boxes = {}};
  const Prompt square = SquarePrompt(view, prompt);
  ClickSession session(
      run.Field(), [&map](const Camera&, const Pose&, const StopToken*) { return map; }, *decoder);
  std::vector<double> whole, graph;
  for (int i = 0; i <= 4 * options.repeat; ++i) {
    Stopwatch stopwatch;
    session.Lift({camera, pose}, prompt.points[0]);
    session.Ask({camera, pose}, prompt, Granularity::kAuto);  // features are kept
    const double segment_milliseconds = stopwatch.LapMilliseconds();
    bare.Run(map, square);
    const double graph_milliseconds = stopwatch.Milliseconds();
    if (i == 0) continue;
    whole.push_back(segment_milliseconds);
    graph.push_back(graph_milliseconds);
  }
  results.Add("segment", Median(whole), "decoder", Median(graph));
  results.Note("over the decoder (asked <= 20)", Median(whole) - Median(graph), "ms");
  results.Write(options.json);
  return 0;
}

}  // namespace
}  // namespace semfield::bench

int main(int argc, char** argv) {
  semfield::bench::Options options;
  CLI::App app("A click beside the teacher's own networks");
  app.add_option("run", options.run, "Run folder with a radiance and a feature field")->required();
  app.add_option("--teacher", options.teacher, "Teacher that was imitated");
  app.add_option("--onnxruntime", options.onnxruntime, "Path of libonnxruntime.so; empty: searched");
  app.add_option("--repeat", options.repeat, "Rounds timed");
  app.add_option("--threads", options.threads, "Threads");
  app.add_option("--json", options.json, "Write the results here");
  CLI11_PARSE(app, argc, argv);
  return semfield::bench::Main(options);
}
