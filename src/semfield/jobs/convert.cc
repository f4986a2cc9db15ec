#include "semfield/jobs/convert.h"

#include <fmt/format.h>

#include "semfield/capture/reader.h"
#include "semfield/capture/writers/writer.h"

namespace semfield {

void ConvertJobOptions::Describe(OptionList& list) {
  std::vector<std::string> formats;
  for (const auto& writer : Writers()) formats.push_back(writer->name());
  list.Text("capture", &capture, "Folder of a capture, or its pose file.");
  list.Text("out", &out, "Folder of the new capture; new or empty.");
  list.Text("format", &format, "Format to write.", {.choices = formats});
  list.Text("from", &from, "Format of the capture; found by looking if not given.");
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
}

std::vector<std::string> ConvertResult::Text() const {
  std::vector<std::string> text = {fmt::format("{}: {} views, {} -> {}", capture, views, from, format)};
  for (const std::string& note : notes) text.push_back("note: " + note);
  return text;
}

Json ConvertResult::ToJson() const {
  return {{"capture", capture}, {"format", format}, {"from", from}, {"views", views}, {"notes", notes}};
}

ConvertResult RunConvert(const ConvertJobOptions& options, const JobControl& control) {
  control.ThrowIfStopped();
  const Capture capture =
      ReadCapture(options.capture, {.format = options.from, .allow_outside = options.allow_outside});
  control.ThrowIfStopped();
  return {.capture = options.out,
          .format = options.format,
          .from = capture.format,
          .views = capture.views.size(),
          .notes = WriteCapture(capture, options.out, options.format, control)};
}

}  // namespace semfield
