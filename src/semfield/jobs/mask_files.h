#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/perception/prompt.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// Writes masks and the same over the photos, one of each a view, and up to a dozen of them in one picture.
class MaskFiles {
 public:
  // The run must outlive it. Files are called <name>_<view>.png and <name>_<view>_overlay.png.
  MaskFiles(const OpenedRun& run, std::filesystem::path folder, std::string name,
            const std::array<uint8_t, 3>& color);

  struct Written {
    std::string mask, overlay;  // paths
    int64_t area = 0;           // pixels
    double area_share = 0;      // of the view
  };
  // mask: of the view's size. clicks: drawn, in the view's pixels.
  Written Write(const NamedView& view, const ImageU8& mask, const std::vector<PromptPoint>& clicks);
  // <name>_sheet.png; nothing if nothing was written. Returns its path.
  std::string WriteSheet() const;

 private:
  void AddToSheet(const ImageU8& overlay);

  const OpenedRun& run_;
  const std::filesystem::path folder_;
  const std::string name_;
  const std::array<uint8_t, 3> color_;
  std::vector<ImageU8> sheet_;
};

}  // namespace semfield
