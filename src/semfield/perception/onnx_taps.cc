#include "semfield/perception/onnx_taps.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr size_t kMaxModelBytes = (size_t{1} << 31) - 1;  // protobuf's own limit
constexpr size_t kMaxNames = 64;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxGraphOutputs = 4096;

// Field numbers of onnx.proto.
constexpr uint32_t kModelGraph = 7;
constexpr uint32_t kGraphNode = 1;
constexpr uint32_t kGraphOutput = 12;
constexpr uint32_t kValueInfoName = 1;
constexpr uint32_t kLengthDelimited = 2;

// Reads the fields of one message; every step is bounded by the message's end.
class FieldReader {
 public:
  FieldReader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  // False at the end of the message.
  bool Next() {
    if (position_ == bytes_.size()) return false;
    const uint64_t tag = Varint();
    field_ = static_cast<uint32_t>(tag >> 3);
    wire_type_ = static_cast<uint32_t>(tag & 7);
    if (tag >> 32 != 0 || field_ == 0) Fail("a field number out of range");
    switch (wire_type_) {
      case 0:
        Varint();
        payload_ = {};
        break;
      case 1:
        payload_ = Skip(8);
        break;
      case kLengthDelimited:
        payload_ = Skip(Varint());
        break;
      case 5:
        payload_ = Skip(4);
        break;
      default:
        Fail("an unknown wire type");
    }
    return true;
  }
  bool Is(uint32_t field) const { return field_ == field && wire_type_ == kLengthDelimited; }
  std::span<const std::byte> payload() const { return payload_; }

 private:
  [[noreturn]] void Fail(const char* what) const {
    throw InputError("{}: not a whole ONNX file: {} at byte {} of {}; fetch the file again", where_, what,
                     position_, bytes_.size());
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position_ == bytes_.size()) Fail("truncated");
      const auto byte = static_cast<uint8_t>(bytes_[position_++]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (!(byte & 0x80)) return value;
    }
    Fail("a number over 64 bits");
  }
  std::span<const std::byte> Skip(uint64_t count) {
    if (count > bytes_.size() - position_) Fail("truncated");
    const auto skipped = bytes_.subspan(position_, count);
    position_ += count;
    return skipped;
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  size_t position_ = 0;
  uint32_t field_ = 0;
  uint32_t wire_type_ = 0;
  std::span<const std::byte> payload_;
};

std::string Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ReadGraph(std::span<const std::byte> graph, const std::string& where, OnnxOutline& outline) {
  FieldReader fields(graph, where);
  while (fields.Next()) {
    if (fields.Is(kGraphNode)) ++outline.num_nodes;
    if (!fields.Is(kGraphOutput)) continue;
    if (outline.outputs.size() == kMaxGraphOutputs)
      throw InputError("{}: more than {} graph outputs", where, kMaxGraphOutputs);
    FieldReader value(fields.payload(), where);
    while (value.Next())
      if (value.Is(kValueInfoName)) outline.outputs.push_back(Text(value.payload()));
  }
}

void AppendVarint(std::vector<std::byte>& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>(value | 0x80));
  bytes.push_back(static_cast<std::byte>(value));
}

void AppendField(std::vector<std::byte>& bytes, uint32_t field, std::span<const std::byte> payload) {
  AppendVarint(bytes, field << 3 | kLengthDelimited);
  AppendVarint(bytes, payload.size());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
}

}  // namespace

OnnxOutline ReadOnnxOutline(std::span<const std::byte> model, const std::string& where) {
  if (model.size() > kMaxModelBytes)
    throw InputError("{}: {} bytes, expected at most {}: keep large weights as external data", where,
                     model.size(), kMaxModelBytes);
  OnnxOutline outline;
  bool has_graph = false;
  FieldReader fields(model, where);
  while (fields.Next()) {
    if (!fields.Is(kModelGraph)) continue;
    has_graph = true;
    ReadGraph(fields.payload(), where, outline);
  }
  if (!has_graph) throw InputError("{}: not an ONNX model: it holds no graph", where);
  return outline;
}

std::vector<std::byte> AppendGraphOutputs(std::vector<std::byte> model,
                                          const std::vector<std::string>& tensors, const std::string& where) {
  if (tensors.size() > kMaxNames)
    throw InputError("{}: {} extra outputs asked for, expected at most {}", where, tensors.size(), kMaxNames);
  std::vector<std::string> present = ReadOnnxOutline(model, where).outputs;
  std::vector<std::byte> graph;
  for (const std::string& name : tensors) {
    if (name.empty() || name.size() > kMaxNameBytes)
      throw InputError("{}: an extra output's name has {} bytes, expected 1 to {}", where, name.size(),
                       kMaxNameBytes);
    if (std::find(present.begin(), present.end(), name) != present.end()) continue;
    present.push_back(name);
    std::vector<std::byte> value_info;
    AppendField(value_info, kValueInfoName, std::as_bytes(std::span(name)));
    AppendField(graph, kGraphOutput, value_info);
  }
  if (graph.empty()) return model;
  AppendField(model, kModelGraph, graph);
  if (model.size() > kMaxModelBytes) throw InputError("{}: too large for extra outputs", where);
  return model;
}

}  // namespace semfield
