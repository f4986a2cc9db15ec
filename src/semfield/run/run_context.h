#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/views/view_exposure.h"
#include "semfield/run/named_view.h"
#include "semfield/run/train_section.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/run_folder.h"

namespace semfield {

// A run folder with its capture and what was trained so far, as most jobs need it. Reading only.
struct RunContext {
  RunFolder folder;
  Json train_config;                  // section "train" of config.json
  std::unique_ptr<Capture> capture;   // training views at the poses the training refined, if it did
  std::unique_ptr<ImageStore> store;  // at the size the run was trained on
  std::unique_ptr<HashRadianceField> field;
  ViewExposure exposure;          // of every training photo, if they were learned (train --exposure)
  std::string radiance_checksum;  // names the checkpoint the field was read from
  float background[3];            // what renderings show behind the scene

  const HashRadianceField& Field() const { return *field; }
};

// Opens a run that has a radiance checkpoint. No run, no checkpoint, a capture that moved or changed: Error.
// A writer may be at work in the run: what is read is one whole checkpoint and the options it was made with.
RunContext OpenRun(const std::filesystem::path& run);

// The feature field of a run; Error that says how to make one when there is none.
struct FeatureRun {
  Json config;  // section "imitate-<teacher>"
  std::unique_ptr<FeatureModel> model;
  std::string checksum;   // names the checkpoint the model was read from
  int step = 0;           // how far the imitation is
  bool finished = false;  // never for first features, whatever their step
};
// Key of a section "imitate-<teacher>" that tells first features (ImitateJobOptions::first): the checksum of
// the radiance checkpoint they were imitated on.
inline constexpr const char* kFirstFeaturesKey = "first_features_of";
bool IsOfFirstFeatures(const Json& section);
// Metadata of a feature checkpoint: the checksum of the radiance checkpoint it was imitated on.
inline constexpr const char* kRadianceKey = "radiance";
bool OfAnotherField(const Checkpoint& features, const RunContext& run);
FeatureRun OpenFeatures(const RunContext& run, const std::string& teacher);
bool HasFeatures(const RunContext& run, const std::string& teacher);

// The colour behind the scene for a resolved background option (random: black).
void BackgroundColor(const std::string& background, float rgb[3]);

}  // namespace semfield
