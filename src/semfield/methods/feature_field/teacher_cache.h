#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <vector>

#include "semfield/methods/feature_field/teacher_stream.h"

namespace semfield {

// The last `capacity` teacher entries, first in first out (SAN section 4.3), and a folder with the targets of
// those that checkpoints stand on, so that a resumed imitation, or another one on the same field, has them
// without asking the teacher again. Only targets are kept: a student's inputs depend on its options and are
// quick to make.
class TeacherCache {
 public:
  // An empty folder path keeps no copies. keep_all: ForgetBefore removes nothing. What killed writers left
  // half-written in the folder is removed.
  TeacherCache(size_t capacity, std::filesystem::path folder, bool keep_all = false);

  void Add(std::shared_ptr<const TeacherEntry> entry);
  size_t size() const { return entries_.size(); }
  const TeacherEntry& operator[](size_t i) const { return *entries_[i]; }  // 0 = oldest
  // Writes the entry's target to the folder; from any thread, as soon as the teacher has answered.
  void Store(const TeacherEntry& entry) const;
  // Removes the targets of indices below `index`.
  void ForgetBefore(int64_t index) const;
  // The target of a stream index, `size` numbers, read from the folder; empty if it is not there or damaged.
  std::vector<Half> LoadTarget(int64_t index, size_t size) const;
  void RemoveFiles() const;

 private:
  std::filesystem::path FileOf(int64_t index) const;
  size_t capacity_;
  std::filesystem::path folder_;
  bool keep_all_;
  std::deque<std::shared_ptr<const TeacherEntry>> entries_;
};

}  // namespace semfield
