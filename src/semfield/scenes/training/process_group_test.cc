#include "semfield/scenes/training/process_group.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "semfield/base/error.h"
#include "semfield/scenes/nn/blocks.h"
#include "semfield/scenes/training/adam.h"

namespace semfield {
namespace {

std::string Here() {
  return "127.0.0.1:" + std::to_string(31500 + ::getpid() % 2000);
}

// A small network and the optimizer of it; every call makes the same one.
struct Learner {
  Learner() : net((torch::manual_seed(5), nn::Mlp({3, 16, 2}))), adam(Groups()) {}
  std::vector<nn::ParameterGroup> Groups() {
    nn::ParameterGroup group{.name = "all", .learning_rate = 1e-2};
    for (const auto& item : net->named_parameters()) group.parameters.emplace_back(item.key(), item.value());
    return {group};
  }
  std::vector<torch::Tensor> Gradients(const torch::Tensor& batch) {
    adam.ZeroGradients();
    (net->forward(batch) - batch.narrow(1, 0, 2)).square().mean().backward();
    std::vector<torch::Tensor> gradients;
    for (const torch::Tensor& parameter : net->parameters()) gradients.push_back(parameter.grad());
    return gradients;
  }
  torch::nn::Sequential net;
  nn::Adam adam;
};

TEST(ProcessGroup, TwoProcessesAreOneWithTwiceTheBatch) {
  constexpr int kSteps = 5;
  const torch::Tensor data = torch::rand({kSteps, 8, 3});
  Learner one, first, second;
  for (int step = 0; step < kSteps; ++step) {
    one.Gradients(data[step]);
    one.adam.Step(step + 1, 1);
  }
  // Each is a process to Gloo: all they share is the address.
  const auto train = [&](Learner& learner, int rank) {
    ProcessGroup group({.world_size = 2, .rank = rank, .master = Here()}, 30);
    for (int step = 0; step < kSteps; ++step) {
      std::vector<torch::Tensor> gradients = learner.Gradients(data[step].narrow(0, 4 * rank, 4));
      group.Average(gradients);
      learner.adam.Step(step + 1, 1);
    }
  };
  std::thread other([&] { train(second, 1); });
  train(first, 0);
  other.join();
  const auto expected = one.net->parameters(), a = first.net->parameters(), b = second.net->parameters();
  for (size_t p = 0; p < expected.size(); ++p) {
    EXPECT_LT((a[p] - expected[p]).abs().max().item<double>(), 1e-5);
    EXPECT_TRUE(torch::equal(a[p], b[p]));
  }
  EXPECT_GT((expected[0] - Learner().net->parameters()[0]).abs().max().item<double>(), 1e-3);
}

TEST(ProcessGroup, OneThatIsGoneEndsTheOthersWithWhatToDo) {
  const std::string master = "127.0.0.1:" + std::to_string(33600 + ::getpid() % 2000);
  std::thread other([&] { ProcessGroup({.world_size = 2, .rank = 1, .master = master}, 30); });
  ProcessGroup group({.world_size = 2, .rank = 0, .master = master}, 5);
  other.join();
  std::vector<torch::Tensor> gradients = {torch::ones({4})};
  try {
    group.Average(gradients);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos) << error.what();
  }
}

TEST(ProcessGroup, AnAddressThatIsNoneIsSaid) {
  for (const char* master : {"", "host", "host:", ":1", "host:99999", "host:1x"})
    EXPECT_THROW(ProcessGroup({.world_size = 2, .rank = 0, .master = master}), Error) << master;
}

}  // namespace
}  // namespace semfield
