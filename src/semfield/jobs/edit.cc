#include "semfield/jobs/edit.h"

#include <fmt/format.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <filesystem>
#include <utility>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/edits/edited_scene.h"
#include "semfield/geometry/rays.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/extract.h"
#include "semfield/jobs/prompt_text.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/word_finder.h"
#include "semfield/run/named_view.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

using Kind = Edit::Kind;

constexpr char kTransfer[] = "transfer";

bool Places(const EditJobOptions& job) {
  return !job.move.empty() || !job.at.empty() || !job.click.empty() || job.turn != 0 || job.scale != 1;
}

// What is asked for beside where.
int NumChanges(const EditJobOptions& job) {
  return job.remove + !job.recolor.empty() + !job.retexture.empty() + !job.copy.empty() + !job.insert.empty();
}

void CheckOptions(const EditJobOptions& job) {
  const int steps = job.undo + job.redo + job.clear, changes = NumChanges(job);
  if (steps > 1 || (steps > 0 && (changes > 0 || Places(job))))
    throw InputError("--undo, --redo and --clear are steps of their own: give one, without other changes");
  if (changes > 1) {
    throw InputError(
        "--remove, --recolor, --retexture, --copy and --insert are edits of their own: give one at a time");
  }
  if (Places(job) && (job.remove || !job.recolor.empty() || !job.retexture.empty()))
    throw InputError(
        "--move, --at, --click, --turn and --scale are an edit of their own: give them alone, or "
        "with --copy or --insert");
  if (!job.move.empty() + !job.at.empty() + !job.click.empty() > 1)
    throw InputError("--move, --at and --click each say where the thing goes: give one");
  if (job.click.empty() != job.view.empty())
    throw InputError("--view and --click belong together: the click is in pixels of the view");
  if (!job.selection.empty() && job.insert.empty())
    throw InputError("--selection says what --insert takes of another run; --name says what is edited here");
  if ((changes > 0 || Places(job)) && job.name.empty())
    throw InputError("--name is missing: which thing is edited, or what is the new one called?");
  if (!job.name.empty() && !IsSelectionName(job.name))
    throw InputError("--name {}: expected letters, digits, spaces, '_' and '-'", job.name);
  if (!job.name.empty() && changes == 0 && !Places(job) && steps == 0) {
    throw InputError(
        "--name {}: what is to be done with it? --remove, --recolor, --retexture, --move, --turn, --scale, "
        "--copy or --insert",
        job.name);
  }
}

class EditJob {
 public:
  EditJob(const EditJobOptions& job, const OpenedRun& run, const MethodList& methods,
          const JobControl& control)
      : job_(job), run_(run), methods_(methods), control_(control), list_(EditListPath(run)) {
    result_.run = job.run;
  }

  EditJobResult Run() {
    if (job_.undo) {
      result_.done = "undone: " + list_.Undo();
    } else if (job_.redo) {
      result_.done = "done again: " + list_.Redo();
    } else if (job_.clear) {
      if (list_.Now().empty()) throw InputError("{}: there are no edits to clear", job_.run);
      list_.Add({.kind = Kind::kClear});
      result_.done = "all edits cleared";
    } else if (NumChanges(job_) > 0 || Places(job_)) {
      Change();
    }
    for (const Edit& edit : list_.Now()) result_.edits.push_back(edit.Text());
    result_.undone = list_.num_undone();
    return std::move(result_);
  }

