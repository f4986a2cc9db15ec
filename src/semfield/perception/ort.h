#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"

namespace semfield {

enum class ElementType { kOther = 0, kFloat = 1, kInt64 = 7 };  // the numbers are ONNX's own

// One input or output of a graph.
struct TensorInfo {
  std::string name;
  ElementType type = ElementType::kOther;
  std::vector<int64_t> shape;  // -1 where the graph leaves it free
};

// "input f32 [1, 3, 1024, 1024], ..." for messages.
std::string Describe(const std::vector<TensorInfo>& tensors);
// Whether the shape may be the one asked for; -1 on either side fits anything.
bool MatchesShape(const TensorInfo& tensor, const std::vector<int64_t>& shape);

// A view of the caller's memory; exactly one of the spans is used, as `type` says.
struct TensorInput {
  std::string name;
  std::vector<int64_t> shape;
  ElementType type = ElementType::kFloat;
  std::span<const float> floats;
  std::span<const int64_t> ints;
};

struct TensorOutput {
  std::vector<int64_t> shape;
  std::vector<float> floats;  // when the output is f32
  std::vector<int64_t> ints;  // when the output is i64
};

// ONNX Runtime, loaded like a driver: no header and no link, only the frozen table of the C interface.
class InferenceRuntime {
 public:
  // Searches an explicit path (and then nothing else), <executable>/../lib/semfield, the system's
  // libonnxruntime.so.1, and node_modules/onnxruntime-node (see NodeModulesFolders), in this order. A library
  // that is not ONNX Runtime or is older than 1.14 is passed over. None: ResourceError with what was tried
  // and what to run. Loaded once a process and library, and never unloaded.
  static std::shared_ptr<InferenceRuntime> Load(const std::string& explicit_path = "");

  const std::string& version() const { return version_; }      // e.g. "1.30.0"
  const std::filesystem::path& path() const { return path_; }  // what was opened
  struct Api;                                                  // the slots in use
  const Api& api() const { return *api_; }
  void* env() const { return env_; }
  ~InferenceRuntime();

 private:
  InferenceRuntime() = default;
  static std::shared_ptr<InferenceRuntime> TryOpen(const std::string& library, std::string* problem);
  std::string version_;
  std::filesystem::path path_;
  std::unique_ptr<Api> api_;
  void* env_ = nullptr;
};

struct SessionOptions {
  int threads = 0;  // 0: as many as base/parallel.h uses
  std::vector<std::string>
      extra_outputs;  // inner tensors to append to the graph's outputs (perception/onnx_taps.h)
};

// A loaded graph. Run may be called from several threads at once.
class InferenceSession {
 public:
  // Reads and optimises the graph. Damaged, unsupported or with tensors it does not have: InputError naming
  // the file.
  InferenceSession(std::shared_ptr<InferenceRuntime> runtime, const std::filesystem::path& model,
                   const SessionOptions& options = {});
  ~InferenceSession();
  InferenceSession(const InferenceSession&) = delete;
  InferenceSession& operator=(const InferenceSession&) = delete;

  const std::vector<TensorInfo>& inputs() const { return inputs_; }
  const std::vector<TensorInfo>& outputs() const { return outputs_; }
  const TensorInfo* FindInput(const std::string& name) const;
  const TensorInfo* FindOutput(const std::string& name) const;
  const std::filesystem::path& model() const { return model_; }
  const InferenceRuntime& runtime() const { return *runtime_; }

  // Outputs in the order of the names asked for. What the graph refuses, and outputs that are neither f32 nor
  // i64: InputError. A span whose size is not the product of its shape is a bug. Asked to stop it ends after
  // the operator at hand, with InterruptedError; nullptr cannot be stopped.
  std::vector<TensorOutput> Run(const std::vector<TensorInput>& inputs,
                                const std::vector<std::string>& outputs,
                                const StopToken* stop = nullptr) const;

 private:
  void ReadSignature();
  void Open(const SessionOptions& options);
  std::shared_ptr<InferenceRuntime> runtime_;
  std::filesystem::path model_;
  void* session_ = nullptr;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
};

}  // namespace semfield
