#include "semfield/perception/ort.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <mutex>

#include "semfield/base/atomic_file.h"
#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/perception/onnx_taps.h"
#include "semfield/perception/ort_api.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr int kSequential = 0;
constexpr int kAllOptimisations = 99;
constexpr int kArenaAllocator = 1;
constexpr int kDefaultMemory = 0;
constexpr size_t kMaxRank = 16;

// Releases an opaque object of the runtime at the end of a scope.
class Held {
 public:
  explicit Held(void (*release)(void*)) : release_(release) {}
  ~Held() {
    if (object_) release_(object_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  void** out() { return &object_; }
  void* get() const { return object_; }

 private:
  void (*release_)(void*);
  void* object_ = nullptr;
};

// The runtime begins many messages with "<file>.cc:<line> <function>(...) ", which says nothing to a user.
std::string WithoutSourcePlace(const std::string& message) {
  const size_t file = message.find(".cc:");
  const size_t end = file == std::string::npos ? file : message.find(") ", file);
  return end == std::string::npos || message.find('\n') < end ? message : message.substr(end + 2);
}

class Caller {
 public:
  Caller(const InferenceRuntime::Api& api, const fs::path& model) : api(api), model_(model) {}
  void operator()(OrtStatusPtr status, const char* doing) const {
    const std::string message = api.Take(status);
    if (!message.empty()) throw InputError("{}: {}: {}", model_.string(), doing, WithoutSourcePlace(message));
  }
  const InferenceRuntime::Api& api;

 private:
  const fs::path& model_;
};

ElementType ElementTypeOf(int type) {
  if (type == static_cast<int>(ElementType::kFloat)) return ElementType::kFloat;
  if (type == static_cast<int>(ElementType::kInt64)) return ElementType::kInt64;
  return ElementType::kOther;
}

std::vector<int64_t> ShapeOf(const Caller& call, const void* tensor_info) {
  size_t rank = 0;
  call(call.api.get_rank(tensor_info, &rank), "reading a tensor's rank");
  if (rank > kMaxRank) rank = kMaxRank;
  std::vector<int64_t> shape(rank);
  call(call.api.get_shape(tensor_info, shape.data(), rank), "reading a tensor's shape");
  for (int64_t& size : shape) size = std::max<int64_t>(size, -1);
  return shape;
}

struct SignatureSide {
  OrtStatusPtr (*count)(const void*, size_t*);
  OrtStatusPtr (*name)(const void*, size_t, void*, char**);
  OrtStatusPtr (*type)(const void*, size_t, void**);
};

std::vector<TensorInfo> ReadSide(const Caller& call, const void* session, const SignatureSide& side) {
  void* allocator = nullptr;
  call(call.api.get_allocator(&allocator), "reading the graph's inputs and outputs");
  size_t count = 0;
  call(side.count(session, &count), "counting the graph's inputs and outputs");
  std::vector<TensorInfo> tensors(count);
  for (size_t i = 0; i < count; ++i) {
    char* name = nullptr;
    call(side.name(session, i, allocator, &name), "reading a tensor's name");
    tensors[i].name = name;
    call.api.Take(call.api.allocator_free(allocator, name));
    Held type(call.api.release_type_info);
    call(side.type(session, i, type.out()), "reading a tensor's type");
    const void* info = nullptr;  // owned by `type`; null when it is not a tensor but a sequence or a map
    call(call.api.cast_type_to_tensor(type.get(), &info), "reading a tensor's type");
    if (!info) continue;
    int element = 0;
    call(call.api.get_element_type(info, &element), "reading a tensor's type");
    tensors[i].type = ElementTypeOf(element);
    tensors[i].shape = ShapeOf(call, info);
  }
  return tensors;
}

const TensorInfo* Find(const std::vector<TensorInfo>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorInfo& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

TensorOutput CopyOutput(const Caller& call, void* value, const std::string& name, const fs::path& model) {
  Held info(call.api.release_tensor_info);
  call(call.api.get_tensor_info(value, info.out()), "reading an output");
  int element = 0;
  size_t count = 0;
  call(call.api.get_element_type(info.get(), &element), "reading an output");
  call(call.api.get_element_count(info.get(), &count), "reading an output");
  TensorOutput output;
  output.shape = ShapeOf(call, info.get());
  void* data = nullptr;
  call(call.api.get_tensor_data(value, &data), "reading an output");
  switch (ElementTypeOf(element)) {
    case ElementType::kFloat:
      output.floats.assign(static_cast<const float*>(data), static_cast<const float*>(data) + count);
      break;
    case ElementType::kInt64:
      output.ints.assign(static_cast<const int64_t*>(data), static_cast<const int64_t*>(data) + count);
      break;
    case ElementType::kOther:
      throw InputError("{}: output '{}' has ONNX element type {}, expected f32 (1) or i64 (7)",
                       model.string(), name, element);
  }
  return output;
}

// Values given to or taken from one run.
class Values {
 public:
  Values(const InferenceRuntime::Api& api, size_t count) : api_(api), values_(count, nullptr) {}
  ~Values() {
    for (void* value : values_)
      if (value) api_.release_value(value);
  }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  void** data() { return values_.data(); }
  void*& operator[](size_t i) { return values_[i]; }

 private:
  const InferenceRuntime::Api& api_;
  std::vector<void*> values_;
};

void* MakeValue(const Caller& call, const void* memory, const TensorInput& input) {
  int64_t count = 1;
  for (int64_t size : input.shape) count *= size;
  const bool is_float = input.type == ElementType::kFloat;
  SF_CHECK(is_float || input.type == ElementType::kInt64);
  SF_CHECK_EQ(static_cast<size_t>(count), is_float ? input.floats.size() : input.ints.size());
  const void* data = is_float ? static_cast<const void*>(input.floats.data()) : input.ints.data();
  const size_t bytes = is_float ? input.floats.size_bytes() : input.ints.size_bytes();
  void* value = nullptr;
  // The interface wants a mutable pointer; inputs are only read.
  call(call.api.create_tensor(memory, const_cast<void*>(data), bytes, input.shape.data(), input.shape.size(),
                              static_cast<int>(input.type), &value),
       "making an input");
  return value;
}

}  // namespace

std::string Describe(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const TensorInfo& tensor : tensors) {
    const char* type = tensor.type == ElementType::kFloat   ? "f32"
                       : tensor.type == ElementType::kInt64 ? "i64"
                                                            : "(other type)";
    text += fmt::format("{}{} {} [{}]", text.empty() ? "" : ", ", tensor.name, type,
                        fmt::join(tensor.shape, ", "));
  }
  return text.empty() ? "none" : text;
}

bool MatchesShape(const TensorInfo& tensor, const std::vector<int64_t>& shape) {
  return std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end(),
                    [](int64_t a, int64_t b) { return a == b || a == -1 || b == -1; });
}

