#pragma once

#include <deque>
#include <filesystem>
#include <memory>

#include "semfield/methods/feature_field/teacher_stream.h"

namespace semfield {

// The last `capacity` teacher entries, first in first out (SAN section 4.3), and a copy of each in a folder, so that a
// resumed imitation has them without asking the teacher again.
class TeacherCache {
 public:
  // An empty folder path keeps no copies.
  TeacherCache(size_t capacity, std::filesystem::path folder);

  void Add(std::shared_ptr<const TeacherEntry> entry);
  size_t size() const { return entries_.size(); }
  const TeacherEntry& operator[](size_t i) const { return *entries_[i]; }  // 0 = oldest
  // The entry of a stream index, read from the folder; nullptr if it is not there or damaged.
  std::shared_ptr<const TeacherEntry> Load(int64_t index) const;
  void RemoveFiles() const;

 private:
  std::filesystem::path FileOf(int64_t index) const;
  size_t capacity_;
  std::filesystem::path folder_;
  std::deque<std::shared_ptr<const TeacherEntry>> entries_;
};

}  // namespace semfield
