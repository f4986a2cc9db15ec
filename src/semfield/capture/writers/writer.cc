#include "semfield/capture/writers/writer.h"

#include "semfield/base/error.h"
#include "semfield/base/options.h"
#include "semfield/capture/writers/writers.h"

namespace semfield {
namespace fs = std::filesystem;

const std::vector<std::unique_ptr<Writer>>& Writers() {
  static const auto* writers = [] {
    auto* list = new std::vector<std::unique_ptr<Writer>>;
    list->push_back(MakeTransformsWriter());
    list->push_back(MakeColmapWriter(true));
    list->push_back(MakeColmapWriter(false));
    list->push_back(MakeLlffWriter());
    return list;
  }();
  return *writers;
}

std::vector<std::string> WriteCapture(const Capture& capture, const fs::path& out, const std::string& format,
                                      const JobControl& control) {
  const Writer* chosen = nullptr;
  std::vector<std::string> known;
  std::string list;
  for (const auto& writer : Writers()) {
    if (writer->name() == format) chosen = writer.get();
    known.push_back(writer->name());
    list += (list.empty() ? "" : ", ") + writer->name();
  }
  if (chosen == nullptr) {
    const std::string nearest = NearestName(format, known);
    throw InputError("format '{}': cannot be written.{} Known: {}.", format,
                     nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest), list);
  }
  std::error_code error;
  if (fs::exists(out, error) && !(fs::is_directory(out, error) && fs::is_empty(out, error))) {
    throw InputError("{}: exists and is not an empty folder. Choose a new one.", out.string());
  }
  std::vector<std::string> notes;
  try {
    chosen->Write(capture, out, control, &notes);
  } catch (...) {
    for (const auto& entry : fs::directory_iterator(out, error)) fs::remove_all(entry.path(), error);
    throw;
  }
  return notes;
}

}  // namespace semfield
