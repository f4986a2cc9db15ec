#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/interaction/click_session.h"
#include "semfield/objects/everything.h"
#include "semfield/objects/object_finder.h"
#include "semfield/objects/photo_embeddings.h"
#include "semfield/objects/selection.h"
#include "semfield/objects/view_answers.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/surface_map.h"

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
  // Where a view's brush goes: the same view of the map, whose depth may be smaller than its image. A view
  // that was not trained on: InputError.
  int PaintedView(const NamedView& view) const;
  // Names the surface that selections of this run are numbered on.
  std::string SurfaceName() const;
  bool HasFeatures() const;

  // Who answers about views: imitated features at once, also of what nobody photographed, or the teacher on
  // the photos, of which those that were never asked about are encoded first.
  enum class Answerer { kFeatures, kPhotos };

  struct Answer {
    FoundObject found;
    std::map<std::string, double> milliseconds;  // encode photos, find
  };
  // A thing from a selection's clicks and box, in its nesting. before: what it was found as with all but the
  // last click, which mends it; nullptr: it is new. Clicks as Place says. No features: InputError.
  Answer Find(Answerer who, const Selection& selection, const FoundObject* before, const JobControl& control);
  // The thing of which a view of the map shows the painted part, at the size of that view's depth.
  Answer FindPainted(Answerer who, int view, const ImageU8& painted, const JobControl& control);

  // Encodes the photos that the teacher was never asked about, those first that together show most, until
  // about so many seconds are over (0: all of them); what is there stays when it is stopped. Returns how many
  // it encoded.
  int EncodePhotos(double seconds, const JobControl& control);
  int NumMissingPhotos() const;

  // For those who ask by themselves; they live as long as the session. Embedding: of any photo of the
  // capture.
  ViewAnswers& Answers(Answerer who);
  FeatureMap Embedding(int view, const StopToken* stop) { return embeddings_.Get(view, stop); }
  PromptDecoder& decoder() { return *decoder_; }
  ClickSession& Clicks();  // over imitated features; none: InputError

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
  ObjectPrompt InMap(const Selection& selection) const;
  // Where a pixel of the original image lies in the map's view of it, and which that is.
  std::pair<int, Vec2> InMap(int view, const Vec2& pixel) const;

  const OpenedRun& run_;
  const ObjectSessionOptions options_;
  SurfaceMap map_;
  std::unique_ptr<PromptDecoder> decoder_;
  PhotoEmbeddings embeddings_;
  PhotoAnswers photos_;
  std::optional<OpenedFeatures> features_;
  std::unique_ptr<ClickSession> session_;
  std::unique_ptr<ImitatedAnswers> imitated_;
};

}  // namespace semfield
