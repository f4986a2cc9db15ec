#include "semfield/evaluation/names_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/evaluation/object_views.h"
#include "semfield/objects/object_session.h"
#include "semfield/objects/thing_namer.h"
#include "semfield/objects/word_finder.h"

namespace semfield {
namespace {

constexpr char kNoClass[] = "object";  // the labels' class of all that has none of its own
constexpr int kTopNames = 3;
constexpr int kViewsOfThing = 8;

// One further word for each class that people use; fixed before the first run.
constexpr std::array<std::array<const char*, 2>, 14> kSynonyms = {{{"curtain", "drapes"},
                                                                   {"picture", "framed artwork"},
                                                                   {"bed", "place to sleep"},
                                                                   {"sofa", "couch"},
                                                                   {"armchair", "comfy chair"},
                                                                   {"chair", "kitchen chair"},
                                                                   {"table", "coffee table"},
                                                                   {"desk", "writing table"},
                                                                   {"cabinet", "dresser"},
                                                                   {"shelf", "bookshelf"},
                                                                   {"lamp", "desk light"},
                                                                   {"plant", "flowers in a pot"},
                                                                   {"appliance", "telly"},
                                                                   {"rug", "carpet"}}};
constexpr std::array<const char*, 10> kAbsent = {"elephant", "bicycle", "airplane",      "horse", "pizza",
                                                 "umbrella", "canoe",   "traffic light", "sheep", "tractor"};

struct NamesChoices {
  std::string names_model = "rooms-fast";
  int names_views = 20;
  void Describe(OptionList& list) {
    list.Group("Protocol names");
    list.Text("names-model", &names_model, "Who names things: a model of kind dense.");
    list.Int("names-views", &names_views, "Views that are looked at for all things, which texts select from.",
             {.min = 1, .max = 1000});
  }
};

// Whether the first name is right, and whether one of the first three is.
struct Hits {
  int first = 0, top = 0, things = 0;
  void Add(const std::vector<bool>& right) {
    ++things;
    first += !right.empty() && right.front();
    top += std::find(right.begin(), right.end(), true) != right.end();
  }
  Json ToJson() const {
    const double n = std::max(1, things);
    return {{"things", things}, {"first", first / n}, {"top_three", top / n}};
  }
};

// Who names: the dense encoder's head, the classifier, or both, and on which masks.
struct Row {
  Hits all, classed;  // classed: of things that have a class of their own
  void Add(const std::vector<bool>& right, bool has_class) {
    all.Add(right);
    if (has_class) classed.Add(right);
  }
};

class NameScorer {
 public:
  NameScorer(const ProtocolInputs& inputs, const NamesChoices& choices, const JobControl& control)
      : run_(inputs.run),
        control_(control),
        session_(run_, {.teacher = inputs.teacher, .onnxruntime = inputs.onnxruntime}, control),
        namer_(*run_.capture, session_.map(),
               {.model = choices.names_model, .onnxruntime = inputs.onnxruntime}),
        views_(run_, session_.map(), nullptr, control.stop) {
    session_.EncodePhotos(0, control);
    everything_views_ = choices.names_views;
  }

  void ScoreNames() {
    const std::vector<LabelledThing> things = ThingsOf(*run_.capture, *run_.store);
    if (things.empty()) throw InputError("{}: no labelled things", run_.capture->path.string());
    for (const LabelledThing& thing : things) {
      control_.ThrowIfStopped();
      Score(thing, OnTrueMasks(thing), "true masks");
      Score(thing, namer_.Look(Clicked(thing), control_.stop), "selections");
      control_.Report({.stage = "evaluate names",
                       .done = static_cast<double>(per_thing_.size()) / 2,
                       .total = static_cast<double>(things.size()),
                       .detail = thing.name});
    }
  }

  void ScoreTexts() {
    const std::vector<FoundThing> found = session_.FindAll({.views = everything_views_}, control_);
    for (const FoundThing& thing : found) {
      things_.push_back({.name = fmt::format("{}", things_.size()),
                         .clicks = {},
                         .box = {},
                         .weight = thing.weight,
                         .looked = {}});
      things_.back().names = namer_.Names(namer_.Look(things_.back(), control_.stop), control_.stop);
    }
    for (const auto& [name, shows] : ClassesShown()) {
      by_class_.push_back(ScoreText(name, name, shows));
      for (const auto& [of, synonym] : kSynonyms) {
        if (of == name) by_synonym_.push_back(ScoreText(synonym, name, shows));
      }
    }
    for (const char* word : kAbsent) {
      const FoundByWords answer = FitThings(things_, namer_.Meaning(word, control_), namer_);
      if (!answer.things.empty())
        alarms_.push_back(fmt::format("{} ({})", word, answer.things.front().called));
    }
  }

