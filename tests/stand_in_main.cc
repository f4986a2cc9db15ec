// Makes what transcripts need and no command makes:
//   semfield_stand_in teacher FOLDER NAME            a teacher of two tiny graphs that answers at once
//   semfield_stand_in checkpoint-format FILE FORMAT  the checkpoint as a program of another format writes it
//   semfield_stand_in checkpoint-nan FILE            the checkpoint with a first number that is none
#include <cmath>
#include <filesystem>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "semfield/perception/stand_in_graphs.h"
#include "semfield/training/safetensors.h"

namespace {

using namespace semfield;

void ChangeFormat(const std::filesystem::path& path, const std::string& format) {
  const SafetensorsFile file = SafetensorsFile::Read(path);
  TensorMetadata metadata = file.metadata();
  metadata.erase("xxh3");  // made anew
  metadata["format"] = format;
  metadata["semfield_version"] = "9.8.7";
  WriteSafetensors(path, file.tensors(), metadata);
}

void SpoilNumbers(const std::filesystem::path& path) {
  const SafetensorsFile file = SafetensorsFile::Read(path);
  TensorMetadata metadata = file.metadata();
  metadata.erase("xxh3");
  std::vector<TensorView> tensors = file.tensors();
  std::vector<float> values(tensors.front().data.size() / sizeof(float), std::nanf(""));
  tensors.front().data = std::as_bytes(std::span(values));
  WriteSafetensors(path, tensors, metadata);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "teacher") {
      WriteStandIn(words[1], words[2]);
    } else if (words.size() == 3 && words[0] == "checkpoint-format") {
      ChangeFormat(words[1], words[2]);
    } else if (words.size() == 2 && words[0] == "checkpoint-nan") {
      SpoilNumbers(words[1]);
    } else {
      throw std::runtime_error(
          "expected: teacher FOLDER NAME, checkpoint-format FILE FORMAT, or checkpoint-nan FILE");
    }
  } catch (const std::exception& error) {
    std::cerr << "semfield_stand_in: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
