#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/capture/capture.h"
#include "semfield/training/run_folder.h"

namespace semfield {

// Where a run's capture is, for every verb that opens a run.
struct RunSource {
  std::string capture = {};    // folder or pose file; empty: where the run says
  bool allow_outside = false;  // may it name files outside its folder? Never taken from the run itself
  void Describe(OptionList& list);
};

// The capture that a training stood on, as the run's view list has it, with the files of the capture as it is
// now. From the first that is there: `source`, the run's relative path, its absolute one. If none is, the
// views have no files, which a warning says; a run without a view list, as older programs made them, needs
// its capture. Photos that were lost or added, and poses that changed, are named in warnings. A named capture
// that is another one (most views missing, or other poses): InputError.
Capture ReadRunCapture(const RunFolder& folder, const Json& section, const RunSource& source);

// The same for a training that goes on, with `read` as it was read: a training view that is gone is an error.
// Without a view list: `read`.
Capture KeptCapture(const RunFolder& folder, Capture&& read, bool named);

// The folder or file that the section's capture is in now; the absolute path if nothing is there.
std::filesystem::path CapturePlace(const RunFolder& folder, const Json& section);

// A run's config.json is UTF-8: InputError for a path that is not.
void CheckCapturePath(const std::filesystem::path& capture);

// Notes in the section where a capture is: absolute, and relative to the run so that both may move together.
// As CheckCapturePath.
void SetCapturePlace(const RunFolder& folder, const std::filesystem::path& capture, Json* section);

// Keeps a place that the user named, for the next call. Only the holder of the RunLock.
void KeepCapturePlace(const RunFolder& folder, const RunSource& source);

// Views of the list whose photo is there.
std::vector<int> WithPhotos(const Capture& capture, const std::vector<int>& views);

}  // namespace semfield
