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
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

constexpr std::array<std::array<uint8_t, 3>, 8> kColors = {{{230, 40, 60},
                                                            {40, 120, 230},
                                                            {250, 170, 20},
                                                            {40, 170, 90},
                                                            {150, 80, 210},
                                                            {20, 180, 190},
                                                            {230, 90, 170},
                                                            {150, 120, 60}}};

bool IsPlain(const std::string& name) {
  constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ";
  return !name.empty() && name.size() <= 100 && name.find_first_not_of(kPlain) == std::string::npos;
}

std::array<uint8_t, 3> ParseColor(const std::string& text) {
  std::array<int, 3> color{};
  char rest = 0;
  if (std::sscanf(text.c_str(), "%d,%d,%d%c", &color[0], &color[1], &color[2], &rest) != 3 ||
      std::any_of(color.begin(), color.end(), [](int v) { return v < 0 || v > 255; })) {
    throw InputError("--color {}: expected red,green,blue, each from 0 to 255", text);
  }
  return {static_cast<uint8_t>(color[0]), static_cast<uint8_t>(color[1]), static_cast<uint8_t>(color[2])};
}

class SelectJob {
 public:
  SelectJob(const SelectJobOptions& job, const OpenedRun& run, const JobControl& control)
      : job_(job),
        run_(run),
        control_(control),
        session_(run, {.teacher = job.teacher, .onnxruntime = job.onnxruntime}, control),
        store_(run.folder.selections_dir(), session_.SurfaceName()) {
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
    if (job_.everything) Everything();
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
    return {
        .name = job_.name,
        .color = job_.color.empty() ? kColors[store_.List().size() % kColors.size()] : ParseColor(job_.color),
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

  // All things, numbered; every point of the surface has one name.
  void Everything() {
    const std::string prefix = job_.name.empty() ? "thing" : job_.name;
    const std::vector<FoundThing> things = session_.FindAll({.views = job_.everything_views}, control_);
    int number = 0;
    for (const FoundThing& thing : things) {
      std::string name;
      do {
        name = fmt::format("{} {}", prefix, ++number);
      } while (store_.Has(name));
      store_.Put(name + " found", {.name = name,
                                   .color = kColors[(number - 1) % kColors.size()],
                                   .clicks = {},
                                   .box = {},
                                   .answered_by = "photos",
                                   .weight = thing.weight,
                                   .looked = thing.looked});
    }
    result_.done = fmt::format("{} things found in {:.0f} s", things.size(), stopwatch_.Seconds());
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
                              .clicks = static_cast<int>(selection.clicks.size())});
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
      result_.sheets.push_back(files.WriteSheet());
    }
  }

  const SelectJobOptions& job_;
  const OpenedRun& run_;
  const JobControl& control_;
  const Stopwatch stopwatch_;
  ObjectSession session_;
  SelectionStore store_;
  std::vector<NamedView> views_;  // that are shown
  SelectJobResult result_;
};

void CheckOptions(const SelectJobOptions& job) {
  const bool asks = !job.click.empty() || !job.box.empty() || !job.paint.empty();
  if (!job.paint.empty() && !(job.click.empty() && job.box.empty()))
    throw InputError("--paint says what the thing is by itself: give it without --click and --box");
  if (!job.erase.empty() && job.view.empty())
    throw InputError("--view is missing: of which view is the mask of --erase?");
  const bool changes = asks || !job.erase.empty() || job.granularity != "auto" || job.remove ||
                       !job.unite.empty() || !job.intersect.empty() || !job.subtract.empty() ||
                       job.grow != 0 || job.largest_part;
  if (changes && !job.everything && job.name.empty())
    throw InputError("--name is missing: what is the thing called? e.g. --name chair");
  if (!job.name.empty() && !IsPlain(job.name))
    throw InputError("--name {}: expected letters, digits, spaces, '_' and '-'", job.name);
  if (changes && (job.undo || job.redo))
    throw InputError("--undo and --redo are steps of their own: give them without other changes");
}

}  // namespace

