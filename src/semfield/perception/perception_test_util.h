#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
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

inline ModelFile WriteModelFile(const std::filesystem::path& folder, const std::string& name,
                                const std::string& bytes) {
  WriteFileAtomically(folder / name, bytes);
  return {name, Sha256File(folder / name), static_cast<int64_t>(bytes.size())};
}

// A card for the stand-in graphs, written to `folder` with its files.
inline ModelCard WriteStandIn(const std::filesystem::path& folder, const std::string& name,
                              StandInMasks masks = StandInMasks::kAll) {
  ModelCard card;
  card.name = name;
  card.kind = "sam";
  card.folder = folder;
  card.encoder.file = WriteModelFile(folder, name + "-encoder.onnx", StandInEncoder());
  card.encoder.input_size = kStandInInput;
  card.encoder.grid = kStandInGrid;
  card.encoder.channels = kStandInChannels;
  card.encoder.mean = {100, 110, 120};
  card.encoder.std = {50, 60, 70};
  card.encoder.taps = {{"before_bias", "/conv"}};
  card.decoder.file = WriteModelFile(folder, name + "-decoder.onnx", StandInDecoder(masks));
  card.decoder.mask_size = kStandInMask;
  if (masks == StandInMasks::kAll) {
    card.decoder.all_masks = "low_res_masks";
    card.decoder.all_scores = "iou_predictions";
    card.decoder.mask_order = {"single", "subpart", "part", "whole"};
  }
  WriteJsonFile(folder / (name + ".json"), ModelCardToJson(card));
  return card;
}

}  // namespace semfield
