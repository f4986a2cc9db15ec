#include "semfield/capture/capture_files.h"

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

fs::path Absolute(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  return error ? path : absolute;
}

bool LiesUnder(const fs::path& folder, const fs::path& path) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

bool IsLink(const fs::path& path) {
  std::error_code error;
  return fs::is_symlink(fs::symlink_status(path, error));
}

void RefuseLoop(const fs::path& file, const std::string& where) {
  std::error_code error;
  (void)fs::status(file, error);
  if (error != std::errc::too_many_symbolic_link_levels) return;
  throw InputError("{}: '{}' is a loop of links, which leads nowhere. Replace it by the file that was meant.",
                   where, PrintableText(file.string()));
}

}  // namespace

bool LeadsOutside(const fs::path& folder, const fs::path& file) {
  std::error_code error;
  const fs::path real_file = fs::canonical(file, error);
  if (error) return false;
  const fs::path real_folder = fs::canonical(folder, error);
  return !error && !LiesUnder(real_folder, real_file);
}

CaptureFiles::CaptureFiles(const fs::path& named, const fs::path& folder, bool allow_outside)
    : named_(Absolute(named)), folder_(Absolute(folder)), allow_outside_(allow_outside) {
  std::error_code error;
  real_folder_ = fs::canonical(folder_, error);
  if (error) real_folder_ = folder_;
}

bool CaptureFiles::IsUnder(const fs::path& path) const {
  return LiesUnder(folder_, path) || LiesUnder(real_folder_, path);
}

// Thousands of images share few folders: links are followed once for each of these.
fs::path CaptureFiles::RealPath(const fs::path& file) const {
  std::error_code error;
  if (IsLink(file)) return fs::canonical(file, error);
  const auto [entry, is_new] = real_parents_.try_emplace(file.parent_path());
  if (is_new) entry->second = fs::canonical(file.parent_path(), error);
  return entry->second.empty() ? fs::path() : entry->second / file.filename();
}

const fs::path& CaptureFiles::Checked(const fs::path& file, const std::string& where) const {
  if (allow_outside_) return file;
  const fs::path absolute = Absolute(file);
  if (absolute == named_) return file;
  const fs::path real = RealPath(absolute);
  if (real.empty() || LiesUnder(real_folder_, real)) return file;
  throw InputError(
      "{}: '{}' leads to {}, which leaves the folder of the capture, {}. Give --allow-outside if the capture "
      "may read there.",
      where.empty() ? file.string() : where, PrintableText(file.lexically_relative(folder_).string()),
      PrintableText(real.string()), folder_.string());
}

bool CaptureFiles::Has(const fs::path& file) const {
  if (!IsFile(file)) return false;
  Checked(file);
  return true;
}

fs::path CaptureFiles::FindImage(const fs::path& base, const std::string& name,
                                 const std::string& where) const {
  if (name.empty()) throw InputError("{}: empty, expected the name of an image", where);
  if (!allow_outside_) {
    std::string turned = name;
    std::replace(turned.begin(), turned.end(), '\\', '/');
    // Before the disk is asked anything: whether such a file exists is not the capture's business either.
    for (const std::string& text : {name, turned}) {
      if (IsUnder(Absolute(base / text))) continue;
      throw InputError(
          "{}: '{}' leaves the folder of the capture, {}. Give --allow-outside if the capture may read "
          "there.",
          where, PrintableText(name), folder_.string());
    }
  }
  const fs::path file = FindImageFile(base, name);
  if (file.empty()) {
    RefuseLoop(base / name, where);
    return file;
  }
  return Checked(file, where);
}

}  // namespace semfield
