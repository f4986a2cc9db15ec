#pragma once

// Runs for tests of the jobs: a tiny synthetic capture, trained for a few steps.

#include <fstream>
#include <string>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/synthetic.h"
#include "semfield/jobs/train.h"

namespace semfield {

inline TrainJobOptions TinyTraining(const std::string& capture, const std::string& out, int steps) {
  TrainJobOptions job;
  job.capture = capture;
  job.out = out;
  job.radiance.levels = 4;
  job.radiance.log2_table_size = 11;
  job.radiance.finest_resolution = 64;
  job.radiance.hidden = 16;
  job.radiance.occupancy_resolution = 16;
  job.radiance.samples_per_step = 2048;
  job.radiance.steps_across = 32;
  job.radiance.steps = steps;
  return job;
}

inline std::string FileBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The message of the Error that a call throws; empty if it throws none.
template <class Call>
std::string ErrorOf(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace semfield