  ProtocolResult Result() {
    ProtocolResult result;
    result.metrics = {{"trust", namer_.Trust(control_.stop)}};
    for (const auto& [key, row] : rows_) {
      result.metrics[key] = row.all.ToJson();
      result.metrics[key + ", with a class"] = row.classed.ToJson();
    }
    result.metrics["text_iou"] = Mean(by_class_);
    result.metrics["text_iou_synonyms"] = Mean(by_synonym_);
    result.metrics["false_alarms"] = alarms_.size();
    result.per_view = per_thing_;
    for (const auto* texts : {&by_class_, &by_synonym_}) {
      for (const Text& text : *texts)
        result.per_view.push_back(
            {{"text", text.asked}, {"class", text.name}, {"iou", text.iou}, {"things", text.things}});
    }
    result.facts = {
        {"model", namer_.VocabularyName()}, {"things_found", things_.size()}, {"alarms", alarms_}};
    return result;
  }

 private:
  struct Text {
    std::string asked, name;
    double iou = 0;
    size_t things = 0;
  };

  static double Mean(const std::vector<Text>& texts) {
    double sum = 0;
    for (const Text& text : texts) sum += text.iou;
    return texts.empty() ? 0 : sum / static_cast<double>(texts.size());
  }

  std::string ClassOf(int id) const {
    const auto label = run_.capture->instances.find(id);
    return label == run_.capture->instances.end() ? "" : label->second.class_name;
  }

  NameEvidence OnTrueMasks(const LabelledThing& thing) {
    std::vector<std::pair<int64_t, int>> shown;
    std::vector<int> training = run_.capture->train;
    for (const int view : training) {
      const ImageU16& ids = views_.Instances(view);
      const int64_t pixels = std::count(ids.data.begin(), ids.data.end(), thing.id);
      if (pixels > 0) shown.emplace_back(-pixels, view);
    }
    std::sort(shown.begin(), shown.end());
    shown.resize(std::min<size_t>(shown.size(), kViewsOfThing));
    std::vector<int> views;
    std::vector<ImageU8> masks;
    for (const auto& [pixels, view] : shown) {
      const ImageU16& ids = views_.Instances(view);
      ImageU8 mask(ids.width, ids.height, 1);
      for (size_t i = 0; i < mask.data.size(); ++i) mask.data[i] = ids.data[i] == thing.id ? 255 : 0;
      views.push_back(view);
      masks.push_back(std::move(mask));
    }
    return namer_.Look(views, masks, control_.stop);
  }

  Selection Clicked(const LabelledThing& thing) {
    Selection selection{.name = thing.name,
                        .clicks = {{.view = thing.view, .x = thing.click.x(), .y = thing.click.y()}},
                        .box = {},
                        .weight = {},
                        .looked = {}};
    TakeFound(session_.Find(ObjectSession::Answerer::kPhotos, selection, nullptr, control_).found,
              &selection);
    return selection;
  }

  void Score(const LabelledThing& thing, const NameEvidence& evidence, const std::string& on) {
    const std::string truth = ClassOf(thing.id);
    const bool has_class = truth != kNoClass;
    Json names = Json::array();
    for (const char* who : {"both", "classifier", "head"}) {
      const bool is_clip = !evidence.vector.empty();  // which has neither
      if (is_clip && std::string(who) != "both") continue;
      std::vector<bool> right;
      if (evidence.views.empty()) {
        right = {};
      } else if (std::string(who) == "head") {
        for (const RankedWord& best : BestWords(evidence.class_probability, kTopNames))
          right.push_back(namer_.vocabulary().classes()[best.word] == truth);
      } else {
        right = RightWords(evidence, truth, std::string(who) == "both", &names);
      }
      rows_[fmt::format("{}, {}", who, on)].Add(right, has_class);
    }
    per_thing_.push_back({{"thing", thing.name}, {"class", truth}, {"masks", on}, {"names", names}});
  }

  std::vector<bool> RightWords(const NameEvidence& evidence, const std::string& truth, bool both,
                               Json* names) {
    const Vocabulary& vocabulary = namer_.vocabulary();
    const std::vector<float> weights =
        both ? namer_.Names(evidence, control_.stop).weights
             : vocabulary.Weigh(evidence.class_probability, evidence.name_logits, 0);
    std::vector<bool> right;
    for (const RankedWord& best : BestWords(weights, kTopNames)) {
      const Word& word = vocabulary.words()[best.word];
      right.push_back((word.class_id >= 0 ? word.name : kNoClass) == truth);
      if (both) names->push_back({word.name, best.score});
    }
    return right;
  }

