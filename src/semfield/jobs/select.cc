#include "semfield/jobs/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/mask_files.h"
#include "semfield/jobs/prompt_text.h"
#include "semfield/objects/object_session.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/word_finder.h"
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

WordFinderOptions WordsOptions(const SelectJobOptions& job) {
  return {.naming = {.model = job.words_model, .text_model = job.text_model, .onnxruntime = job.onnxruntime},
          .everything_views = job.everything_views};
}

constexpr int kNamesShown = 3;

class SelectJob {
 public:
  SelectJob(const SelectJobOptions& job, const OpenedRun& run, const JobControl& control)
      : job_(job),
        run_(run),
        control_(control),
        session_(run, {.teacher = job.teacher, .onnxruntime = job.onnxruntime}, control),
        store_(run.folder.selections_dir(), session_.SurfaceName()),
        words_(*run.capture, session_, store_, WordsOptions(job), control) {
    result_.run = job.run;
  }

  SelectJobResult Run() {
    if (!job_.views.empty())
      views_ = FindNamedViews(*run_.capture, job_.views);  // said before anything is done
    if (job_.undo) result_.done = "undone: " + store_.Undo();
    if (job_.redo) result_.done = "done again: " + store_.Redo();
    if (job_.remove) {
      store_.Remove(job_.name);
      result_.done = "removed: " + job_.name;
    }
    if (IsAsked()) {
      SelectByPrompt();
    } else if (job_.granularity != "auto" && !job_.everything) {
      Regrain();
    }
    if (!job_.what_is.empty()) WhatIs();
    if (job_.everything) Everything();
    if (job_.names && !job_.everything) GiveNames();
    if (!job_.text.empty() || !job_.class_name.empty()) SelectByWords();
    Change();
    for (const SelectionStore::Entry& entry : store_.List()) AddThing(store_.Load(entry.name));
    if (!job_.views.empty()) Show();
    return std::move(result_);
  }

 private:
  bool IsAsked() const { return !job_.click.empty() || !job_.box.empty() || !job_.paint.empty(); }

  // A new selection, or further prompts of one that is there.
  void SelectByPrompt() {
    if (job_.view.empty()) throw InputError("--view is missing: where is the prompt? e.g. --view test:0");
    const bool is_there = store_.Has(job_.name);
    if (is_there && !job_.more) {
      throw InputError("a selection '{}' is there: --more adds these clicks to it; or give another --name",
                       job_.name);
    }
    const NamedView view = FindNamedView(*run_.capture, job_.view);
    const auto prompt = ParsePrompt(job_.click, job_.box, view.camera);
    Selection selection = is_there ? store_.Load(job_.name) : NewSelection();
    if (!job_.paint.empty()) {
      is_there ? Brush(view, job_.paint, true, &selection) : FindPainted(view, &selection);
    } else if (is_there) {
      More(view, prompt, &selection);
    } else {
      Begin(view, prompt, &selection);
    }
    store_.Put(fmt::format("{} {}", job_.name, is_there ? "mended" : "selected"), selection);
    result_.done = fmt::format("{}: {}", is_there ? "mended" : "selected", job_.name);
  }

  Selection NewSelection() const {
    return {.name = job_.name,
            .color =
                job_.color.empty() ? SelectionColor(store_.List().size()) : ParseColor("--color", job_.color),
            .clicks = {},
            .box = {},
            .nesting = job_.granularity == "auto" ? Nesting::kObject : ParseNesting(job_.granularity),
            .weight = {},
            .looked = {}};
  }

  void Begin(const NamedView& view, const Prompt& prompt, Selection* selection) {
    for (const PromptPoint& point : prompt.points)
      selection->clicks.push_back(session_.Kept(session_.Place(view, point)));
    if (!prompt.boxes.empty()) {
      session_.PaintedView(view);  // says what is wrong with it
      selection->box = SelectionBox{.view = view.index, .box = prompt.boxes.front()};
    } else if (!selection->clicks.front().positive) {
      throw InputError("--click: the first click of a selection must be on the thing, not beside it");
    }
    Find(nullptr, selection);
  }