void SelectJobOptions::Describe(OptionList& list) {
  list.Group("Thing");
  list.Text("run", &run, "Run folder.");
  list.Text("name", &name, "What the thing is called.");
  list.Text("view", &view,
            "Where the prompt is: a view's name, its index, test:3, or a pose file with a camera.");
  list.TextList(
      "click", &click,
      "x,y on the thing, or x,y,- beside it, in pixels of the view's original image; may be repeated.",
      {.metavar = "x,y[,-]"});
  list.TextList("box", &box, "x0,y0,x1,y1 around the thing, in the same pixels; clicks may go with it.",
                {.metavar = "x0,y0,x1,y1"});
  list.Text("paint", &paint,
            "Picture of the view's size that is white where the thing is; with --more what is added to it.");
  list.Text("erase", &erase, "Picture of the view's size that is white where the selection is wrong.");
  list.Flag("more", &more, "The clicks or the paint belong to a selection that is there.");
  list.Text("granularity", &granularity,
            "How much of what was clicked: a part of the object, the object, or a group with it. Alone, the "
            "selection's clicks are answered anew; auto: as before, at first the object.",
            {.choices = {"auto", "part", "object", "group"}});
  list.Flag(
      "refine", &refine,
      "Let the teacher look at the photos after the imitated features have answered; each photo that it "
      "was never asked about takes a second.");
  list.Text("color", &color, "red,green,blue of the thing in pictures, 0 to 255; empty: the next of a list.");
  list.Flag("everything", &everything,
            "All things, without a click: numbered after --name, every point of the surface in one of them.");
  list.Int("everything-views", &everything_views,
           "Views that --everything looks at; more find more, and take longer.", {.min = 1, .max = 1000});
  list.Group("Changes");
  list.TextList("unite", &unite, "Adds what these selections have.", {.metavar = "NAME"});
  list.TextList("intersect", &intersect, "Keeps what these selections have too.", {.metavar = "NAME"});
  list.TextList("subtract", &subtract, "Takes away what these selections have.", {.metavar = "NAME"});
  list.Int("grow", &grow, "Adds so many layers of surface cells at its border; negative takes away.",
           {.min = -100, .max = 100});
  list.Flag("largest-part", &largest_part, "Keeps the part that hangs together and is largest.");
  list.Flag("remove", &remove, "Removes the selection.");
  list.Flag("undo", &undo, "Takes back the last step.");
  list.Flag("redo", &redo, "Does again what was taken back.");
  list.Group("Answer");
  list.Text("views", &views, "Masks of these views: all, train, test, or names separated by commas.");
  list.Text("out", &out, "Folder for the masks; empty: masks/ in the run.");
  list.Group("Teacher");
  list.Text("teacher", &teacher, "Whose features and decoder.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
}

std::vector<std::string> SelectJobResult::Text() const {
  std::vector<std::string> text;
  for (const Stage& stage : stages) {
    text.push_back(
        fmt::format("{} after {:.1f} s: {} cells, the views agree to {:.2f}, {} decoder calls",
                    stage.answered_by == "photos" ? "the teacher on the photos" : "imitated features",
                    stage.seconds, stage.cells, stage.agreement, stage.decoder_calls));
  }
  if (!done.empty()) text.push_back(done);
  for (const Thing& thing : things) {
    text.push_back(fmt::format("{}: {:.3f} x {:.3f} x {:.3f} around {:.3f}, {:.3f}, {:.3f}", thing.name,
                               thing.size.x(), thing.size.y(), thing.size.z(), thing.center.x(),
                               thing.center.y(), thing.center.z()));
  }
  if (things.empty()) text.push_back("no selections");
  for (const View& view : views)
    text.push_back(
        fmt::format("{} in {}: {}{}", view.thing, view.name, view.mask, view.hidden ? "  hidden" : ""));
  for (const std::string& sheet : sheets) text.push_back("all in one picture: " + sheet);
  return text;
}

Json SelectJobResult::ToJson() const {
  Json json = {{"run", run},
               {"done", done},
               {"things", Json::array()},
               {"stages", Json::array()},
               {"views", Json::array()}};
  const auto vector = [](const Vec3& v) { return Json({v.x(), v.y(), v.z()}); };
  for (const Thing& thing : things) {
    json["things"].push_back({{"name", thing.name},
                              {"color", thing.color},
                              {"answered_by", thing.answered_by},
                              {"granularity", thing.granularity},
                              {"cells", thing.cells},
                              {"center", vector(thing.center)},
                              {"size", vector(thing.size)},
                              {"clicks", thing.clicks}});
  }
  for (const Stage& stage : stages) {
    json["stages"].push_back({{"answered_by", stage.answered_by},
                              {"seconds", stage.seconds},
                              {"agreement", stage.agreement},
                              {"decoder_calls", stage.decoder_calls},
                              {"cells", stage.cells},
                              {"granularity", stage.granularity},
                              {"milliseconds", Json(stage.milliseconds)}});
  }
  for (const View& view : views) {
    json["views"].push_back({{"thing", view.thing},
                             {"view", view.name},
                             {"mask", view.mask},
                             {"overlay", view.overlay},
                             {"area", view.area},
                             {"hidden", view.hidden}});
  }
  return json;
}

SelectJobResult RunSelect(const SelectJobOptions& job, const MethodList& methods, const JobControl& control) {
  CheckOptions(job);
  const OpenedRun run = OpenRun(job.run, methods);
  const RunLock lock(run.folder);
  return SelectJob(job, run, control).Run();
}

}  // namespace semfield