  // Of each class that is a thing's: the views in which it covers as much as a thing must to be scored.
  std::map<std::string, std::vector<int>> ClassesShown() {
    std::map<std::string, std::vector<int>> shown;
    for (int view = 0; view < static_cast<int>(run_.capture->views.size()); ++view) {
      const ImageU16& ids = views_.Instances(view);
      std::map<std::string, double> share;
      for (const uint16_t id : ids.data) share[ClassOf(id)] += 1.0 / static_cast<double>(ids.num_pixels());
      for (const auto& [name, part] : share) {
        if (part < kSmallestShare) continue;
        for (const auto& [of, synonym] : kSynonyms) {
          if (of == name) shown[name].push_back(view);
        }
      }
    }
    return shown;
  }

  Text ScoreText(const std::string& asked, const std::string& name, const std::vector<int>& shows) {
    const FoundByWords answer = FitThings(things_, namer_.Meaning(asked, control_), namer_);
    Text text{.asked = asked, .name = name, .iou = 0, .things = answer.things.size()};
    if (answer.things.empty()) return text;
    for (const int view : shows) {
      const ImageU16& ids = views_.Instances(view);
      ImageU16 truth(ids.width, ids.height, 1);
      std::map<int, bool> is_one;
      for (size_t i = 0; i < ids.data.size(); ++i) {
        const auto [known, is_new] = is_one.try_emplace(ids.data[i], false);
        if (is_new) known->second = ClassOf(ids.data[i]) == name;
        truth.data[i] = known->second;
      }
      text.iou += ScoreMask(views_.Mask(answer.selection, view), truth, 1, view).iou;
    }
    text.iou /= static_cast<double>(shows.size());
    return text;
  }

  const OpenedRun& run_;
  const JobControl& control_;
  ObjectSession session_;
  ThingNamer namer_;
  ThingViews views_;
  int everything_views_ = 0;
  std::map<std::string, Row> rows_;
  Json per_thing_ = Json::array();
  std::vector<Selection> things_;
  std::vector<Text> by_class_, by_synonym_;
  std::vector<std::string> alarms_;
};

Json Definitions(const Json& metrics) {
  Json definitions = Json::object();
  for (const auto& [key, value] : metrics.items()) {
    if (!value.is_object()) continue;
    definitions[key] =
        "Share of labelled things (as protocol objects counts them) whose first name, or one of whose first "
        "three, is their class; a thing of class object is right with any name that is of no class. On true "
        "masks: of the 8 training views that show most of it; on selections: of one click on it.";
  }
  definitions["trust"] = "How much of the scene's kind the dense encoder's classes are, 0 to 1.";
  definitions["text_iou"] =
      "Intersection over union of what a class's name selects among all things found without a click with "
      "all "
      "things of that class, mean over the views that show it and then over classes that are present.";
  definitions["text_iou_synonyms"] = "As text_iou, by one other word for each class.";
  definitions["false_alarms"] = "Of ten words for what is in no room, those that select something.";
  return definitions;
}

class NamesProtocol : public Protocol {
 public:
  std::string name() const override { return "names"; }
  std::string sentence() const override { return "names of things, and things by words, against labels"; }
  ProtocolNeeds needs() const override { return {.labels = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NamesChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    NameScorer scorer(inputs, any.As<NamesChoices>(), control);
    scorer.ScoreNames();
    scorer.ScoreTexts();
    ProtocolResult result = scorer.Result();
    result.protocol = name();
    result.definitions = Definitions(result.metrics);
    for (const char* on : {"true masks", "selections"}) {
      for (const char* who : {"both", "classifier", "head"}) {
        if (!result.metrics.contains(fmt::format("{}, {}", who, on))) continue;
        const Json& row = result.metrics[fmt::format("{}, {}", who, on)];
        const Json& classed = result.metrics[fmt::format("{}, {}, with a class", who, on)];
        result.text.push_back(fmt::format(
            "{} on {}: first name right for {:.3f} of {} things, among three {:.3f}; with a class {:.3f}, "
            "{:.3f}",
            who, on, row["first"].get<double>(), row["things"].get<int>(), row["top_three"].get<double>(),
            classed["first"].get<double>(), classed["top_three"].get<double>()));
      }
    }
    result.text.push_back(fmt::format("by text: IoU {:.3f}, by synonyms {:.3f}; {} false alarms of {}",
                                      result.metrics["text_iou"].get<double>(),
                                      result.metrics["text_iou_synonyms"].get<double>(),
                                      result.metrics["false_alarms"].get<size_t>(), kAbsent.size()));
    return result;
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeNamesProtocol() {
  return std::make_shared<NamesProtocol>();
}

}  // namespace semfield
