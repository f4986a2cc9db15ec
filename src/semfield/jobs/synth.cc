#include "semfield/jobs/synth.h"

#include <fmt/format.h>

namespace semfield {

void SynthJobOptions::Describe(OptionList& list) {
  list.Text("out", &out, "Folder of the new capture.");
  list.Flag("overwrite", &overwrite, "Replace a capture that is there already.");
  scene.Describe(list);
}

std::vector<std::string> SynthResult::Text() const {
  return {fmt::format("{}: {} views of {}x{}, {} instances of {} classes", capture, views, width, height,
                      instances, classes.size())};
}

Json SynthResult::ToJson() const {
  return {{"capture", capture}, {"views", views}, {"instances", instances}, {"classes", classes}};
}

SynthResult RunSynth(const SynthJobOptions& options, const JobControl& control) {
  control.ThrowIfStopped();
  WriteSynthetic(options.scene, options.out, options.overwrite, control);
  const SyntheticScene scene(options.scene);
  return {.capture = options.out,
          .views = options.scene.views,
          .width = options.scene.width,
          .height = options.scene.height,
          .instances = scene.instances().size(),
          .classes = scene.class_names()};
}

}  // namespace semfield
