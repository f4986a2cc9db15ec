#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/stopwatch.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/field/class_field.h"
#include "semfield/field/class_renderer.h"
#include "semfield/field/feature_field.h"
#include "semfield/field/object_features.h"
#include "semfield/field/pyramid_field.h"
#include "semfield/field/radiance_field.h"
#include "semfield/field/view_fitter.h"
#include "semfield/methods/many_scenes.h"
#include "semfield/methods/scene_trainer.h"
#include "semfield/training/checkpoint.h"

namespace semfield {

// What a method is and can do.
struct MethodInfo {
  enum class TrainsOn { kNothing, kOneScene, kManyScenes, kManyObjects };
  std::string name;      // lower_case; config.json says which method made a run by it
  std::string sentence;  // what it does, for help
  TrainsOn trains_on = TrainsOn::kOneScene;
  std::string presets;          // its presets lie in configs/<presets>/
  bool needs_radiance = false;  // stands on a radiance field that another method trained
  std::string teacher_kind;     // of the model cards that it imitates; empty: it imitates none
  struct {
    bool rgb = false, depth = false, features = false, classes = false;
  } renders;
  struct {
    bool clicks = false, words = false, classes = false;
  } answers;
};

// A radiance field that a training stands on; it is read, never changed.
struct TrainedRadiance {
  const RadianceField& field;
  std::string checksum;             // names the checkpoint it was read from
  std::array<float, 3> background;  // RGB in [0, 1] behind the scene
};

// What a training on one scene is given. All must outlive it.
struct TrainingInputs {
  const Capture& capture;
  const ImageStore& store;                    // photos at the size to train on
  const TrainedRadiance* radiance = nullptr;  // for methods that need it
  std::string teacher;                        // model card, for methods that imitate one
  std::string onnxruntime;                    // path of its library; empty: searched
  std::filesystem::path cache;                // folder for what can be made again; empty: nothing is kept
  bool keep_cache = false;                    // after the end too
};

// What a training takes beside the photos, in bytes.
struct MemoryNeed {
  struct Part {
    std::string name;
    double bytes = 0;
  };
  std::vector<Part> parts;
  double total() const;
};

// The option that would make a training fit into memory.
struct FittingOption {
  std::string name;
  std::string value;
};

// A training of one scene before its first step: plans, memory, and the trainer itself.
class SceneTraining {
 public:
  virtual ~SceneTraining() = default;

  // Resolved: nothing is left to be decided but what PlanByMinutes decides.
  virtual const AnyOptions& options() const = 0;
  // Sets the options so that steps and all that goes with them take `minutes`, counted from when `started`
  // began; times some work for that. Returns what config.json keeps of it: an object with "minutes" and
  // "seconds", what the steps may take in all.
  virtual Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) = 0;
  // Keys of the run's section, beside its options, that Method::Open will need.
  virtual Json Section() const { return Json::object(); }
  // What training by the options takes; nothing when the job knows it before (Method::Memory).
  virtual MemoryNeed Memory() const { return {}; }
  virtual std::optional<FittingOption> OptionThatFits(double bytes) const { return std::nullopt; }
  // This object must outlive it.
  virtual std::unique_ptr<SceneTrainer> MakeTrainer() = 0;
};

// What a run holds of one method.
struct OpenInputs {
  const Json& section;                     // of config.json; its "options" have been checked to be there
  std::string where;                       // file and section, for errors
  const Checkpoint* checkpoint = nullptr;  // nullptr: of methods that are not trained on a scene
  Capture& capture;                        // views that the training moved are moved
  std::string encoder;                     // whose features, for methods that imitate a teacher
  const ImageStore* store = nullptr;       // photos, for methods that look at them when they render
  std::filesystem::path cache = {};        // folder for what models say of them
};

