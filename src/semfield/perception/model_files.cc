#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/perception/card_section.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/model_folders.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxCacheBytes = size_t{4} << 20;

// Files that were hashed before, by path; a stamp of size and modification time says whether that still
// holds. The cache only saves time: whatever is wrong with it is answered by hashing again.
class HashCache {
 public:
  std::string Find(const fs::path& path, const std::string& stamp) {
    const Json cache = Read();
    const auto entry = cache.find(path.string());
    if (entry == cache.end() || !entry->is_object()) return {};
    if (entry->value("stamp", Json()) != Json(stamp)) return {};
    const Json hash = entry->value("sha256", Json());
    return hash.is_string() ? hash.get<std::string>() : std::string();
  }
  void Remember(const fs::path& path, const std::string& stamp, const std::string& sha256) {
    const fs::path file = File();
    if (file.empty()) return;
    try {
      Json cache = Json::object();
      std::error_code error;
      const Json before = Read();
      for (const auto& [known, entry] : before.items())
        if (fs::exists(known, error)) cache[known] = entry;
      cache[path.string()] = {{"stamp", stamp}, {"sha256", sha256}};
      WriteJsonFile(file, cache);
    } catch (const std::exception& error) {
      LogDebug("{}: not written: {}", file.string(), error.what());
    }
  }

 private:
  static fs::path File() {
    const fs::path folder = UserCacheFolder();
    return folder.empty() ? folder : folder / "model-hashes.json";
  }
  static Json Read() {
    const fs::path file = File();
    std::error_code error;
    if (file.empty() || !fs::exists(file, error)) return Json::object();
    try {
      Json cache = ReadJsonFile(file, kMaxCacheBytes);
      return cache.is_object() ? cache : Json::object();
    } catch (const std::exception& damage) {
      LogDebug("{}: ignored: {}", file.string(), damage.what());
      return Json::object();
    }
  }
};

std::string Stamp(const struct stat& status) {
  return fmt::format("{} {}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::string CachedSha256(const fs::path& path, const struct stat& before) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  HashCache cache;
  const std::string stamp = Stamp(before);
  if (std::string known = cache.Find(path, stamp); !known.empty()) return known;
  std::string sha256 = Sha256File(path);
  struct stat after {};
  if (stat(path.c_str(), &after) == 0 && Stamp(after) == stamp) cache.Remember(path, stamp, sha256);
  return sha256;
}

// How far apart two names are, for "did you mean": single-character edits.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

ModelCard FindModelCard(const std::string& name) {
  CheckModelName(name, "model");
  std::error_code error;
  for (const fs::path& folder : ModelFolders()) {
    const fs::path path = folder / (name + ".json");
    if (fs::exists(path, error)) return ReadModelCard(path);
  }
  std::vector<std::string> known;
  for (const ModelCard& card : AllModelCards()) known.push_back(card.name);
  std::stable_sort(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return EditDistance(name, a) < EditDistance(name, b);
  });
  throw InputError("no model is called '{}'; known are: {}. Add one with `semfield models add`.", name,
                   known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

std::vector<ModelCard> AllModelCards() {
  std::vector<ModelCard> cards;
  std::set<std::string> names;
  for (const fs::path& folder : ModelFolders()) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      if (!names.insert(file.stem().string()).second) continue;
      try {
        cards.push_back(ReadModelCard(file));
      } catch (const Error& damage) {
        LogWarning("model card passed over: {}", damage.what());
      }
    }
  }
  return cards;
}

fs::path ResolveModelFile(const ModelCard& card, const ModelFile& file) {
  std::vector<fs::path> tried;
  const bool npm = file.path.starts_with(kNpmPrefix);
  if (npm) {
    const fs::path inside = file.path.substr(std::string(kNpmPrefix).size());
    for (const fs::path& modules : NodeModulesFolders()) tried.push_back(modules / inside);
    tried.push_back(card.folder / card.name / inside.filename());
  } else {
    tried.push_back(card.folder / file.path);
  }
  std::error_code error;
  for (const fs::path& path : tried)
    if (fs::is_regular_file(path, error)) return fs::absolute(path).lexically_normal();
  const char* advice = npm ? "Run `npm ci --ignore-scripts --legacy-peer-deps` in the folder that holds "
                             "semfield's package.json, or set "
                             "SEMFIELD_NPM to a folder with node_modules."
                           : "Add the model again with `semfield models add`, or, if it came with semfield, "
                             "install that again.";
  std::vector<std::string> names;
  for (const fs::path& path : tried) names.push_back(path.string());
  throw ResourceError("model '{}': {} is missing; looked for {}. {}", card.name, file.path,
                      fmt::join(names, ", "), advice);
}

fs::path VerifyModelFile(const ModelCard& card, const ModelFile& file) {
  const fs::path path = ResolveModelFile(card, file);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw InputError("{}: cannot be read", path.string());
  const std::string sha256 = CachedSha256(path, status);
  if (status.st_size != file.bytes || sha256 != file.sha256)
    throw InputError(
        "model '{}': {} is not the file its card describes: expected sha256 {} ({} bytes), got {} ({} "
        "bytes). Fetch it "
        "again, or add it under a name of its own with `semfield models add`.",
        card.name, path.string(), file.sha256, file.bytes, sha256, status.st_size);
  return path;
}

}  // namespace semfield
