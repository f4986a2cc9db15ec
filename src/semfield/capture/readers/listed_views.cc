#include "semfield/capture/readers/listed_views.h"

#include <algorithm>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {

void FinishListedViews(size_t listed, const std::string& where, Capture* capture) {
  if (capture->views.size() < 3) {
    throw InputError("{}: {} of {} frames have their image, at least 3 are needed", where,
                     capture->views.size(), listed);
  }
  if (capture->views.size() < listed) {
    capture->warnings.push_back(fmt::format("{} of {} listed images are missing and were skipped",
                                            listed - capture->views.size(), listed));
  }
  std::vector<std::filesystem::path> files;
  for (const View& view : capture->views) files.push_back(view.image);
  const std::vector<ImageInfo> infos = ReadImageInfos(files);
  for (size_t i = 0; i < files.size(); ++i) {
    View& view = capture->views[i];
    view.camera = FitCameraToImage(view.camera, infos[i].width, infos[i].height, files[i].string(), nullptr);
    view.has_alpha = infos[i].channels == 4 || infos[i].channels == 2;
  }
  std::sort(capture->views.begin(), capture->views.end(),
            [](const View& a, const View& b) { return NaturalLess(a.name, b.name); });
}

}  // namespace semfield