// What a method makes of it. Fields that it does not have are nullptr.
struct OpenedFields {
  std::unique_ptr<RadianceField> radiance;
  std::unique_ptr<FeatureField> features;
  std::unique_ptr<PyramidField> pyramid;  // in place of `features`, for teachers with several maps
  std::unique_ptr<ClassField> classes;    // or, of those that know classes by themselves
  std::unique_ptr<ClassRenderer> class_renderer;
  std::string checksum;                  // of methods that are not trained on a scene: names what is shown
  std::unique_ptr<ViewFitter> fitter;    // fits unseen photos to `radiance`, which must outlive it
  std::vector<ColorMap> exposure;        // [views] of training photos; empty: none were learned
  std::array<float, 3> background = {};  // RGB in [0, 1] behind the scene
  std::vector<Pose> training_poses;      // from where a teacher looked, if one did
  int step = 0;
  bool finished = false;
};

// How pictures of single objects are looked at by a method that was trained over many.
struct ObjectInputs {
  std::string weights;      // a file, a run of a training, or a name of models/; empty: the method's own
  std::string category;     // of the objects
  std::string features;     // which of the method's; empty: its own choice
  std::string onnxruntime;  // path of its library; empty: searched
  std::string name;         // ObjectFeatures::name; empty: the method's
};

// One way from photos to a field. Stateless; calls are thread-safe.
class Method {
 public:
  virtual ~Method() = default;
  virtual MethodInfo info() const = 0;
  // Its options at their defaults.
  virtual AnyOptions NewOptions() const = 0;

  // Before any photo is decoded: what training by `options` takes, and the same options one step smaller,
  // with the option that changed; nothing: they cannot be.
  virtual MemoryNeed Memory(const AnyOptions& options, const Capture& capture) const { return {}; }
  struct Smaller {
    AnyOptions options;
    FittingOption changed;
  };
  virtual std::optional<Smaller> MakeSmaller(const AnyOptions& options) const { return std::nullopt; }

  // What is left open in `options`, decided for a capture.
  virtual AnyOptions Resolve(const AnyOptions& options, const Capture& capture) const { return options; }
  // A training by resolved options. InputError where the method is not trained on one scene.
  virtual std::unique_ptr<SceneTraining> Prepare(const TrainingInputs& inputs,
                                                 const AnyOptions& options) const;
  // A training over many scenes or objects by options that are resolved, those over objects as they are
  // given; takes the scenes, which live as long as the training.
  // InputError where the method is not trained on many.
  virtual std::unique_ptr<SceneTraining> PrepareMany(ManyScenesInputs inputs,
                                                     const AnyOptions& options) const;
  // Features of single objects, each seen in one picture, by weights that were trained over many objects.
  // InputError where the method has none, and of a category that was never trained.
  virtual std::unique_ptr<ObjectFeatures> OpenObjects(const ObjectInputs& inputs) const;
  // The fields of a run; Error naming file and key where something does not fit.
  virtual OpenedFields Open(const OpenInputs& inputs) const = 0;
};

// The methods that a program knows. Whoever stands at the top makes one and hands it down.
class MethodList {
 public:
  // in_module: names of methods that the run-time module has (scenes_module.h); it is opened when one of them
  // is asked for, not before.
  explicit MethodList(std::vector<std::shared_ptr<const Method>> methods,
                      std::vector<std::string> in_module = {});

  std::vector<std::string> Names() const;
  // Unknown: InputError that lists the known ones, the nearest first. In a module that cannot be opened:
  // ResourceError that says what to do. Thread-safe.
  const Method& Find(const std::string& name) const;
  // The first that is trained on one scene and renders pictures or, with `on_radiance`, stands on such a one.
  const Method& Default(bool on_radiance) const;
  // The first that imitates cards of that kind; none: InputError that lists what kinds there are.
  const Method& ForTeacher(const std::string& kind) const;

 private:
  std::vector<std::shared_ptr<const Method>> methods_;
  std::vector<std::string> in_module_;
  mutable std::mutex module_mutex_;
  mutable std::vector<std::shared_ptr<const Method>> module_methods_;  // once it is open
};

}  // namespace semfield
