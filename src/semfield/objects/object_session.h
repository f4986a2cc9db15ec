#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/interaction/click_session.h"
#include "semfield/objects/everything.h"
#include "semfield/objects/object_finder.h"
#include "semfield/objects/photo_embeddings.h"
#include "semfield/objects/selection.h"
#include "semfield/objects/surface_map.h"
#include "semfield/objects/view_answers.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/run/opened_run.h"

namespace semfield {

struct ObjectSessionOptions {
  std::string teacher = "sam";
  std::string onnxruntime;  // as DecoderOptions
};

// A run in which things are clicked: its surface, and who answers about its views.
class ObjectSession {
 public:
  // Makes the run's surface if it is not there yet, which may take a minute. The run must outlive it.
  ObjectSession(const OpenedRun& run, const ObjectSessionOptions& options, const JobControl& control);

  const SurfaceMap& map() const { return map_; }
  // Names the surface that selections of this run are numbered on.
  std::string SurfaceName() const;
  bool HasFeatures() const;

  struct Answer {
    FoundObject found;
    std::map<std::string, double> milliseconds;  // encode photos, find
  };
  // By imitated features (no features: InputError), or by the teacher on the photos, of which those that were
  // never asked about are encoded first. Clicks as Place says.
  Answer AskFeatures(const std::vector<SelectionClick>& clicks, const JobControl& control);
  Answer AskPhotos(const std::vector<SelectionClick>& clicks, const JobControl& control);

  // All things, by the teacher on the photos, every point in one of them at most.
  std::vector<FoundThing> FindAll(const EverythingOptions& options, const JobControl& control);

  // Where a click of any view lies on the surface, as a click of a view of the map: the same view, or the
  // training view that shows the point most centrally. Nothing there, or no training view sees it:
  // InputError.
  ObjectClick Place(const NamedView& view, const PromptPoint& point) const;
  // The same click as the selection keeps it.
  SelectionClick Kept(const ObjectClick& click) const;

  // Of a view of the capture, at its original size.
  const Camera& CameraOf(int view) const { return run_.capture->views[view].camera; }
  // A view's picture of the surface.
  SurfaceView Seen(const NamedView& view, const StopToken* stop) const;

 private:
  std::vector<ObjectClick> InMap(const std::vector<SelectionClick>& clicks) const;

  const OpenedRun& run_;
  const ObjectSessionOptions options_;
  SurfaceMap map_;
  std::unique_ptr<PromptDecoder> decoder_;
  PhotoEmbeddings embeddings_;
  std::optional<OpenedFeatures> features_;
  std::unique_ptr<ClickSession> session_;
};

}  // namespace semfield
