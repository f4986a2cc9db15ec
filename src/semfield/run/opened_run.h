#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/methods/method.h"
#include "semfield/run/named_view.h"
#include "semfield/run/run_capture.h"
#include "semfield/run/train_section.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/run_folder.h"

namespace semfield {

// A run folder with its capture and what was trained so far, as most jobs need it. Reading only.
struct OpenedRun {
  RunFolder folder;
  const MethodList& methods;          // must outlive it
  Json train_config;                  // section "train" of config.json
  std::unique_ptr<Capture> capture;   // training views at the poses the training refined, if it did
  std::vector<Pose> given_poses;      // [views] from which it refined them
  std::unique_ptr<ImageStore> store;  // at the size the run was trained on
  std::unique_ptr<RadianceField> field;
  std::unique_ptr<ClassRenderer> class_renderer;  // nullptr: the method renders none itself
  std::unique_ptr<ViewFitter> fitter;             // nullptr: the method fits no photos
  std::vector<ColorMap> exposure;                 // [views] of training photos; empty: none were learned
  std::string radiance_checksum;                  // names the checkpoint the field was read from
  std::array<float, 3> background = {};           // RGB in [0, 1], what renderings show behind the scene

  const RadianceField& Field() const { return *field; }
};

// Opens a run that has a radiance checkpoint, with the method that its config.json names. No run, no
// checkpoint, an unknown method, a capture that cannot be read: Error. A capture that changed since, or is
// not there any more, is a warning (ReadRunCapture). A writer may be at work in the run: what is read is one
// whole checkpoint and the options it was made with.
OpenedRun OpenRun(const std::filesystem::path& run, const MethodList& methods, const RunSource& source = {});

// Key of a run's section that names its method, and the method of a section; runs of before there were
// several lack the key and are of the list's default.
inline constexpr const char* kMethodKey = "method";
const Method& MethodOfSection(const Json& section, const MethodList& methods, bool on_radiance);

// What a run calls the features of a teacher: by the teacher's name and, where they were not made by the
// first method for teachers of its kind, by the method's, TEACHER.METHOD.
std::string FeaturesName(const std::string& teacher, const std::string& method);

// A feature field of a run; it has one of the fields.
struct OpenedFeatures {
  Json config;                          // section "imitate-<FeaturesName>"
  std::unique_ptr<FeatureField> field;  // or, of a teacher with several maps,
  std::unique_ptr<PyramidField> pyramid;
  std::unique_ptr<ClassField> classes;  // or, of methods that need no decoder
  std::vector<Pose> training_poses;     // from where the teacher looked
  std::string checksum;                 // names the checkpoint the field was read from
  int step = 0;                         // how far the imitation is
  bool finished = false;                // never for first features, whatever their step
};
// Key of a section "imitate-<teacher>" that tells first features (ImitateJobOptions::first): the checksum of
// the radiance checkpoint they were imitated on.
inline constexpr const char* kFirstFeaturesKey = "first_features_of";
bool IsOfFirstFeatures(const Json& section);
// Metadata of a feature checkpoint: the checksum of the radiance checkpoint it was imitated on.
inline constexpr const char* kRadianceKey = "radiance";
bool OfAnotherField(const Checkpoint& features, const OpenedRun& run);
// With a field that answers clicks. Error that says how to make features where there are none.
OpenedFeatures OpenFeatures(const OpenedRun& run, const std::string& teacher);
// With a pyramid, whose teacher answers words. Errors likewise.
OpenedFeatures OpenPyramid(const OpenedRun& run, const std::string& teacher);
// With a field that gives classes by itself, made by `method`. Errors likewise.
OpenedFeatures OpenClassField(const OpenedRun& run, const std::string& teacher, const std::string& method);
// Teachers that the run has a pyramid of, by their names.
std::vector<std::string> PyramidTeachers(const OpenedRun& run);
bool HasFeatures(const OpenedRun& run, const std::string& features_name);

}  // namespace semfield
