#include "docs_pages.h"
#include "semfield/jobs/ablate.h"
#include "semfield/jobs/check.h"
#include "semfield/jobs/convert.h"
#include "semfield/jobs/edit.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/extract.h"
#include "semfield/jobs/imitate.h"
#include "semfield/jobs/info.h"
#include "semfield/jobs/mesh.h"
#include "semfield/jobs/models.h"
#include "semfield/jobs/poses.h"
#include "semfield/jobs/render.h"
#include "semfield/jobs/report.h"
#include "semfield/jobs/scene.h"
#include "semfield/jobs/segment.h"
#include "semfield/jobs/select.h"
#include "semfield/jobs/synth.h"
#include "semfield/jobs/train.h"
#include "verb.h"

namespace semfield::cli {

// A verb is one line: its name, what it does, its arguments without a name, and the job.
const std::vector<Verb>& Verbs() {
  static const std::vector<Verb> verbs = {
      MakeVerb<InfoJobOptions>("info", "Tells what a capture holds, or how far a run is and what to do next.",
                               {"CAPTURE"}, &RunInfo),
      MakeVerb<CheckJobOptions>(
          "check",
          "Compares a capture's photos, poses, cameras and masks; exits with 1 if something is wrong.",
          {"CAPTURE"}, &RunCheck),
      MakeVerb<PosesJobOptions>(
          "poses", "Recovers the poses of plain photos or of a video, with COLMAP, into a new capture.",
          {"PHOTOS"}, &RunPoses),
      MakeVerb<ConvertJobOptions>(
          "convert", "Writes a capture in another format, with the same cameras, units and axes.",
          {"CAPTURE", "OUT"}, &RunConvert),
      MakeVerb<SynthJobOptions>("synth", "Writes a synthetic capture with exact depth and labels.", {"OUT"},
                                &RunSynth),
      MakeVerb<SceneJobOptions>("scene",
                                "Trains and imitates in one go: from posed photos to a scene to click in.",
                                {"CAPTURE"}, &RunScene),
      MakeVerb<TrainJobOptions>("train", "Trains a radiance field from a capture into a run folder.",
                                {"[CAPTURE]"}, &RunTrain),
      MakeVerb<ImitateJobOptions>("imitate", "Trains a feature field that imitates a teacher's encoder.",
                                  {"RUN"}, &RunImitate),
      MakeVerb<SegmentJobOptions>(
          "segment", "Makes masks from clicks, a box or words, in one view or in all.", {"RUN"}, &RunSegment),
      MakeVerb<SelectJobOptions>(
          "select", "Selects things in 3D from clicks or words, names them, and changes selections.", {"RUN"},
          &RunSelect),
      MakeVerb<MeshJobOptions>("mesh", "Makes a coloured mesh of a run's surface: GLB, PLY, OBJ or STL.",
                               {"RUN"}, &RunMeshJob),
      MakeVerb<ExtractJobOptions>("extract",
                                  "Writes things of a run as meshes, points and masks for other programs.",
                                  {"RUN"}, &RunExtract),
      MakeVerb<EditJobOptions>(
          "edit", "Removes, recolours, moves, copies and puts in things; every step can be undone.",
          {"RUN", "[PICTURES]"}, &RunEdit),
      MakeVerb<RenderJobOptions>("render", "Renders colour, depth, normals or features of a trained scene.",
                                 {"RUN"}, &RunRender),
      MakeVerb<EvaluateJobOptions>("evaluate", "Scores a run on its held-out views.", {"RUN"}, &RunEvaluate),
      MakeVerb<AblateJobOptions>("ablate", "Measures what parts of a method bring, as a paper's table does.",
                                 {"RUN"}, &RunAblate),
      MakeVerb<ReportJobOptions>("report",
                                 "Writes one HTML page about a run: curves, pictures, masks and numbers.",
                                 {"RUN"}, &RunReport),
      MakeVerb<ModelsJobOptions>("models", "Lists, checks and adds teachers.", {"[ACTION]", "[FILES]"},
                                 &RunModels),
      Hidden(MakeVerb<DocsJobOptions>("docs", "Writes a page for each verb.", {"DIR"}, &RunDocs)),
  };
  return verbs;
}

}  // namespace semfield::cli
