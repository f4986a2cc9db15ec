#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace semfield {

// CLIP's tokenizer: text in lower case is split into words, numbers' digits and runs of signs; each one's
// bytes are joined pair by pair as the table of merges says (Sennrich et al. 2016), the earliest pair first.
class BytePairs {
 public:
  // The table as it is published with CLIP: one pair a line, after a line that begins with "#version" or
  // "bpe_simple_vocab". Tokens are numbered as there: 256 bytes, the same at the end of a word, the merges,
  // the token that begins a text and the one that ends it. Damaged or over 1 M lines: InputError.
  explicit BytePairs(const std::filesystem::path& merges);

  // Begin, the text's tokens, end; at most max_tokens (at least 2), what is too much left out. Not UTF-8, or
  // over 64 KiB: InputError.
  std::vector<int64_t> Ids(const std::string& text, int max_tokens) const;

  int size() const { return static_cast<int>(ids_.size()) + 2; }
  int64_t end() const { return size() - 1; }

 private:
  void AddWord(const std::string& word, std::vector<int64_t>* ids) const;

  std::array<std::string, 256> symbols_;                      // of bytes, as the table writes them
  std::map<std::pair<std::string, std::string>, int> ranks_;  // of merges
  std::unordered_map<std::string, int64_t> ids_;
};

}  // namespace semfield
