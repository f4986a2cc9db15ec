#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/capture/capture.h"

namespace semfield {

// What reading says of a capture's warnings; Capture::warnings holds all of them in any case.
enum class WarningLog {
  kCount,    // one line: the only one, or how many there are and the verb that lists them
  kEach,     // each of them
  kNothing,  // for callers that show them themselves
};

struct ReadOptions {
  std::string format = {};     // empty: sniffed
  bool allow_outside = false;  // may files of the capture lie outside its folder? (capture_files.h)
  WarningLog warnings = WarningLog::kCount;
};

// One file format. A new one is one file in capture/readers/ plus a line in reader.cc.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::string name() const = 0;         // what --format takes: "transforms"
  virtual std::string description() const = 0;  // one sentence
  // Whether the path looks like this format, by content, cheaply and without throwing.
  virtual bool Sniff(const std::filesystem::path& path) const = 0;
  // Views with cameras and poses in the world's convention, optional labels. Split and bounds may be left
  // empty: ReadCapture fills them in. Whatever the capture names or holds is found through CaptureFiles.
  virtual Capture Read(const std::filesystem::path& path, const ReadOptions& options) const = 0;
};

const std::vector<std::unique_ptr<Reader>>& Readers();

// Sniffs (or obeys options.format), reads, checks (poses rigid and finite, sizes agree with files, at least 3
// views, no duplicate frames), applies the split (every 8th existing frame in name order from 0, unless the
// capture has its own test split) and decides the bounds. Throws Error; warnings are collected, and logged as
// options.warnings says.
Capture ReadCapture(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace semfield
