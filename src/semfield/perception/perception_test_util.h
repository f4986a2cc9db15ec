#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/stand_in_graphs.h"

namespace semfield {

inline bool RuntimeIsThere() {
  try {
    InferenceRuntime::Load();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// The message of the Error that `body` throws, checked for its kind; empty when it throws none.
inline std::string ErrorOf(const std::function<void()>& body, ErrorKind kind = ErrorKind::kInput) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

#define EXPECT_MENTIONS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

// A user of their own, so that tests neither see nor touch the real one's models and caches.
class TestUser {
 public:
  TestUser() {
    setenv("XDG_DATA_HOME", (folder_ / "data").c_str(), 1);
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    std::filesystem::create_directories(models());
  }
  ~TestUser() {
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_CACHE_HOME");
  }
  std::filesystem::path models() const { return folder_ / "data" / "semfield" / "models"; }
  std::filesystem::path cache() const { return folder_ / "cache" / "semfield"; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TestFolder folder_;
};

}  // namespace semfield
