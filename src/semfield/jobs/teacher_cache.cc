#include "semfield/jobs/teacher_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

template <class T>
TensorView View(const std::string& name, const std::vector<T>& values) {
  return MakeTensorView<T>(name, {static_cast<int64_t>(values.size())}, std::span<const T>(values));
}

template <class T>
void Get(const SafetensorsFile& file, const std::string& name, std::vector<T>* values) {
  const std::span<const T> data = file.Get<T>(name, {-1});
  values->assign(data.begin(), data.end());
}

// What the kernels rely on: rays own increasing ranges of the samples.
bool Consistent(const TeacherEntry& entry) {
  const RaySamples& samples = entry.inputs.samples;
  const size_t n = samples.x.size();
  return entry.inputs.num_tokens >= 0 && samples.ray_begin.size() == static_cast<size_t>(entry.inputs.num_tokens) + 1 &&
         samples.y.size() == n && samples.z.size() == n && samples.weight.size() == n && samples.ray_begin.front() == 0 &&
         samples.ray_begin.back() == static_cast<int32_t>(n) &&
         std::is_sorted(samples.ray_begin.begin(), samples.ray_begin.end());
}

}  // namespace

TeacherCache::TeacherCache(size_t capacity, std::filesystem::path folder)
    : capacity_(capacity), folder_(std::move(folder)) {}

std::filesystem::path TeacherCache::FileOf(int64_t index) const {
  return folder_ / fmt::format("{:06d}.safetensors", index);
}

void TeacherCache::Add(std::shared_ptr<const TeacherEntry> entry) {
  if (!folder_.empty() && !std::filesystem::exists(FileOf(entry->index))) {
    const RaySamples& samples = entry->inputs.samples;
    const std::vector<TensorView> tensors = {
        View("ray_begin", samples.ray_begin), View("x", samples.x),         View("y", samples.y),
        View("z", samples.z),                 View("weight", samples.weight), View("extras", entry->inputs.extras),
        View("target", entry->target)};
    WriteSafetensors(FileOf(entry->index), tensors, {{"num_tokens", std::to_string(entry->inputs.num_tokens)}});
  }
  entries_.push_back(std::move(entry));
  // One generation of files more than memory holds: a checkpoint may lie that far back.
  if (entries_.size() > capacity_) {
    const int64_t old = entries_.front()->index - static_cast<int64_t>(capacity_);
    std::error_code ignored;
    if (!folder_.empty() && old >= 0) std::filesystem::remove(FileOf(old), ignored);
    entries_.pop_front();
  }
}

std::shared_ptr<const TeacherEntry> TeacherCache::Load(int64_t index) const {
  if (folder_.empty() || !std::filesystem::exists(FileOf(index))) return nullptr;
  try {
    const SafetensorsFile file = SafetensorsFile::Read(FileOf(index));
    auto entry = std::make_shared<TeacherEntry>();
    entry->index = index;
    entry->inputs.num_tokens = std::stoi(file.Metadata("num_tokens"));
    Get(file, "ray_begin", &entry->inputs.samples.ray_begin);
    Get(file, "x", &entry->inputs.samples.x);
    Get(file, "y", &entry->inputs.samples.y);
    Get(file, "z", &entry->inputs.samples.z);
    Get(file, "weight", &entry->inputs.samples.weight);
    Get(file, "extras", &entry->inputs.extras);
    Get(file, "target", &entry->target);
    if (Consistent(*entry)) return entry;
  } catch (const std::exception& error) {
    LogWarning("{}: cached teacher view not used ({}); it is made again", FileOf(index).string(), error.what());
  }
  return nullptr;
}

void TeacherCache::RemoveFiles() const {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace semfield