 private:
  void Change() {
    Edit edit{.thing = job_.name, .up = UpOfCapture(*run_.capture, job_.up), .field = run_.radiance_checksum};
    edit.kind = KindAsked();
    CheckNames(edit.kind);
    if (edit.kind == Kind::kRecolor) edit.color = ParseColor("--recolor", job_.recolor);
    if (edit.kind == Kind::kRetexture) edit.tile = job_.tile;
    edit.from = edit.kind == Kind::kCopy ? job_.copy : edit.kind == Kind::kInsert ? InsertedFrom() : "";
    std::vector<Edit> edits = list_.Now();
    edits.push_back(edit);
    if (edit.kind != Kind::kInsert)
      ThingsOf(edits);  // what is wrong with names is said before anything is done
    try {
      TakeFile(&edit);
      edits.back() = edit;
      bool kept = false;
      EditedScene scene =
          OpenEditedScene(run_, FindOrMakeRunMesh(run_, nullptr, control_, &kept), edits, control_);
      if (Places(job_)) PlaceLast(&edit, &scene);
      list_.Add(edit);
      AddThings(scene);
    } catch (...) {
      if (!file_.empty()) {
        std::error_code ignored;
        std::filesystem::remove(EditFiles(run_) / file_, ignored);
      }
      throw;
    }
    result_.done = edit.Text();
  }

  Kind KindAsked() const {
    if (job_.remove) return Kind::kRemove;
    if (!job_.recolor.empty()) return Kind::kRecolor;
    if (!job_.retexture.empty()) return Kind::kRetexture;
    if (!job_.copy.empty()) return Kind::kCopy;
    return job_.insert.empty() ? Kind::kPlace : Kind::kInsert;
  }

  // What is made must not be called as a selection is, and what is changed must be there.
  void CheckNames(Kind kind) const {
    const SelectionStore store(run_.folder.selections_dir(), "");  // only asked what there is
    const std::vector<EditedThing> things = ThingsOf(list_.Now());
    const auto edited = [&](const std::string& name) {
      return std::any_of(things.begin(), things.end(),
                         [&](const EditedThing& thing) { return thing.name == name; });
    };
    const bool makes = kind == Kind::kCopy || kind == Kind::kInsert;
    if (makes && (store.Has(job_.name) || edited(job_.name)))
      throw InputError("a thing '{}' is there already: give another --name", job_.name);
    const std::string& needed = kind == Kind::kCopy ? job_.copy : job_.name;
    if (kind != Kind::kInsert && !edited(needed) && !store.Has(needed))
      store.Load(needed);  // says what there is
  }

  std::string InsertedFrom() const {
    return job_.selection.empty() ? job_.insert : fmt::format("{} of {}", job_.selection, job_.insert);
  }

  // A name of a file in edits/ that none has.
  std::string NewFile(const std::string& extension) const {
    for (int number = 1;; ++number) {
      const std::string stem = fmt::format("{:06d}", number);
      bool is_free = true;
      for (const char* used : {".glb", ".png", ".jpg"})
        is_free = is_free && !std::filesystem::exists(EditFiles(run_) / (stem + used));
      if (is_free) return stem + extension;
    }
  }

  // What an edit needs from outside becomes a file of the run, after it was looked at.
  void TakeFile(Edit* edit) {
    if (edit->kind == Kind::kRetexture) {
      const std::filesystem::path path = job_.retexture;
      ReadImage(path);
      edit->from = path.filename().string();
      const std::vector<std::byte> bytes = ReadFile(path);
      file_ = NewFile(SniffImageFormat(bytes) == "png" ? ".png" : ".jpg");
      WriteFileAtomically(EditFiles(run_) / file_, std::span<const std::byte>(bytes));
    } else if (edit->kind == Kind::kInsert) {
      file_ = NewFile(".glb");
      if (std::filesystem::is_directory(job_.insert)) {
        TakeFromRun();
      } else {
        if (!job_.selection.empty())
          throw InputError("--selection {}: {} is no run, and a file is put in as a whole", job_.selection,
                           job_.insert);
        ReadGlb(job_.insert);
        WriteFileAtomically(EditFiles(run_) / file_, std::span<const std::byte>(ReadFile(job_.insert)));
      }
    }
    edit->file = file_;
  }

  void TakeFromRun() {
    if (job_.selection.empty())
      throw InputError("--selection is missing: which thing of the run {} is put in?", job_.insert);
    if (std::filesystem::equivalent(job_.insert, run_.folder.path()))
      throw InputError("--insert {}: it is this very run; --copy NAME puts a thing of it beside itself",
                       job_.insert);
    ExtractJobOptions extract;
    extract.run = job_.insert;
    extract.selection = {job_.selection};
    extract.out = {(EditFiles(run_) / file_).string()};
    extract.at_origin = true;
    RunExtract(extract, methods_, control_);
  }

