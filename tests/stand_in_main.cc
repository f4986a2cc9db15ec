// Makes what transcripts need and no command makes:
//   semfield_stand_in teacher FOLDER NAME            a model card and two tiny graphs with SAM's tensors: a
//   teacher that
//                                                    answers at once, where no weights are installed
//   semfield_stand_in checkpoint-format FILE FORMAT  the checkpoint as a program of another format would have
//   written it
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/hash.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/stand_in_graphs.h"
#include "semfield/training/safetensors.h"

namespace {

using namespace semfield;

ModelFile Write(const std::filesystem::path& folder, const std::string& name, const std::string& bytes) {
  WriteFileAtomically(folder / name, bytes);
  return {name, Sha256File(folder / name), static_cast<int64_t>(bytes.size())};
}

void WriteTeacher(const std::filesystem::path& folder, const std::string& name) {
  ModelCard card;
  card.name = name;
  card.kind = "sam";
  card.licence = "Apache-2.0";
  card.encoder.file = Write(folder, name + "-encoder.onnx", StandInEncoder());
  card.encoder.input_size = kStandInInput;
  card.encoder.grid = kStandInGrid;
  card.encoder.channels = kStandInChannels;
  card.encoder.mean = {100, 110, 120};
  card.encoder.std = {50, 60, 70};
  card.decoder.file = Write(folder, name + "-decoder.onnx", StandInDecoder(StandInMasks::kAll));
  card.decoder.mask_size = kStandInMask;
  card.decoder.all_masks = "low_res_masks";
  card.decoder.all_scores = "iou_predictions";
  card.decoder.mask_order = {"single", "subpart", "part", "whole"};
  WriteJsonFile(folder / (name + ".json"), ModelCardToJson(card));
}

void ChangeFormat(const std::filesystem::path& path, const std::string& format) {
  const SafetensorsFile file = SafetensorsFile::Read(path);
  TensorMetadata metadata = file.metadata();
  metadata.erase("xxh3");  // made anew
  metadata["format"] = format;
  metadata["semfield_version"] = "9.8.7";
  WriteSafetensors(path, file.tensors(), metadata);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "teacher") {
      WriteTeacher(words[1], words[2]);
    } else if (words.size() == 3 && words[0] == "checkpoint-format") {
      ChangeFormat(words[1], words[2]);
    } else {
      throw std::runtime_error("expected: teacher FOLDER NAME, or checkpoint-format FILE FORMAT");
    }
  } catch (const std::exception& error) {
    std::cerr << "semfield_stand_in: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
