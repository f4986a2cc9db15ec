#include "semfield/scenes/training/process_group.h"

// Debian's LibTorch is built with Gloo; its headers ask to be told.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <charconv>
#include <chrono>

#include "semfield/base/error.h"

namespace semfield {
namespace {

struct Address {
  std::string host;
  uint16_t port = 0;
};

Address AddressOf(const std::string& text) {
  const size_t colon = text.rfind(':');
  Address address{.host = text.substr(0, colon)};
  const char* begin = colon == std::string::npos ? text.data() + text.size() : text.data() + colon + 1;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), address.port);
  if (error != std::errc() || end != text.data() + text.size() || address.host.empty() || address.port == 0)
    throw InputError("--master '{}': expected HOST:PORT, e.g. 192.168.0.2:29500", text);
  return address;
}

}  // namespace

struct ProcessGroup::Impl {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
  int world = 1;
};

ProcessGroup::ProcessGroup(const TrainingProcesses& processes, double seconds)
    : impl_(std::make_unique<Impl>()) {
  const Address master = AddressOf(processes.master);
  const std::chrono::milliseconds timeout(static_cast<int64_t>(1000 * seconds));
  impl_->world = processes.world_size;
  try {
    c10d::TCPStoreOptions options;
    options.port = master.port;
    options.isServer = processes.rank == 0;
    options.numWorkers = static_cast<size_t>(processes.world_size);
    options.timeout = timeout;
    impl_->store = c10::make_intrusive<c10d::TCPStore>(master.host, options);
    const auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
    const bool local = master.host == "127.0.0.1" || master.host == "localhost";
    gloo->devices.push_back(local ? c10d::ProcessGroupGloo::createDeviceForHostname(master.host)
                                  : c10d::ProcessGroupGloo::createDefaultDevice());
    impl_->group =
        c10::make_intrusive<c10d::ProcessGroupGloo>(impl_->store, processes.rank, processes.world_size, gloo);
  } catch (const std::exception& error) {
    throw ResourceError("process {} of {}: the others do not answer at {} ({})", processes.rank,
                        processes.world_size, processes.master, error.what());
  }
}

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::Average(std::vector<torch::Tensor>& tensors) {
  const torch::NoGradGuard no_gradient;
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& tensor : tensors) flat.push_back(tensor.flatten());
  std::vector<torch::Tensor> all = {torch::cat(flat)};
  try {
    impl_->group->allreduce(all)->wait();
  } catch (const std::exception& error) {
    throw ResourceError(
        "another process of the training is gone ({}). Go on from the last checkpoint with "
        "--resume in all processes",
        error.what());
  }
  all.front().div_(impl_->world);
  int64_t at = 0;
  for (torch::Tensor& tensor : tensors) {
    tensor.copy_(all.front().narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
}

}  // namespace semfield
