#pragma once

#include <filesystem>
#include <string>

#include "semfield/base/folder_lock.h"
#include "semfield/base/json.h"

namespace semfield {

// Everything that belongs to one scene's training and what was made from it. config.json makes a folder a
// run: one object with "semfield_version" and a section for each stage that ran (its resolved options and
// plan).
class RunFolder {
 public:
  // Makes the folder and its config.json unless they are there. A config.json of something else: Error; so is
  // another process that is just making it.
  static RunFolder Create(const std::filesystem::path& path);
  // Not a run: Error that says how to make one.
  static RunFolder Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.json"; }
  std::filesystem::path radiance_checkpoint() const { return path_ / "radiance.safetensors"; }
  // `teacher` is a model's short name: letters, digits, '.', '_', '-'; anything else: Error.
  std::filesystem::path features_checkpoint(const std::string& teacher) const;
  // What a teacher's encoder says of the photos; `teacher` as above.
  std::filesystem::path embeddings_dir(const std::string& teacher) const;
  // What the training stood on (run/view_list.h).
  std::filesystem::path view_list() const { return path_ / "views.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path masks_dir() const { return path_ / "masks"; }
  std::filesystem::path renders_dir() const { return path_ / "renders"; }
  std::filesystem::path selections_dir() const { return path_ / "selections"; }
  std::filesystem::path mesh_dir() const { return path_ / "mesh"; }
  std::filesystem::path exports_dir() const { return path_ / "exports"; }

  // Only the holder of the RunLock writes.
  Json ReadConfig() const;
  void WriteConfig(const Json& config) const;             // "semfield_version" is put in front if missing
  Json ReadConfigSection(const std::string& name) const;  // null if there is none
  void WriteConfigSection(const std::string& name, const Json& section) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// The right to write into a run folder; see FolderLock.
class RunLock : public FolderLock {
 public:
  explicit RunLock(const RunFolder& run) : FolderLock(run.path()) {}
};

}  // namespace semfield