InferenceSession::InferenceSession(std::shared_ptr<InferenceRuntime> runtime, const fs::path& model,
                                   const SessionOptions& options)
    : runtime_(std::move(runtime)), model_(model) {
  Open(options);
  try {
    ReadSignature();
  } catch (...) {
    runtime_->api().release_session(session_);
    throw;
  }
}

InferenceSession::~InferenceSession() {
  if (session_) runtime_->api().release_session(session_);
}

void InferenceSession::Open(const SessionOptions& options) {
  const Caller call(runtime_->api(), model_);
  const InferenceRuntime::Api& api = runtime_->api();
  Held settings(api.release_session_options);
  const char* doing = "setting up the session";
  call(api.create_session_options(settings.out()), doing);
  const int threads = options.threads > 0 ? options.threads : NumThreads();
  call(api.set_intra_op_threads(settings.get(), threads), doing);
  call(api.set_inter_op_threads(settings.get(), 1), doing);
  call(api.set_execution_mode(settings.get(), kSequential), doing);
  call(api.set_optimization_level(settings.get(), kAllOptimisations), doing);
  // The planned memory pattern costs about 190 MB on the SAM encoder and saves no time there.
  call(api.disable_mem_pattern(settings.get()), doing);
  // Waiting threads would otherwise burn the cores that the trainer uses.
  call(api.add_config_entry(settings.get(), "session.intra_op.allow_spinning", "0"), doing);

  if (options.extra_outputs.empty()) {
    call(api.create_session(runtime_->env(), model_.c_str(), settings.get(), &session_), "loading the graph");
    return;
  }
  const std::vector<std::byte> bytes =
      AppendGraphOutputs(ReadFile(model_, INT_MAX), options.extra_outputs, model_.string());
  const std::string folder = fs::absolute(model_).parent_path().string();
  call(api.add_config_entry(settings.get(), "session.model_external_initializers_file_folder_path",
                            folder.c_str()),
       doing);
  call(api.create_session_from_array(runtime_->env(), bytes.data(), bytes.size(), settings.get(), &session_),
       "loading the graph with extra outputs");
}

