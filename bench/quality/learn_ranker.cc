// Learns models/rankers/objects.json: which of the decoder's answers to a click is the thing that was meant.
//   bench_learn_ranker CAPTURE... --out FILE [--cache FOLDER] [--teacher sam] [--check N]
// The captures have exact depth and instance masks; each labelled thing is clicked once as protocol objects
// does. Ridge regression of each answer's IoU with the thing in its own view on the numbers of AnswerRanker.
// The last N captures are only checked with: the mean IoU of the chosen answers, by agreement alone, by the
// ranker, and of the best answer.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <Eigen/Cholesky>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/options.h"
#include "semfield/capture/reader.h"
#include "semfield/evaluation/objects_protocol.h"
#include "semfield/objects/object_finder.h"
#include "semfield/objects/photo_embeddings.h"
#include "semfield/objects/view_answers.h"
#include "semfield/perception/image_encoder.h"

namespace semfield {
namespace {

constexpr double kRidge = 1e-2;  // times the number of answers

struct LearnOptions {
  std::vector<std::string> captures;
  std::string out = "objects.json", cache = "ranker-cache", teacher = "sam";
  std::string table;
  int check = 0;
};

// One answer with its IoU; answers of one click lie together.
struct Example {
  AnswerRanker::Numbers numbers;
  double iou = 0, agreement = 0;
};
using Click = std::vector<Example>;

// Depth at every pixel: of maps that were sampled at every other one, the nearest sample.
ImageF FullDepth(const ImageStore& store, int view) {
  const ImageF sampled = store.Depth(view);
  ImageF full = sampled;
  for (int y = 0; y < full.height; ++y) {
    for (int x = 0; x < full.width; ++x) {
      for (const auto& [u, v] : {std::pair{x, y}, {x ^ 1, y}, {x, y ^ 1}, {x ^ 1, y ^ 1}}) {
        if (full.At(x, y) > 0 || u >= full.width || v >= full.height) continue;
        full.At(x, y) = sampled.At(u, v);
      }
    }
  }
  return full;
}

double IouInView(const AnswerCandidate& candidate, const SurfaceView& view, const ImageU16& ids, int id) {
  std::vector<int> inside(view.cells.size(), 0);
  for (size_t pixel = 0; pixel < ids.data.size(); ++pixel) {
    if (view.cell_of[pixel] >= 0) inside[view.cell_of[pixel]] += ids.data[pixel] == id;
  }
  double both = 0, truth = 0;
  for (size_t c = 0; c < view.cells.size(); ++c) {
    const bool in = 2 * inside[c] > view.pixels[c];
    truth += in;
    both += in && std::binary_search(candidate.cells.begin(), candidate.cells.end(), view.cells[c]);
  }
  return both / std::max(1.0, truth + static_cast<double>(candidate.cells.size()) - both);
}

std::vector<Click> ClicksOf(const LearnOptions& options, const std::string& path, PromptDecoder& decoder) {
  const Capture capture = ReadCapture(path, {});
  const ImageStore store(capture);
  std::vector<DepthView> depths;
  for (const int view : capture.train) {
    depths.push_back({.view = view,
                      .camera = store.CameraOf(view),
                      .world_from_camera = capture.views[view].world_from_camera,
                      .depth = FullDepth(store, view)});
  }
  const SurfaceMap map(std::move(depths));
  const std::filesystem::path folder =
      std::filesystem::path(options.cache) / std::filesystem::path(path).filename();
  PhotoEmbeddings embeddings(capture, folder, decoder.card(),
                             [&options] { return LoadImageEncoder(options.teacher, {}); });
  PhotoAnswers answers(embeddings, decoder);
  std::vector<Click> clicks;
  for (const LabelledThing& thing : ThingsOf(capture, store)) {
    const ObjectClick click = {.view = map.Find(thing.view), .pixel = thing.click, .positive = true};
    Click examples;
    for (const AnswerCandidate& candidate : CandidatesOf(map, answers, {.clicks = {click}, .box = {}}, {})) {
      const SurfaceView& view = map.views()[candidate.view];
      examples.push_back({.numbers = AnswerRanker::NumbersOf(candidate.facts),
                          .iou = IouInView(candidate, view, store.Instances(view.view), thing.id),
                          .agreement = candidate.facts.agreement});
    }
    if (!examples.empty()) clicks.push_back(std::move(examples));
  }
  fmt::print("{}: {} things, {} photos encoded\n", path, clicks.size(), embeddings.num_encoded());
  std::fflush(stdout);
  return clicks;
}

AnswerRanker::Numbers Ridge(const std::vector<Click>& clicks) {
  using Matrix = Eigen::MatrixXd;
  constexpr int kN = AnswerRanker::kNumbers;
  Matrix normal = Matrix::Zero(kN, kN);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(kN);
  double count = 0;
  for (const Click& click : clicks) {
    for (const Example& example : click) {
      const Eigen::Map<const Eigen::VectorXd> numbers(example.numbers.data(), kN);
      normal += numbers * numbers.transpose();
      right += example.iou * numbers;
      ++count;
    }
  }
  normal.diagonal().array() += kRidge * count / 100;
  const Eigen::VectorXd weights = normal.ldlt().solve(right);
  AnswerRanker::Numbers found{};
  std::copy_n(weights.data(), kN, found.begin());
  return found;
}

void Check(const std::vector<Click>& clicks, const AnswerRanker::Numbers& weights, const char* what) {
  double by_agreement = 0, by_ranker = 0, best = 0;
  for (const Click& click : clicks) {
    const auto judge = [&](const Example& example) {
      double sum = 0;
      for (int i = 0; i < AnswerRanker::kNumbers; ++i) sum += weights[i] * example.numbers[i];
      return sum;
    };
    const auto most = [&](auto&& value) {
      return std::max_element(click.begin(), click.end(),
                              [&](const Example& a, const Example& b) { return value(a) < value(b); })
          ->iou;
    };
    by_agreement += most([](const Example& e) { return e.agreement; });
    by_ranker += most(judge);
    best += most([](const Example& e) { return e.iou; });
  }
  const double n = std::max<double>(1, static_cast<double>(clicks.size()));
  fmt::print("{}: {} clicks, IoU of the chosen answer: agreement {:.3f}, ranker {:.3f}, best {:.3f}\n", what,
             clicks.size(), by_agreement / n, by_ranker / n, best / n);
}

// One line an answer: number of its click, IoU, agreement, the numbers. For looking at what might be learned.
void WriteTable(const std::vector<Click>& clicks, const std::string& path) {
  std::string text;
  for (size_t click = 0; click < clicks.size(); ++click) {
    for (const Example& example : clicks[click]) {
      text += fmt::format("{} {:.6g} {:.6g}", click, example.iou, example.agreement);
      for (const double number : example.numbers) text += fmt::format(" {:.6g}", number);
      text += '\n';
    }
  }
  WriteFileAtomically(path, text);
}

int Main(const LearnOptions& options) {
  const auto decoder = LoadPromptDecoder(options.teacher, {});
  std::vector<Click> learned, checked;
  for (size_t i = 0; i < options.captures.size(); ++i) {
    std::vector<Click>& into =
        i + static_cast<size_t>(options.check) < options.captures.size() ? learned : checked;
    for (Click& click : ClicksOf(options, options.captures[i], *decoder)) into.push_back(std::move(click));
    if (!learned.empty()) AnswerRanker(Ridge(learned)).Write(options.out);
  }
  const AnswerRanker::Numbers weights = Ridge(learned);
  AnswerRanker(weights).Write(options.out);
  if (!options.table.empty()) {
    std::vector<Click> all = learned;
    all.insert(all.end(), checked.begin(), checked.end());
    WriteTable(all, options.table);
  }
  Check(learned, weights, "learned from");
  if (!checked.empty()) Check(checked, weights, "checked with");
  return 0;
}

}  // namespace
}  // namespace semfield

int main(int argc, char** argv) {
  semfield::LearnOptions options;
  CLI::App app("Learns which of the decoder's answers to a click is the thing that was meant");
  app.add_option("captures", options.captures, "Captures with exact depth and instance masks")->required();
  app.add_option("--out", options.out, "File of the weights");
  app.add_option("--cache", options.cache, "Folder for what the encoder says of the photos");
  app.add_option("--teacher", options.teacher, "Model card");
  app.add_option("--table", options.table, "Write every answer's numbers here too");
  app.add_option("--check", options.check, "So many captures at the end are only checked with");
  CLI11_PARSE(app, argc, argv);
  try {
    return semfield::Main(options);
  } catch (const semfield::Error& error) {
    fmt::print(stderr, "bench_learn_ranker: {}\n", error.what());
    return 2;
  }
}
