#include "semfield/jobs/teacher_cache.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/training/safetensors.h"

namespace semfield {

TeacherCache::TeacherCache(size_t capacity, std::filesystem::path folder, bool keep_all)
    : capacity_(capacity), folder_(std::move(folder)), keep_all_(keep_all) {}

std::filesystem::path TeacherCache::FileOf(int64_t index) const {
  return folder_ / fmt::format("{:06d}.safetensors", index);
}

void TeacherCache::Add(std::shared_ptr<const TeacherEntry> entry) {
  if (!folder_.empty() && !std::filesystem::exists(FileOf(entry->index))) {
    const TensorView target = MakeTensorView<Half>("target", {static_cast<int64_t>(entry->target.size())},
                                                   std::span<const Half>(entry->target));
    WriteSafetensors(FileOf(entry->index), {&target, 1}, {});
  }
  entries_.push_back(std::move(entry));
  // One generation of files more than memory holds: a checkpoint may lie that far back.
  if (entries_.size() > capacity_) {
    const int64_t old = entries_.front()->index - static_cast<int64_t>(capacity_);
    std::error_code ignored;
    if (!keep_all_ && !folder_.empty() && old >= 0) std::filesystem::remove(FileOf(old), ignored);
    entries_.pop_front();
  }
}

std::vector<Half> TeacherCache::LoadTarget(int64_t index, size_t size) const {
  if (folder_.empty() || !std::filesystem::exists(FileOf(index))) return {};
  try {
    const SafetensorsFile file = SafetensorsFile::Read(FileOf(index));
    const std::span<const Half> data = file.Get<Half>("target", {static_cast<int64_t>(size)});
    return {data.begin(), data.end()};
  } catch (const std::exception& error) {
    LogWarning("{}: cached teacher view not used ({}); it is made again", FileOf(index).string(),
               error.what());
  }
  return {};
}

void TeacherCache::RemoveFiles() const {
  std::error_code ignored;
  if (folder_.empty()) return;
  std::filesystem::remove_all(folder_, ignored);
  std::filesystem::remove(folder_.parent_path(), ignored);  // only if no other teacher's views are there
}

}  // namespace semfield
