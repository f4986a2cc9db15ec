#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace semfield {

// Whether `file` is there and really lies elsewhere than under `folder`, once all links are followed. Never
// throws.
bool LeadsOutside(const std::filesystem::path& folder, const std::filesystem::path& file);

// The files of one capture, and the one place where a name that the capture's own files give becomes a path.
// A capture may come from anywhere; it may not make semfield read what lies outside its folder, be it by
// "..", by an absolute path or by a link, unless the user says --allow-outside. The path that the user named
// himself is his own decision and always read. Not thread-safe.
class CaptureFiles {
 public:
  // `named`: what the user gave, a folder or a file; `folder`: the capture's folder that follows from it.
  CaptureFiles(const std::filesystem::path& named, const std::filesystem::path& folder, bool allow_outside);

  // The image file that `name` means relative to `base` (a folder of the capture), as FindImageFile; empty
  // when there is none. `where` is the place that names it ("transforms.json: frames[3].file_path"). An empty
  // name, one that leads outside, or a loop of links: Error.
  std::filesystem::path FindImage(const std::filesystem::path& base, const std::string& name,
                                  const std::string& where) const;

  // Whether a file that semfield looks for by itself is there; one that leads outside by a link: Error.
  bool Has(const std::filesystem::path& file) const;

  // The file, which may be missing. One that leads outside by a link: Error starting with `where`, or with
  // the file itself when that is empty.
  const std::filesystem::path& Checked(const std::filesystem::path& file,
                                       const std::string& where = "") const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  bool IsUnder(const std::filesystem::path& path) const;
  std::filesystem::path RealPath(const std::filesystem::path& file) const;

  std::filesystem::path named_;        // absolute
  std::filesystem::path folder_;       // absolute, as the user spelled it
  std::filesystem::path real_folder_;  // with links followed
  bool allow_outside_;
  mutable std::map<std::filesystem::path, std::filesystem::path> real_parents_;
};

}  // namespace semfield
