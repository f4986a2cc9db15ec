#include "semfield/jobs/synth.h"

#include <fmt/format.h>

namespace semfield {

void SynthJobOptions::Describe(OptionList& list) {
  list.Text("out", &out, "Folder of the new capture.");
  list.Flag("overwrite", &overwrite, "Replace a capture that is there already.");
  scene.Describe(list);
}

Json RunSynth(const SynthJobOptions& options, const JobControl& control) {
  control.ThrowIfStopped();
  WriteSynthetic(options.scene, options.out, options.overwrite);
  const SyntheticScene scene(options.scene);
  Json answer;
  answer["text"] = Json::array({fmt::format("{}: {} views of {}x{}, {} instances of {} classes", options.out,
                                            options.scene.views, options.scene.width, options.scene.height,
                                            scene.instances().size(), scene.class_names().size())});
  answer["capture"] = options.out;
  answer["views"] = options.scene.views;
  answer["instances"] = scene.instances().size();
  answer["classes"] = scene.class_names();
  return answer;
}

}  // namespace semfield
