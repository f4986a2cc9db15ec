#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"

namespace semfield {

// One format that captures can be written in. A new one is one file in capture/writers/ plus a line in
// writer.cc.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual std::string name() const = 0;         // what --format takes: "transforms"
  virtual std::string description() const = 0;  // one sentence
  // Writes poses, cameras, images and masks into the empty folder `out`. Appends to `notes` what the format
  // cannot hold and leaves out. Error, before anything is written, when cameras or poses cannot be said
  // exactly.
  virtual void Write(const Capture& capture, const std::filesystem::path& out, const JobControl& control,
                     std::vector<std::string>* notes) const = 0;
};

const std::vector<std::unique_ptr<Writer>>& Writers();

// Writes `capture` in a format of Writers(), so that reading it back gives the same cameras, poses, masks and
// points. Everything is in the capture's own units and axes: a transform that a file had applied to its poses
// is kept as such (transforms) or undone (others). Images are copied as they are. `out` must be new or empty:
// Error otherwise. Returns what was left out, in words. Fails or is asked to stop (InterruptedError): nothing
// of it stays.
std::vector<std::string> WriteCapture(const Capture& capture, const std::filesystem::path& out,
                                      const std::string& format, const JobControl& control = {});

}  // namespace semfield