void InferenceSession::ReadSignature() {
  const InferenceRuntime::Api& api = runtime_->api();
  const Caller call(api, model_);
  inputs_ = ReadSide(call, session_, {api.get_input_count, api.get_input_name, api.get_input_type});
  outputs_ = ReadSide(call, session_, {api.get_output_count, api.get_output_name, api.get_output_type});
}

const TensorInfo* InferenceSession::FindInput(const std::string& name) const {
  return Find(inputs_, name);
}
const TensorInfo* InferenceSession::FindOutput(const std::string& name) const {
  return Find(outputs_, name);
}

namespace {

// Ends a run when a stop is asked for. The runtime has to be told, so a thread looks while the run goes on.
class RunStopper {
 public:
  RunStopper(const InferenceRuntime::Api& api, void* run_options, const StopToken& stop)
      : api_(api), run_options_(run_options), stop_(stop) {
    watcher_.Start(1, BackgroundThreads::Priority::kNormal, [this](int) { Watch(); });
  }
  ~RunStopper() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_over_ = true;
    }
    over_.notify_all();
    watcher_.Join();
  }

 private:
  void Watch() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!over_.wait_for(lock, std::chrono::milliseconds(20), [this] { return is_over_; })) {
      if (!stop_.StopRequested()) continue;
      api_.Take(api_.set_terminate(run_options_));
      return;
    }
  }

  const InferenceRuntime::Api& api_;
  void* run_options_;
  const StopToken& stop_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  BackgroundThreads watcher_;
};

}  // namespace

std::vector<TensorOutput> InferenceSession::Run(const std::vector<TensorInput>& inputs,
                                                const std::vector<std::string>& outputs,
                                                const StopToken* stop) const {
  if (stop != nullptr) stop->ThrowIfStopped();
  const InferenceRuntime::Api& api = runtime_->api();
  const Caller call(api, model_);
  Held memory(api.release_memory_info);
  call(api.create_cpu_memory_info(kArenaAllocator, kDefaultMemory, memory.out()), "preparing a run");

  std::vector<const char*> input_names, output_names;
  Values input_values(api, inputs.size()), output_values(api, outputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    input_names.push_back(inputs[i].name.c_str());
    input_values[i] = MakeValue(call, memory.get(), inputs[i]);
  }
  for (const std::string& name : outputs) output_names.push_back(name.c_str());
  Held run_options(api.release_run_options);
  OrtStatusPtr status;
  if (stop == nullptr) {
    status = api.run(session_, nullptr, input_names.data(), input_values.data(), inputs.size(),
                     output_names.data(), outputs.size(), output_values.data());
  } else {
    call(api.create_run_options(run_options.out()), "preparing a run");
    const RunStopper stopper(api, run_options.get(), *stop);
    status = api.run(session_, run_options.get(), input_names.data(), input_values.data(), inputs.size(),
                     output_names.data(), outputs.size(), output_values.data());
  }
  if (status != nullptr && stop != nullptr && stop->StopRequested()) {
    api.Take(status);
    throw InterruptedError();
  }
  call(status, "running the graph");

  std::vector<TensorOutput> results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.push_back(CopyOutput(call, output_values[i], outputs[i], model_));
  return results;
}

}  // namespace semfield