  // Where the last part goes, told by where its base is.
  void PlaceLast(Edit* edit, EditedScene* scene) const {
    const auto part = std::find_if(scene->parts.begin(), scene->parts.end(),
                                   [&](const EditedPart& p) { return p.name == edit->thing; });
    const Vec3 base = BaseInCapture(run_, *part, edit->up);
    edit->turn = job_.turn;
    edit->scale = job_.scale;
    if (!job_.move.empty()) edit->move = ParsePoint("--move", job_.move);
    if (!job_.at.empty()) edit->move = ParsePoint("--at", job_.at) - base;
    if (!job_.click.empty()) edit->move = Clicked(*scene) - base;
    const Mat4& capture_from_world = run_.capture->capture_from_world;
    part->place = capture_from_world.inverse() * PlacementOf(*edit, base) * capture_from_world * part->place;
  }

  // The point of the edited surface under the click, in the capture's units and axes.
  Vec3 Clicked(const EditedScene& scene) const {
    const NamedView view = FindNamedView(*run_.capture, job_.view);
    const Prompt prompt = ParsePrompt({job_.click}, {}, view.camera);
    const Mesh rest = RestOf(scene, /*keep_standing=*/true);
    const MeshRays rays(rest);
    const PromptPoint& point = prompt.points.front();
    const Ray ray = MakeRay(view.camera, view.world_from_camera, {point.x, point.y});
    const Vec3f origin(ray.origin[0], ray.origin[1], ray.origin[2]),
        direction(ray.direction[0], ray.direction[1], ray.direction[2]);
    const auto hit = rays.Cast(origin, direction);
    if (!hit) {
      throw InputError(
          "--click {}: there is no surface under it in view {}: click where the thing is to stand",
          job_.click, job_.view);
    }
    const Vec3 world = (origin + hit->distance * direction).cast<double>();
    return (run_.capture->capture_from_world * world.homogeneous()).head<3>();
  }

  void AddThings(const EditedScene& scene) {
    const Vec3 up = UpOfCapture(*run_.capture, job_.up);
    for (const EditedPart& part : scene.parts) {
      EditJobResult::Thing thing{.name = part.name, .is_there = part.is_there};
      Mesh all;
      for (const MeshNode& node : part.nodes) {
        thing.faces += node.mesh.num_faces();
        all.vertices.insert(all.vertices.end(), node.mesh.vertices.begin(), node.mesh.vertices.end());
      }
      thing.base = BaseInCapture(run_, part, up);
      thing.size = BoundsOf(Transformed(all, run_.capture->capture_from_world * part.place)).Extent();
      result_.things.push_back(std::move(thing));
    }
  }

  const EditJobOptions& job_;
  const OpenedRun& run_;
  const MethodList& methods_;
  const JobControl& control_;
  EditList list_;
  std::string file_;  // in edits/, written for the edit that is being made
  EditJobResult result_;
};

}  // namespace

