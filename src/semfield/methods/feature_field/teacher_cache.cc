#include "semfield/methods/feature_field/teacher_cache.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/training/safetensors.h"

namespace semfield {

TeacherCache::TeacherCache(size_t capacity, std::filesystem::path folder, bool keep_all)
    : capacity_(capacity), folder_(std::move(folder)), keep_all_(keep_all) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder_, ignored)) RemoveStaleTemporaries(folder_);
}

std::filesystem::path TeacherCache::FileOf(int64_t index) const {
  return folder_ / fmt::format("{:06d}.safetensors", index);
}

void TeacherCache::Add(std::shared_ptr<const TeacherEntry> entry) {
  entries_.push_back(std::move(entry));
  if (entries_.size() > capacity_) entries_.pop_front();
}

void TeacherCache::Store(const TeacherEntry& entry) const {
  if (folder_.empty()) return;
  const TensorView target = MakeTensorView<Half>("target", {static_cast<int64_t>(entry.target.size())},
                                                 std::span<const Half>(entry.target));
  WriteSafetensors(FileOf(entry.index), {&target, 1}, {});
}

void TeacherCache::ForgetBefore(int64_t index) const {
  if (folder_.empty() || keep_all_) return;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string stem = file.path().stem().string();
    int64_t of_file = 0;
    const auto [end, problem] = std::from_chars(stem.data(), stem.data() + stem.size(), of_file);
    const bool ours = problem == std::errc() && end == stem.data() + stem.size();
    if (ours && of_file < index) std::filesystem::remove(file.path(), ignored);
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
