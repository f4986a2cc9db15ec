#pragma once

#include <filesystem>
#include <string>

#include "semfield/run/opened_run.h"

namespace semfield {

// How a capture is shown by a method that is not trained on it.
struct FeedForwardOptions {
  std::string method = "gnesf";  // one over many scenes
  std::string weights;           // as the method's option of that name; empty: its own
  std::string words_model;       // who says the classes of photos, as --words-model; empty: its own
};

// Opens a run, or a capture without any training: then a run folder is made for it in the current folder,
// named by the capture and the method (`room-gnesf`), which later calls find again; what is asked and
// rendered is kept in it. Errors as OpenRun and ReadCapture.
OpenedRun OpenRunOrCapture(const std::filesystem::path& path, const MethodList& methods,
                           const RunSource& source, const FeedForwardOptions& options);

}  // namespace semfield