  // One click after another mends what was there.
  void More(const NamedView& view, const Prompt& prompt, Selection* selection) {
    if (!prompt.boxes.empty()) throw InputError("--box begins a selection: give it without --more");
    for (const PromptPoint& point : prompt.points) {
      selection->clicks.push_back(session_.Kept(session_.Place(view, point)));
      const FoundObject before = FoundOf(*selection);
      Find(&before, selection);
    }
  }

  // What answers at once, then who has the last word.
  void Find(const FoundObject* before, Selection* selection) {
    Answered(selection,
             [&](ObjectSession::Answerer who) { return session_.Find(who, *selection, before, control_); });
  }

  void FindPainted(const NamedView& view, Selection* selection) {
    const int own = session_.PaintedView(view);
    const ImageU8 painted = Painted(view, job_.paint);
    Answered(selection,
             [&](ObjectSession::Answerer who) { return session_.FindPainted(who, own, painted, control_); });
  }

  void Brush(const NamedView& view, const std::string& file, bool add, Selection* selection) {
    Paint(session_.map().views()[session_.PaintedView(view)], Painted(view, file), add, selection);
  }

  // A mask file of a view, at the size of its depth.
  ImageU8 Painted(const NamedView& view, const std::string& file) const {
    const char* option = file == job_.erase ? "--erase" : "--paint";
    const ImageU8 rgb = ToRgb(ReadImage(file), {0, 0, 0});
    ImageU8 mask(rgb.width, rgb.height, 1);
    for (size_t i = 0; i < mask.data.size(); ++i)
      mask.data[i] = static_cast<uint8_t>((rgb.data[3 * i] + rgb.data[3 * i + 1] + rgb.data[3 * i + 2]) / 3);
    if (mask.width != view.camera.width || mask.height != view.camera.height) {
      throw InputError("{} {}: expected {} x {} pixels as view {} has, got {} x {}", option, file,
                       view.camera.width, view.camera.height, view.name, mask.width, mask.height);
    }
    const ImageF& depth = session_.map().views()[session_.PaintedView(view)].depth;
    mask = Resize(mask, depth.width, depth.height);
    for (uint8_t& value : mask.data) value = value > 127 ? 255 : 0;
    if (std::count(mask.data.begin(), mask.data.end(), 255) == 0)
      throw InputError("{} {}: nothing in it is painted; white is what counts", option, file);
    return mask;
  }

  template <class Ask>
  void Answered(Selection* selection, const Ask& ask) {
    if (session_.HasFeatures()) {
      Take("features", ask(ObjectSession::Answerer::kFeatures), selection);
      control_.Report({.stage = "select",
                       .detail = fmt::format("first answer after {:.1f} s", result_.stages.back().seconds)});
    } else if (!job_.refine) {
      OpenFeatures(run_, job_.teacher);  // says how to make them
    }
    if (job_.refine) Take("photos", ask(ObjectSession::Answerer::kPhotos), selection);
  }

  void Take(const std::string& who, const ObjectSession::Answer& answer, Selection* selection) {
    TakeFound(answer.found, selection);
    selection->answered_by = who;
    if (answer.found.voters < 2)
      LogWarning("only one view answered about the click: what other views show of the thing is a guess");
    if (answer.found.nesting != selection->nesting) {
      LogWarning("there is no answer that is a {} of what was clicked: this is the object",
                 NestingName(selection->nesting));
    }
    result_.stages.push_back({.answered_by = who,
                              .seconds = stopwatch_.Seconds(),
                              .agreement = answer.found.agreement,
                              .decoder_calls = answer.found.decoder_calls,
                              .cells = selection->NumCells(),
                              .granularity = NestingName(answer.found.nesting),
                              .milliseconds = answer.milliseconds});
  }

  // The same prompts, of another granularity.
  void Regrain() {
    Selection selection = store_.Load(job_.name);
    if (selection.clicks.empty()) {
      throw InputError("--granularity: selection '{}' has no clicks that could be answered in another way",
                       job_.name);
    }
    selection.nesting = ParseNesting(job_.granularity);
    Find(nullptr, &selection);
    store_.Put(fmt::format("{} as {}", job_.name, job_.granularity), selection);
    result_.done = fmt::format("{}: as {}", job_.name, job_.granularity);
  }

