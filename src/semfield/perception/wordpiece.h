#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace semfield {

// BERT's tokenizer for lower case: text is cleaned, freed of accents and split at spaces, at punctuation and
// around Chinese characters; each word becomes the longest pieces that the vocabulary has, from its
// beginning.
class WordPiece {
 public:
  // One piece a line, numbered from 0; continuations begin with "##". Without [CLS], [SEP] and [UNK], with a
  // piece twice or over 1 M lines: InputError.
  explicit WordPiece(const std::filesystem::path& vocabulary);

  // [CLS], the text's pieces, [SEP]; at most max_tokens (at least 2), what is too much left out. A word
  // of over 100 characters or of unknown ones is [UNK]. Text that is not UTF-8 or over 64 KiB: InputError.
  std::vector<int64_t> Ids(const std::string& text, int max_tokens) const;

  int size() const { return static_cast<int>(ids_.size()); }

 private:
  void AddWord(const std::string& word, std::vector<int64_t>* ids) const;
  int64_t Special(const std::string& piece, const std::filesystem::path& file) const;

  std::unordered_map<std::string, int64_t> ids_;
  int64_t begin_ = 0, end_ = 0, unknown_ = 0;
};

}  // namespace semfield
