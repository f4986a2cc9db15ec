// ONNX files that get further outputs: the result must be a model with just these more.
#include <algorithm>

#include "fuzz_support.h"
#include "semfield/perception/onnx_taps.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  return fuzz::Check([&] {
    const auto parts = fuzz::BinaryParts(fuzz::Text(data, size), 2);
    const auto bytes = std::as_bytes(std::span(parts[1]));
    const std::vector<std::byte> model(bytes.begin(), bytes.end());
    const OnnxOutline before = ReadOnnxOutline(model, "model");
    const std::string name(parts[0]);
    const std::vector<std::byte> tapped = AppendGraphOutputs(model, {"/conv", name, name}, "model");
    const OnnxOutline after = ReadOnnxOutline(tapped, "tapped");
    fuzz::Require(after.num_nodes == before.num_nodes, "no node comes or goes");
    fuzz::Require(after.outputs.size() >= before.outputs.size(), "no output goes");
    const auto has = [&](const std::string& output) {
      return std::find(after.outputs.begin(), after.outputs.end(), output) != after.outputs.end();
    };
    fuzz::Require(has("/conv") && has(name), "the outputs asked for are there");
  });
}
