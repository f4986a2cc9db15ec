#include "semfield/training/metrics_log.h"

#include <algorithm>
#include <system_error>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/write_guard.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

bool IsEntry(const Json& value) {
  return value.is_object() && value.contains("stage") && value["stage"].is_string() &&
         value.contains("step") && value["step"].is_number_integer();
}

std::string LinesOf(const std::vector<Json>& entries) {
  std::string text;
  for (const Json& entry : entries) {
    text += entry.dump(-1, ' ', false, Json::error_handler_t::replace);
    text += '\n';
  }
  return text;
}

}  // namespace

MetricsLog::MetricsLog(fs::path path) : path_(std::move(path)) {
  std::error_code code;
  CheckWriteStaysInside(path_);
  if (!fs::exists(path_, code)) return;
  const std::string text = ReadTextFile(path_);
  const size_t line_end = text.rfind('\n');
  const size_t whole = line_end == std::string::npos ? 0 : line_end + 1;
  if (whole == text.size()) return;
  fs::resize_file(path_, whole, code);
  if (code) throw InputError("{}: cannot cut its unfinished last line: {}", path_.string(), code.message());
}

void MetricsLog::Append(const std::string& stage, int64_t step, double seconds, const Json& values) {
  Json entry;
  entry["stage"] = stage;
  entry["step"] = step;
  entry["seconds"] = seconds;
  entry.update(values);
  std::string line = LinesOf({entry});
  line.pop_back();
  AppendLine(path_, line);
}

void MetricsLog::TruncateAfter(const std::string& stage, int64_t step) {
  std::vector<Json> entries = Read(path_);
  const size_t before = entries.size();
  std::erase_if(entries, [&](const Json& entry) {
    return entry["stage"] == stage && entry["step"].get<int64_t>() > step;
  });
  if (entries.size() != before) WriteFileAtomically(path_, LinesOf(entries));
}

double MetricsLog::SecondsAt(const std::string& stage, int64_t step) const {
  double seconds = 0;
  for (const Json& entry : Read(path_)) {
    if (entry["stage"] != stage || entry["step"].get<int64_t>() > step) continue;
    if (entry.contains("seconds") && entry["seconds"].is_number()) seconds = entry["seconds"].get<double>();
  }
  return seconds;
}

std::vector<Json> MetricsLog::Read(const fs::path& path) {
  std::error_code code;
  if (!fs::exists(path, code)) return {};
  const std::string text = ReadTextFile(path);
  std::vector<Json> entries;
  int64_t unreadable = 0;
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    try {
      Json entry = ParseJson(line, "line");
      if (!IsEntry(entry)) throw InputError("not an entry");
      entries.push_back(std::move(entry));
    } catch (const Error&) {
      ++unreadable;
    }
  }
  if (unreadable > 0) LogWarning("{}: {} unreadable lines were left out", path.string(), unreadable);
  return entries;
}

}  // namespace semfield