void EditJobOptions::Describe(OptionList& list) {
  list.Group("Thing");
  list.Text("run", &run,
            "Run folder. Alone: tells its edits. Or `transfer`: colours and parts of one picture's object "
            "are carried "
            "to another's.");
  source.Describe(list);
  list.Text("name", &name, "Which selection or thing is edited, or what a new one is called.");
  list.Group("Edit");
  list.Flag("remove", &remove, "Takes the thing out of the scene.");
  list.Text("recolor", &recolor,
            "red,green,blue that the thing has from now on, 0 to 255; its shading stays.",
            {.metavar = "R,G,B"});
  list.Text("retexture", &retexture, "Picture (JPEG or PNG) that is laid on the thing; its shading stays.",
            {.metavar = "FILE"});
  list.Real(
      "tile", &tile,
      "Width of the picture on the thing, in the capture's units, after which it repeats; 0: the thing's "
      "longest side.",
      {.min = 0, .max = 1e6});
  list.Text("copy", &copy, "Another of this thing, called --name.", {.metavar = "NAME"});
  list.Text("insert", &insert, "Puts a GLB into the scene, or a --selection of another run, called --name.",
            {.metavar = "FILE|RUN"});
  list.Text("selection", &selection, "Which thing of the other run.");
  list.Group("Place");
  list.Text("move", &move, "x,y,z by which the thing is moved, in the capture's units and axes.",
            {.metavar = "X,Y,Z"});
  list.Text("at", &at, "x,y,z that the middle of its base comes to.", {.metavar = "X,Y,Z"});
  list.Text("view", &view, "View of --click.");
  list.Text("click", &click,
            "x,y in pixels of the view's original image: its base comes to what is seen there.",
            {.metavar = "x,y"});
  list.Real("turn", &turn, "Degrees about the middle of its base, counter-clockwise as seen from above.",
            {.min = -360, .max = 360});
  list.Real("scale", &scale, "How many times as large it becomes.", {.min = 1e-3, .max = 1e3});
  list.Text("up", &up, "What is up in the capture's axes; auto: by the cameras.",
            {.choices = {"auto", "x", "y", "z", "-x", "-y", "-z"}});
  list.Group("Steps");
  list.Flag("undo", &undo, "Takes back the last edit.");
  list.Flag("redo", &redo, "Does again what was taken back.");
  list.Flag("clear", &clear, "Takes back all edits at once, which is a step of its own.");
  transfer.Describe(list);
  list.Text("onnxruntime", &onnxruntime, "ONNX Runtime library; empty: searched.");
}

std::vector<std::string> EditJobResult::Text() const {
  if (transfer) return transfer->Text();
  std::vector<std::string> text;
  if (!done.empty()) text.push_back(done);
  for (size_t i = 0; i < edits.size(); ++i) text.push_back(fmt::format("{}. {}", i + 1, edits[i]));
  if (edits.empty()) text.push_back("no edits");
  if (undone > 0) text.push_back(fmt::format("{} undone (--redo)", undone));
  for (const Thing& thing : things) {
    if (!thing.is_there) continue;
    text.push_back(fmt::format("{}: {:.3f} x {:.3f} x {:.3f} units, base at {:.3f}, {:.3f}, {:.3f}",
                               thing.name, thing.size.x(), thing.size.y(), thing.size.z(), thing.base.x(),
                               thing.base.y(), thing.base.z()));
  }
  if (!done.empty()) text.push_back(fmt::format("see it: semfield render {} --edited", run));
  return text;
}

Json EditJobResult::ToJson() const {
  if (transfer) return transfer->ToJson();
  Json json = {
      {"run", run},        {"done", done}, {"edits", edits}, {"undone", undone}, {"things", Json::array()},
      {"seconds", seconds}};
  const auto vector = [](const Vec3& v) { return Json({v.x(), v.y(), v.z()}); };
  for (const Thing& thing : things) {
    json["things"].push_back({{"name", thing.name},
                              {"is_there", thing.is_there},
                              {"faces", thing.faces},
                              {"base", vector(thing.base)},
                              {"size", vector(thing.size)}});
  }
  return json;
}

EditJobResult RunEdit(const EditJobOptions& job, const MethodList& methods, const JobControl& control) {
  if (job.run == kTransfer) {
    EditJobResult result;
    result.transfer = RunTransfer(job.transfer, methods, job.onnxruntime, control);
    return result;
  }
  if (!job.transfer.pictures.empty())
    throw InputError("{}: pictures belong to `edit transfer SOURCE TARGET`", job.transfer.pictures.front());
  CheckOptions(job);
  const Stopwatch stopwatch;
  const OpenedRun run = OpenRun(job.run, methods, job.source);
  const RunLock lock(run.folder);
  EditJobResult result = EditJob(job, run, methods, control).Run();
  result.seconds = stopwatch.Seconds();
  return result;
}

}  // namespace semfield
