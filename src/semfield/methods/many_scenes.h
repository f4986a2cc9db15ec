#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/object_views.h"

namespace semfield {

// The processes that train together, each on its own share of every step.
struct TrainingProcesses {
  int world_size = 1;  // how many there are
  int rank = 0;        // which of them this one is
  std::string master;  // HOST:PORT where rank 0 listens
};

// What a training over many scenes is given.
struct ManyScenesInputs {
  struct Scene {
    std::unique_ptr<Capture> capture;
    std::unique_ptr<ImageStore> store;
    std::filesystem::path cache;  // folder for what models say of its photos; empty: nothing is kept
  };
  std::vector<Scene> scenes;
  std::vector<ObjectCategory> categories = {};  // of methods over single objects, in the place of scenes
  std::filesystem::path cache = {};             // for what models say of their pictures
  TrainingProcesses processes = {};
  std::string onnxruntime = {};  // path of its library; empty: searched
};

}  // namespace semfield