  // All things; every point of the surface is in one of them.
  void Everything() {
    const int things = words_.FindThings(job_.name.empty() && !job_.names ? "thing" : job_.name, job_.names);
    result_.done = fmt::format("{} things found in {:.0f} s", things, stopwatch_.Seconds());
  }

  // Of one selection, or of all.
  void GiveNames() {
    int named = 0;
    for (const SelectionStore::Entry& entry : store_.List()) {
      if (!job_.name.empty() && entry.name != job_.name) continue;
      words_.Named(entry.name);
      ++named;
    }
    if (named == 0 && !job_.name.empty()) store_.Load(job_.name);  // says what there is
    if (named == 0) throw InputError("--names: there are no selections yet: --everything finds all things");
    result_.done = fmt::format("{} things named in {:.0f} s", named, stopwatch_.Seconds());
  }

  // What words mean, as one selection.
  void SelectByWords() {
    const std::string& asked = job_.text.empty() ? job_.class_name : job_.text;
    const std::string name = job_.name.empty() ? SelectionNameOf(asked) : job_.name;
    if (store_.Has(name) && store_.Load(name).text.empty())
      throw InputError("a selection '{}' is there, and was not found by words: give another --name", name);
    FoundByWords found = job_.text.empty() ? words_.FindClass(asked) : words_.FindText(asked);
    if (!found.things.empty()) {
      found.selection.name = name;
      found.selection.color =
          job_.color.empty() ? SelectionColor(store_.List().size()) : ParseColor("--color", job_.color);
      store_.Put(name + " found by words", found.selection);
      result_.done = "selected: " + name;
    }
    result_.words = WordsOf(asked, found);
  }

  // The names of what lies under a click; nothing is kept.
  void WhatIs() {
    const NamedView view = FindNamedView(*run_.capture, job_.view);
    Selection selection = NewSelection();
    const Prompt prompt = ParsePrompt(job_.what_is, {}, view.camera);
    for (const PromptPoint& point : prompt.points)
      selection.clicks.push_back(session_.Kept(session_.Place(view, point)));
    Find(nullptr, &selection);
    const GivenNames names = words_.NamesOf(selection);
    if (!names.views.empty()) result_.what_is = words_.BestNames(names, kNamesShown);
    if (result_.what_is.empty()) LogWarning("no photo shows enough of it to name it");
  }

  void Change() {
    const auto change = [&](const std::string& what, auto&& how) {
      Selection selection = how(store_.Load(job_.name));
      selection.name = job_.name;
      store_.Put(job_.name + " " + what, selection);
      result_.done = job_.name + ": " + what;
    };
    const auto with = [&](const char* what, const std::vector<std::string>& others, auto&& how) {
      for (const std::string& other : others) {
        const Selection loaded = store_.Load(other);
        if (!store_.Has(job_.name)) {  // a new one, from the first
          Selection first = loaded;
          first.name = job_.name;
          store_.Put(job_.name + " from " + other, first);
        }
        change(fmt::format("{} {}", what, other), [&](const Selection& s) { return how(s, loaded); });
      }
    };
    if (!job_.erase.empty()) {
      const NamedView view = FindNamedView(*run_.capture, job_.view);
      change("erased", [&](Selection s) {
        Brush(view, job_.erase, false, &s);
        return s;
      });
    }
    with("united with", job_.unite, Union);
    with("intersected with", job_.intersect, Intersect);
    with("without", job_.subtract, Subtract);
    if (job_.grow != 0) {
      change(fmt::format("grown by {} cells", job_.grow),
             [&](const Selection& s) { return Grown(session_.map(), s, job_.grow); });
    }
    if (job_.largest_part)
      change("its largest part", [&](const Selection& s) { return LargestPart(session_.map(), s); });
  }

