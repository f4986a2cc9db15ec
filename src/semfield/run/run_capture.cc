#include "semfield/run/run_capture.h"

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/text.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/view_files.h"
#include "semfield/run/train_section.h"
#include "semfield/run/view_list.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRelativeKey = "capture_relative";

bool IsThere(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code) && !code;
}

bool HasViewList(const RunFolder& folder) {
  return IsFile(folder.view_list());
}

Capture ReadList(const RunFolder& folder) {
  const fs::path file = folder.view_list();
  return CaptureOfViewList(ReadJsonFile(file), file.string());
}

// What a capture that the user named must have of the run.
void CheckIsTheRuns(const ViewListChanges& changes, const Capture& kept) {
  const size_t count = kept.views.size();
  if (2 * changes.lost.size() > count) {
    throw InputError(
        "{}: has {} of the run's {} photos, and not {}; it is another capture. Name the one that the run was "
        "trained on",
        kept.path.string(), count - changes.lost.size(), count, SomeNames(changes.lost));
  }
  if (2 * changes.moved.size() > count) {
    throw InputError(
        "{}: {} of the run's {} views have other poses or cameras there ({}); it is another capture. Name "
        "the "
        "one that the run was trained on",
        kept.path.string(), changes.moved.size(), count, SomeNames(changes.moved));
  }
}

void WarnAboutChanges(const RunFolder& folder, const ViewListChanges& changes, const Capture& kept) {
  const std::string run = folder.path().string(), path = kept.path.string();
  if (!changes.lost.empty()) {
    LogWarning(
        "{}: {} of {} photos are gone from {} ({}); they are not scored, and masks are shown over "
        "renderings",
        run, changes.lost.size(), kept.views.size(), path, SomeNames(changes.lost));
  }
  if (!changes.gained.empty()) {
    LogWarning("{}: {} photos of {} are no part of this run ({}); train again to use them", run,
               changes.gained.size(), path, SomeNames(changes.gained));
  }
  if (!changes.moved.empty()) {
    LogWarning(
        "{}: {} changed since this run was trained: {} views have other poses or cameras now ({}); "
        "the run keeps those it was trained with",
        run, path, changes.moved.size(), SomeNames(changes.moved));
  }
}

}  // namespace

void RunSource::Describe(OptionList& list) {
  list.Text("capture", &capture,
            "Where the run's capture is now; empty: where it was. Verbs that write into the run keep it.");
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
}

fs::path CapturePlace(const RunFolder& folder, const Json& section) {
  const Json relative = section.contains(kRelativeKey) ? section[kRelativeKey] : Json();
  if (relative.is_string() && !relative.get<std::string>().empty()) {
    const fs::path place = (folder.path() / relative.get<std::string>()).lexically_normal();
    if (IsThere(place)) return place;
  }
  return section.at("capture").get<std::string>();
}

void CheckCapturePath(const fs::path& capture) {
  const std::string absolute = fs::absolute(capture).lexically_normal().string();
  if (IsUtf8(absolute)) return;
  throw InputError(
      "{}: the path of the capture is not UTF-8, so a run cannot remember it. Rename its folder.",
      PrintableText(absolute));
}

void SetCapturePlace(const RunFolder& folder, const fs::path& capture, Json* section) {
  CheckCapturePath(capture);
  const fs::path absolute = fs::absolute(capture).lexically_normal();
  (*section)["capture"] = absolute.string();
  // Links on the way would make ".." mean another folder.
  std::error_code code;
  const fs::path run = fs::canonical(folder.path(), code), real = fs::weakly_canonical(absolute, code);
  const std::string relative = code ? "" : real.lexically_relative(run).generic_string();
  if (!relative.empty() && IsUtf8(relative)) {
    (*section)[kRelativeKey] = relative;  // in its place, so that the same training leaves the same file
  } else {
    section->erase(kRelativeKey);
  }
}

void KeepCapturePlace(const RunFolder& folder, const RunSource& source) {
  if (source.capture.empty()) return;
  const Json before = folder.ReadConfigSection("train");
  Json section = before;
  SetCapturePlace(folder, source.capture, &section);
  if (section != before) folder.WriteConfigSection("train", section);
}

Capture ReadRunCapture(const RunFolder& folder, const Json& section, const RunSource& source) {
  const bool named = !source.capture.empty();
  const fs::path place = named ? fs::path(source.capture) : CapturePlace(folder, section);
  const bool has_list = HasViewList(folder);
  if (!named && has_list && !IsThere(place)) {
    Capture capture = ReadList(folder);
    capture.path = place;
    capture.format = section.at("format").get<std::string>();
    capture.hash = section.at("capture_hash").get<std::string>();
    LogWarning(
        "{}: its capture is not at {} any more; what needs no photos works. Say with --capture where it "
        "is now",
        folder.path().string(), place.string());
    return capture;
  }
  Capture read = ReadCapture(place, {.format = section.at("format").get<std::string>(),
                                     .allow_outside = source.allow_outside,
                                     .warnings = WarningLog::kNothing});
  if (!has_list) ApplyMasks(StoredMasks(section), &read);
  if (!has_list && read.hash != section.at("capture_hash").get<std::string>()) {
    LogWarning("{}: the capture {} changed since this run was trained; poses may not fit the field",
               folder.path().string(), read.path.string());
  }
  if (!has_list) return read;
  Capture kept = ReadList(folder);
  const ViewListChanges changes = TakeFiles(std::move(read), &kept);
  if (named) CheckIsTheRuns(changes, kept);
  WarnAboutChanges(folder, changes, kept);
  return kept;
}

Capture KeptCapture(const RunFolder& folder, Capture&& read, bool named) {
  if (!HasViewList(folder)) return std::move(read);
  Capture kept = ReadList(folder);
  const ViewListChanges changes = TakeFiles(std::move(read), &kept);
  if (named) CheckIsTheRuns(changes, kept);
  const std::vector<int> there = WithPhotos(kept, kept.train);
  if (there.size() < kept.train.size()) {
    throw InputError(
        "{}: {} of the {} photos that this training uses are gone from {} ({}). Put them back, or train anew "
        "with --restart",
        folder.path().string(), kept.train.size() - there.size(), kept.train.size(), kept.path.string(),
        SomeNames(changes.lost));
  }
  WarnAboutChanges(folder, changes, kept);
  return kept;
}

std::vector<int> WithPhotos(const Capture& capture, const std::vector<int>& views) {
  std::vector<int> there;
  std::copy_if(views.begin(), views.end(), std::back_inserter(there),
               [&](int view) { return !capture.views[view].image.empty(); });
  return there;
}

}  // namespace semfield
