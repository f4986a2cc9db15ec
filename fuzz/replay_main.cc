// Runs a fuzz target over its corpus and over seeded mutations of it, as an ordinary test without libFuzzer:
//
//   fuzz_<target> CORPUS_FOLDER [--mutations N] [--dictionary FILE]
//
// An input that ends the process, or makes it need more than a gibibyte, is left in failing_input.<target>.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz_support.h"
#include "semfield/base/hash.h"
#include "semfield/base/random.h"

namespace {

constexpr long kMaxResidentKiB = 1 << 20;
constexpr size_t kLongestInput = 1 << 16;

// For the handlers below, which may call little else than write.
std::string failing_file;
const std::string* current_input = nullptr;

void KeepInput() {
  if (current_input == nullptr) return;
  const int file = ::open(failing_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(file, current_input->data(), current_input->size());
  ::close(file);
}

void OnSignal(int signal) {
  KeepInput();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

void RunOne(const std::string& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  if (usage.ru_maxrss > kMaxResidentKiB) {
    std::fprintf(stderr, "fuzz: an input of %zu bytes made the process grow to %ld MiB\n", input.size(),
                 usage.ru_maxrss >> 10);
    std::abort();
  }
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Lines "token" or name="token" with \xNN, \\ and \" inside, as libFuzzer reads them.
std::vector<std::string> ReadDictionary(const std::filesystem::path& path) {
  std::vector<std::string> tokens;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t begin = line.find('"'), end = line.rfind('"');
    if (line.empty() || line[0] == '#' || begin == end) continue;
    std::string token;
    for (size_t i = begin + 1; i < end; ++i) {
      if (line[i] != '\\') {
        token += line[i];
      } else if (line[i + 1] == 'x') {
        token += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        token += line[++i];
      }
    }
    tokens.push_back(token);
  }
  return tokens;
}

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::vector<std::string> tokens, uint64_t seed)
      : seeds_(std::move(seeds)), tokens_(std::move(tokens)), random_(seed) {}

  std::string Next() {
    std::string input = seeds_[Below(seeds_.size())];
    for (size_t k = 1 + Below(4); k > 0; --k) Change(&input);
    if (input.size() > kLongestInput) input.resize(kLongestInput);
    return input;
  }

 private:
  size_t Below(size_t end) { return random_.Below(static_cast<uint32_t>(end)); }

  void Change(std::string* input) {
    static constexpr char kOdd[] = {0, 1, 0x7f, char(0x80), char(0xff), '0', '9', '-', '"', '[', '{', '\n'};
    const size_t at = Below(input->size() + 1), length = Below(std::min<size_t>(input->size() - at, 64) + 1);
    switch (Below(8)) {
      case 0:
        input->resize(at);
        break;
      case 1:
        input->erase(at, length);
        break;
      case 2:
        input->insert(at, input->substr(at, length));
        break;
      case 3:
        if (!tokens_.empty()) input->insert(at, tokens_[Below(tokens_.size())]);
        break;
      case 4:
        if (!tokens_.empty()) input->replace(at, length, tokens_[Below(tokens_.size())]);
        break;
      case 5: {
        const std::string& other = seeds_[Below(seeds_.size())];
        const size_t from = Below(other.size() + 1);
        input->replace(at, length, other.substr(from, Below(256)));
        break;
      }
      case 6:
        if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << Below(8)));
        break;
      default:
        if (at < input->size()) (*input)[at] = kOdd[Below(std::size(kOdd))];
    }
  }

  std::vector<std::string> seeds_, tokens_;
  semfield::Random random_;
};

}  // namespace

int main(int argc, char** argv) {
  long mutations = 0;
  std::filesystem::path corpus, dictionary;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--mutations" && i + 1 < argc) {
      mutations = std::strtol(argv[++i], nullptr, 10);
    } else if (word == "--dictionary" && i + 1 < argc) {
      dictionary = argv[++i];
    } else {
      corpus = word;
    }
  }
  failing_file = "failing_input." + std::filesystem::path(argv[0]).filename().string();
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, OnSignal);
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(corpus)) {
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) files.push_back(entry.path());
  } else if (!corpus.empty()) {
    files.push_back(corpus);
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& file : files) seeds.push_back(ReadAll(file));
  if (seeds.empty()) {
    std::fprintf(stderr, "fuzz: no seeds in '%s'\n", corpus.c_str());
    return 2;
  }
  for (const std::string& seed : seeds) RunOne(seed);
  if (semfield::fuzz::NumAnswers() == 0) {
    std::fprintf(stderr, "fuzz: every seed is refused; make them anew with fuzz_make_corpus\n");
    return 1;
  }
  RunOne("");
  Mutator mutator(seeds, ReadDictionary(dictionary), semfield::FastHash(std::string_view(failing_file)));
  for (long i = 0; i < mutations; ++i) RunOne(mutator.Next());
  std::printf("%zu seeds and %ld mutations, %ld answers that are no errors\n", seeds.size(), mutations,
              semfield::fuzz::NumAnswers());
  current_input = nullptr;
  return 0;
}
