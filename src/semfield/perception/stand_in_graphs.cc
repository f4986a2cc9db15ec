#include "semfield/perception/stand_in_graphs.h"

#include <cstring>

#include "semfield/base/atomic_file.h"
#include "semfield/base/hash.h"
#include "semfield/base/json.h"

namespace semfield {
namespace {

constexpr int kFloatType = 1;
constexpr int kInt64Type = 7;
constexpr int kIntAttribute = 2;
constexpr int kIntsAttribute = 7;

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(int field, int64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(static_cast<uint64_t>(value));
}
std::string Bytes(int field, const std::string& payload) {
  return Varint(static_cast<uint64_t>(field) << 3 | 2) + Varint(payload.size()) + payload;
}

std::string ValueInfo(const std::string& name, const std::vector<int64_t>& dims, int type = kFloatType) {
  std::string shape;
  for (int64_t dim : dims) shape += Bytes(1, dim < 0 ? Bytes(2, "free") : Number(1, dim));
  const std::string tensor = Number(1, type) + Bytes(2, shape);
  return Bytes(1, name) + Bytes(2, Bytes(1, tensor));
}

}  // namespace

void OnnxWriter::Node(const std::string& op, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs, const std::vector<IntsAttribute>& attributes) {
  std::string node;
  for (const std::string& name : inputs) node += Bytes(1, name);
  for (const std::string& name : outputs) node += Bytes(2, name);
  node += Bytes(4, op);
  for (const IntsAttribute& attribute : attributes) {
    std::string bytes = Bytes(1, attribute.name);
    if (attribute.single)
      bytes += Number(3, attribute.values[0]);
    else
      for (int64_t value : attribute.values) bytes += Number(8, value);
    bytes += Number(20, attribute.single ? kIntAttribute : kIntsAttribute);
    node += Bytes(5, bytes);
  }
  graph_ += Bytes(1, node);
}

void OnnxWriter::Floats(const std::string& name, const std::vector<int64_t>& dims,
                        const std::vector<float>& values) {
  std::string raw(values.size() * sizeof(float), '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  std::string tensor;
  for (int64_t dim : dims) tensor += Number(1, dim);
  graph_ += Bytes(5, tensor + Number(2, kFloatType) + Bytes(8, name) + Bytes(9, raw));
}

void OnnxWriter::Input(const std::string& name, const std::vector<int64_t>& dims) {
  graph_ += Bytes(11, ValueInfo(name, dims));
}

void OnnxWriter::Ids(const std::string& name, const std::vector<int64_t>& dims) {
  graph_ += Bytes(11, ValueInfo(name, dims, kInt64Type));
}

void OnnxWriter::Output(const std::string& name, const std::vector<int64_t>& dims) {
  graph_ += Bytes(12, ValueInfo(name, dims));
}

std::string OnnxWriter::Model() const {
  return Number(1, 7) + Bytes(2, "stand-in") + Bytes(7, graph_ + Bytes(2, "graph")) +
         Bytes(8, Bytes(1, "") + Number(2, 11));
}

std::string StandInEncoder(float bias) {
  constexpr int kPatch = kStandInInput / kStandInGrid;
  OnnxWriter writer;
  std::vector<float> weights(static_cast<size_t>(kStandInChannels) * 3 * kPatch * kPatch, 0.0f);
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < kPatch * kPatch; ++i)
      weights[(c * 3 + c) * kPatch * kPatch + i] = 1.0f / (kPatch * kPatch);
  writer.Floats("weights", {kStandInChannels, 3, kPatch, kPatch}, weights);
  writer.Floats("bias", {1, kStandInChannels, 1, 1}, {0, 0, 0, bias});
  writer.Input("input", {1, 3, kStandInInput, kStandInInput});
  writer.Node("Conv", {"input", "weights"}, {"/conv"}, {{"strides", {kPatch, kPatch}}});
  writer.Node("Add", {"/conv", "bias"}, {"output"});
  writer.Output("output", {1, kStandInChannels, kStandInGrid, kStandInGrid});
  return writer.Model();
}

std::string StandInDecoder(StandInMasks masks) {
  const bool all = masks == StandInMasks::kAll;
  const bool sam_names = masks == StandInMasks::kOneWithSamNames;
  const std::string all_masks = all ? "low_res_masks" : (sam_names ? "/Reshape_9_output_0" : "/inner_masks");
  const std::string all_scores =
      all ? "iou_predictions" : (sam_names ? "/iou_prediction_head/layers.2/Gemm_output_0" : "/inner_scores");
  OnnxWriter writer;
  writer.Input("image_embeddings", {1, kStandInChannels, kStandInGrid, kStandInGrid});
  writer.Input("point_coords", {1, -1, 2});
  writer.Input("point_labels", {1, -1});
  writer.Input("mask_input", {1, 1, kStandInMask, kStandInMask});
  writer.Input("has_mask_input", {1});
  writer.Input("orig_im_size", {2});
  writer.Node("Mul", {"mask_input", "has_mask_input"}, {"earlier"});
  writer.Node("Add", {"image_embeddings", "earlier"}, {all_masks});
  writer.Floats("xy_to_scores", {2, 4}, {1, 0, 0, 0, 0, 1, 0, 0});
  writer.Floats("label_to_scores", {1, 4}, {0, 0, 1, 0});
  writer.Node("MatMul", {"point_coords", "xy_to_scores"}, {"by_point"});
  writer.Node("ReduceSum", {"by_point"}, {"sum_xy"}, {{"axes", {1}}, {"keepdims", {0}, true}});
  writer.Node("ReduceSum", {"point_labels"}, {"sum_labels"}, {{"axes", {1}}, {"keepdims", {1}, true}});
  writer.Node("MatMul", {"sum_labels", "label_to_scores"}, {"by_label"});
  writer.Node("Add", {"sum_xy", "by_label"}, {all_scores});
  if (!all) {
    writer.Node("ReduceMean", {all_masks}, {"low_res_masks"}, {{"axes", {1}}, {"keepdims", {1}, true}});
    writer.Node("ReduceMax", {all_scores}, {"iou_predictions"}, {{"axes", {1}}, {"keepdims", {1}, true}});
  }
  const int64_t count = all ? 4 : 1;
  writer.Output("low_res_masks", {1, count, kStandInMask, kStandInMask});
  writer.Output("iou_predictions", {1, count});
  return writer.Model();
}

const char kStandInMerges[] =
    "#version: 0.2\nr e\nre d</w>\ng r\ngr e\ngre e\ngree n</w>\nb l\nbl u\nblu e</w>";

std::string StandInImageTower() {
  OnnxWriter writer;
  writer.Input("pixels", {1, 3, kStandInPicture, kStandInPicture});
  writer.Node("ReduceMean", {"pixels"}, {"seen"}, {{"axes", {2, 3}}, {"keepdims", {0}, true}});
  writer.Output("seen", {1, 3});
  return writer.Model();
}

std::string StandInTextTower(const std::vector<float>& table) {
  OnnxWriter writer;
  writer.Ids("tokens", {1, -1});
  writer.Floats("table", {static_cast<int64_t>(table.size()) / 3, 3}, table);
  writer.Node("Gather", {"table", "tokens"}, {"vectors"});
  writer.Node("ReduceSum", {"vectors"}, {"read"}, {{"axes", {1}}, {"keepdims", {0}, true}});
  writer.Output("read", {1, 3});
  return writer.Model();
}

std::vector<float> StandInColors() {
  constexpr int kTokens = 512 + 9 + 2, kRed = 513, kGreen = 517, kBlue = 520;
  std::vector<float> table(3 * kTokens, 0.001f);
  table[3 * kRed] = table[3 * kGreen + 1] = table[3 * kBlue + 2] = 1;
  return table;
}

ModelFile WriteModelFile(const std::filesystem::path& folder, const std::string& name,
                         const std::string& bytes) {
  WriteFileAtomically(folder / name, bytes);
  return {name, Sha256File(folder / name), static_cast<int64_t>(bytes.size())};
}

ModelCard WriteStandIn(const std::filesystem::path& folder, const std::string& name, StandInMasks masks) {
  ModelCard card;
  card.name = name;
  card.kind = "sam";
  card.licence = "Apache-2.0";
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
