#include "semfield/jobs/mask_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/run/named_view.h"

namespace semfield {
namespace {

constexpr std::array<uint8_t, 3> kPositiveColor = {60, 220, 90};
constexpr std::array<uint8_t, 3> kNegativeColor = {255, 170, 40};

// Two clicks that nobody named are two things.
std::string FreeName(const std::filesystem::path& folder) {
  std::string name = "mask";
  std::error_code code;
  for (int number = 2; std::filesystem::exists(folder / (name + ".json"), code); ++number)
    name = fmt::format("mask-{}", number);
  return name;
}

std::array<std::string, 2> FileNames(const std::string& name, const std::string& view) {
  const std::string stem = fmt::format("{}_{}", name, view);
  return {stem + ".png", stem + "_overlay.png"};
}

}  // namespace

ImageU8 PictureOf(const OpenedRun& run, const NamedView& view) {
  const std::filesystem::path photo = view.index < 0 ? "" : run.capture->views[view.index].image;
  if (!photo.empty()) return ToRgb(ReadImage(photo), {255, 255, 255});
  RenderRequest options;
  std::copy_n(run.background.data(), 3, options.background);
  return ToU8(run.Field().Render(view.camera, view.world_from_camera, options).rgb);
}

MaskFiles::MaskFiles(const OpenedRun& run, std::filesystem::path folder, std::string name,
                     const std::array<uint8_t, 3>& color)
    : run_(run),
      folder_(std::move(folder)),
      name_(name.empty() ? FreeName(folder_) : std::move(name)),
      color_(color) {}

MaskFiles::Written MaskFiles::Write(const NamedView& view, const ImageU8& mask,
                                    const std::vector<PromptPoint>& clicks) {
  const auto [mask_file, overlay_file] = FileNames(name_, view.name);
  const std::filesystem::path mask_path = folder_ / mask_file, overlay_path = folder_ / overlay_file;
  written_.insert({mask_file, overlay_file});
  WritePng(mask_path, mask);
  ImageU8 overlay = OverlayMask(PictureOf(run_, view), mask, color_);
  for (const PromptPoint& point : clicks) {
    DrawDot(overlay, point.x, point.y, std::max(3.0, 0.008 * overlay.width),
            point.positive ? kPositiveColor : kNegativeColor);
  }
  WritePng(overlay_path, overlay);
  const int64_t area = std::count_if(mask.data.begin(), mask.data.end(), [](uint8_t v) { return v > 127; });
  if (area > 0 || sheet_.empty()) AddToSheet(overlay);
  return {.mask = mask_path.string(),
          .overlay = overlay_path.string(),
          .area = area,
          .area_share = static_cast<double>(area) / static_cast<double>(mask.num_pixels())};
}

// Overlays beside each other, so that one look tells whether the views agree.
void MaskFiles::AddToSheet(const ImageU8& overlay) {
  constexpr int kHeight = 240, kMaxPictures = 12;
  if (sheet_.size() >= kMaxPictures) return;
  sheet_.push_back(Resize(overlay, std::max(1, overlay.width * kHeight / overlay.height), kHeight));
}

std::string MaskFiles::Finish() const {
  for (const std::string& view : ResultNames(*run_.capture)) {
    for (const std::string& file : FileNames(name_, view)) {
      std::error_code ignored;  // what cannot be removed is no reason to lose what was made
      if (written_.count(file) == 0) std::filesystem::remove(folder_ / file, ignored);
    }
  }
  constexpr int kColumns = 4, kGap = 4;
  const std::filesystem::path path = folder_ / (name_ + "_sheet.png");
  if (sheet_.empty()) return path.string();
  int cell_width = 0;
  for (const ImageU8& picture : sheet_) cell_width = std::max(cell_width, picture.width);
  const int columns = std::min<int>(kColumns, static_cast<int>(sheet_.size())),
            rows = (static_cast<int>(sheet_.size()) + kColumns - 1) / kColumns;
  const int height = sheet_[0].height;
  ImageU8 sheet(columns * (cell_width + kGap) - kGap, rows * (height + kGap) - kGap, 3, 255);
  for (size_t i = 0; i < sheet_.size(); ++i) {
    const int left = static_cast<int>(i % kColumns) * (cell_width + kGap),
              top = static_cast<int>(i / kColumns) * (height + kGap);
    for (int y = 0; y < height; ++y) {
      std::copy_n(&sheet_[i].At(0, y), 3 * sheet_[i].width, &sheet.At(left, top + y));
    }
  }
  WritePng(path, sheet);
  return path.string();
}

}  // namespace semfield
