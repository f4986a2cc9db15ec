#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace semfield {

// What of an ONNX file is read without a protobuf library: enough to append outputs safely.
struct OnnxOutline {
  std::vector<std::string> outputs;  // names of the graph's outputs
  size_t num_nodes = 0;
};

// Walks the framing of a ModelProto. Truncated, without a graph, or over 2 GiB: InputError; `where` names the
// file.
OnnxOutline ReadOnnxOutline(std::span<const std::byte> model, const std::string& where);

// Makes inner tensors of a graph outputs of it, by appending a second `graph` field: protobuf merges repeated
// occurrences of a message, so nothing is rewritten and the runtime infers types and shapes. Names that are
// already outputs, and repeated names, are left out. Over 64 names, empty ones or ones over 1024 bytes:
// InputError.
std::vector<std::byte> AppendGraphOutputs(std::vector<std::byte> model,
                                          const std::vector<std::string>& tensors, const std::string& where);

}  // namespace semfield
