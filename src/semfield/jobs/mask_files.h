#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/perception/prompt.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// The photo of a view where there is one, else our rendering, at the view's own size.
ImageU8 PictureOf(const OpenedRun& run, const NamedView& view);

// Writes masks and the same over the photos, one of each a view, and up to a dozen of those that show
// something in one picture. What an earlier call wrote under the same name goes: all files of a name are of
// one thing.
class MaskFiles {
 public:
  // The run must outlive it. Files are called <name>_<view>.png and <name>_<view>_overlay.png; an empty name
  // takes the first of "mask", "mask-2", "mask-3" that is free in the folder.
  MaskFiles(const OpenedRun& run, std::filesystem::path folder, std::string name,
            const std::array<uint8_t, 3>& color);

  struct Written {
    std::string mask, overlay;  // paths
    int64_t area = 0;           // pixels
    double area_share = 0;      // of the view
  };
  // mask: of the view's size. clicks: drawn, in the view's pixels.
  Written Write(const NamedView& view, const ImageU8& mask, const std::vector<PromptPoint>& clicks);
  // <name>_sheet.png of the first view and of those with a mask; nothing if nothing was written. Removes what
  // the name had of other views before. Returns its path.
  std::string Finish() const;
  const std::string& name() const { return name_; }
  // JSON of numbers that belong to the name.
  std::filesystem::path numbers() const { return folder_ / (name_ + ".json"); }

 private:
  void AddToSheet(const ImageU8& overlay);

  const OpenedRun& run_;
  const std::filesystem::path folder_;
  const std::string name_;  // after folder_, in which it is looked for
  const std::array<uint8_t, 3> color_;
  std::vector<ImageU8> sheet_;
  std::set<std::string> written_;  // file names
};

}  // namespace semfield
