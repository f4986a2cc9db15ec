#include "semfield/perception/byte_pairs.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "semfield/base/error.h"
#include "semfield/perception/utf8_text.h"

namespace semfield {
namespace {

constexpr size_t kMaxMerges = 1000000;
constexpr size_t kMaxLine = 512;
constexpr char kWordEnd[] = "</w>";

// Bytes that are printed as themselves come first; the others are written as characters from 256 on.
std::vector<std::pair<int, Codepoint>> ByteCharacters() {
  std::vector<std::pair<int, Codepoint>> characters;
  const auto is_plain = [](int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  };
  for (int byte = 0; byte < 256; ++byte) {
    if (is_plain(byte)) characters.emplace_back(byte, byte);
  }
  Codepoint next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    if (!is_plain(byte)) characters.emplace_back(byte, next++);
  }
  return characters;
}

bool IsLetter(Codepoint point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsNumber(Codepoint point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

// How many characters from `at` on are an English ending after an apostrophe; 0: none.
size_t EndingAt(const std::vector<Codepoint>& points, size_t at) {
  for (const char* ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    const std::string text = ending;
    if (at + text.size() <= points.size() && std::equal(text.begin(), text.end(), points.begin() + at))
      return text.size();
  }
  return 0;
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<Codepoint> points = DecodeUtf8(text);
  for (Codepoint& point : points) point = utf8proc_tolower(point);
  std::vector<std::string> words;
  for (size_t at = 0; at < points.size();) {
    if (IsSpaceCharacter(points[at])) {
      ++at;
      continue;
    }
    size_t end = at + EndingAt(points, at);
    if (end == at && IsLetter(points[at])) {
      while (end < points.size() && IsLetter(points[end])) ++end;
    } else if (end == at && IsNumber(points[at])) {
      ++end;
    } else if (end == at) {
      while (end < points.size() && !IsLetter(points[end]) && !IsNumber(points[end]) &&
             !IsSpaceCharacter(points[end]))
        ++end;
    }
    std::string word;
    for (; at < end; ++at) AppendUtf8(points[at], &word);
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

BytePairs::BytePairs(const std::filesystem::path& merges) {
  std::vector<std::string> tokens;
  for (const auto& [byte, character] : ByteCharacters()) {
    AppendUtf8(character, &symbols_[byte]);
    tokens.push_back(symbols_[byte]);
  }
  for (size_t i = 0; i < 256; ++i) tokens.push_back(tokens[i] + kWordEnd);
  std::ifstream file(merges, std::ios::binary);
  if (!file) throw InputError("{}: cannot be read", merges.string());
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const bool is_header = number == 1 && (line.starts_with("#version") || line.find("bpe_simple_vocab") < 4);
    if (is_header || line.empty()) continue;
    const size_t space = line.find(' ');
    if (line.size() > kMaxLine || space == std::string::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string::npos || number > kMaxMerges)
      throw InputError("{}: line {}: expected two tokens with a space between them, got '{}'",
                       merges.string(), number, line.substr(0, 60));
    const std::pair pair(line.substr(0, space), line.substr(space + 1));
    if (!ranks_.emplace(pair, static_cast<int>(ranks_.size())).second)
      throw InputError("{}: line {}: the pair '{}' is there twice", merges.string(), number, line);
    tokens.push_back(pair.first + pair.second);
  }
  if (ranks_.empty()) throw InputError("{}: no pairs to merge", merges.string());
  for (const std::string& token : tokens) ids_.emplace(token, static_cast<int64_t>(ids_.size()));
  if (ids_.size() != tokens.size())
    throw InputError("{}: two pairs merge to the same token", merges.string());
}

void BytePairs::AddWord(const std::string& word, std::vector<int64_t>* ids) const {
  std::vector<std::string> parts;
  for (const char byte : word) parts.push_back(symbols_[static_cast<unsigned char>(byte)]);
  parts.back() += kWordEnd;
  while (parts.size() > 1) {
    int least = std::numeric_limits<int>::max();
    std::pair<std::string, std::string> best;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks_.find({parts[i], parts[i + 1]});
      if (found == ranks_.end() || found->second >= least) continue;
      least = found->second;
      best = found->first;
    }
    if (least == std::numeric_limits<int>::max()) break;
    std::vector<std::string> joined;
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool is_pair = i + 1 < parts.size() && parts[i] == best.first && parts[i + 1] == best.second;
      joined.push_back(is_pair ? parts[i] + parts[i + 1] : parts[i]);
      i += is_pair;
    }
    parts = std::move(joined);
  }
  for (const std::string& part : parts) ids->push_back(ids_.at(part));
}

std::vector<int64_t> BytePairs::Ids(const std::string& text, int max_tokens) const {
  if (text.size() > kMaxTokenizedBytes)
    throw InputError("a text of {} bytes: expected at most {}", text.size(), kMaxTokenizedBytes);
  std::vector<int64_t> ids = {size() - 2};
  for (const std::string& word : WordsOf(text)) {
    if (static_cast<int>(ids.size()) >= max_tokens) break;
    AddWord(word, &ids);
  }
  if (static_cast<int>(ids.size()) >= max_tokens) ids.resize(static_cast<size_t>(max_tokens) - 1);
  ids.push_back(end());
  return ids;
}

}  // namespace semfield