  void AddThing(const Selection& selection) {
    const Box3 box = ExtentOf(session_.map(), selection, run_.capture->capture_from_world);
    result_.things.push_back({.name = selection.name,
                              .color = selection.color,
                              .answered_by = selection.answered_by,
                              .granularity = NestingName(selection.nesting),
                              .cells = selection.NumCells(),
                              .center = box.Center(),
                              .size = box.Extent(),
                              .clicks = static_cast<int>(selection.clicks.size()),
                              .text = selection.text,
                              .names = {},
                              .named_by_views = {}});
    if (!selection.names) return;
    if (!selection.names->views.empty())
      result_.things.back().names = words_.BestNames(*selection.names, kNamesShown);
    for (const int view : selection.names->views)
      result_.things.back().named_by_views.push_back(run_.capture->views[view].name);
  }

  void Show() {
    std::vector<std::string> names = {job_.name};
    if (job_.name.empty()) {
      names.clear();
      for (const SelectionStore::Entry& entry : store_.List()) names.push_back(entry.name);
    }
    const std::filesystem::path folder =
        job_.out.empty() ? run_.folder.masks_dir() : std::filesystem::path(job_.out);
    for (const std::string& name : names) {
      const Selection selection = store_.Load(name);
      MaskFiles files(run_, folder, name, selection.color);
      for (const NamedView& view : views_) {
        control_.ThrowIfStopped();
        const ImageU8 mask =
            MaskOf(selection, session_.Seen(view, control_.stop), view.camera.width, view.camera.height);
        const MaskFiles::Written written = files.Write(view, mask, {});
        result_.views.push_back({.thing = name,
                                 .name = view.name,
                                 .mask = written.mask,
                                 .overlay = written.overlay,
                                 .area = written.area,
                                 .hidden = written.area == 0});
      }
      result_.sheets.push_back(files.Finish());
    }
  }

  const SelectJobOptions& job_;
  const OpenedRun& run_;
  const JobControl& control_;
  const Stopwatch stopwatch_;
  ObjectSession session_;
  SelectionStore store_;
  WordFinder words_;
  std::vector<NamedView> views_;  // that are shown
  SelectJobResult result_;
};

void CheckOptions(const SelectJobOptions& job) {
  const bool asks = !job.click.empty() || !job.box.empty() || !job.paint.empty();
  if (!job.paint.empty() && !(job.click.empty() && job.box.empty()))
    throw InputError("--paint says what the thing is by itself: give it without --click and --box");
  if (!job.erase.empty() && job.view.empty())
    throw InputError("--view is missing: of which view is the mask of --erase?");
  const int by_words = !job.text.empty() + !job.class_name.empty() + !job.what_is.empty();
  if (by_words > 1 || (by_words > 0 && (asks || job.everything)))
    throw InputError("--text, --class, --what-is, --everything and clicks each say what to find: give one");
  if (!job.what_is.empty() && job.view.empty())
    throw InputError("--view is missing: of which view is the place of --what-is?");
  if (job.everything && (asks || !job.erase.empty() || job.granularity != "auto")) {
    throw InputError(
        "--everything finds all things without a prompt: give it without --click, --box, --paint, --erase "
        "and "
        "--granularity");
  }
  const bool changes = asks || !job.erase.empty() || job.granularity != "auto" || job.remove ||
                       !job.unite.empty() || !job.intersect.empty() || !job.subtract.empty() ||
                       job.grow != 0 || job.largest_part;
  if (changes && !job.everything && job.name.empty())
    throw InputError("--name is missing: what is the thing called? e.g. --name chair");
  if (!job.name.empty() && !IsSelectionName(job.name))
    throw InputError("--name {}: expected letters, digits, spaces, '_' and '-'", job.name);
  if (changes && (job.undo || job.redo))
    throw InputError("--undo and --redo are steps of their own: give them without other changes");
}

}  // namespace

SelectJobResult RunSelect(const SelectJobOptions& job, const MethodList& methods, const JobControl& control) {
  CheckOptions(job);
  const OpenedRun run = OpenRun(job.run, methods, job.source);
  const RunLock lock(run.folder);
  KeepCapturePlace(run.folder, job.source);
  return SelectJob(job, run, control).Run();
}

}  // namespace semfield
