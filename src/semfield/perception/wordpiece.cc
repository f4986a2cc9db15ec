#include "semfield/perception/wordpiece.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "semfield/base/error.h"
#include "semfield/perception/utf8_text.h"

namespace semfield {
namespace {

constexpr size_t kMaxPieces = 1000000;
constexpr size_t kMaxWord = 100;  // characters

// Of what the text is freed first.
bool IsNothing(Codepoint point) {
  if (point == '\t' || point == '\n' || point == '\r') return false;
  const utf8proc_category_t category = utf8proc_category(point);
  return point == 0 || point == 0xfffd || category == UTF8PROC_CATEGORY_CC ||
         category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO ||
         category == UTF8PROC_CATEGORY_CS;
}

bool IsPunctuation(Codepoint point) {
  const bool ascii = (point >= 33 && point <= 47) || (point >= 58 && point <= 64) ||
                     (point >= 91 && point <= 96) || (point >= 123 && point <= 126);
  const utf8proc_category_t category = utf8proc_category(point);
  return ascii || (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO);
}

// The blocks that BERT takes for Chinese.
bool IsChinese(Codepoint point) {
  constexpr Codepoint kBlocks[][2] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
                                      {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
                                      {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [&](const auto& block) { return point >= block[0] && point <= block[1]; });
}

// Canonical decomposition without marks, in lower case.
void AppendPlain(Codepoint point, std::vector<Codepoint>* plain) {
  Codepoint parts[32];
  int boundary = UTF8PROC_BOUNDCLASS_START;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(point, parts, std::size(parts), UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, std::size(parts)); ++i) {
    if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) plain->push_back(utf8proc_tolower(parts[i]));
  }
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(word);
    word.clear();
  };
  std::vector<Codepoint> plain;
  for (const Codepoint point : DecodeUtf8(text)) {
    if (IsNothing(point)) continue;
    const bool alone = IsChinese(point);
    if (IsSpaceCharacter(point) || alone) plain.push_back(' ');
    if (!IsSpaceCharacter(point)) AppendPlain(point, &plain);
    if (alone) plain.push_back(' ');
  }
  for (const Codepoint point : plain) {
    if (IsSpaceCharacter(point)) {
      finish();
    } else if (IsPunctuation(point)) {
      finish();
      AppendUtf8(point, &word);
      finish();
    } else {
      AppendUtf8(point, &word);
    }
  }
  finish();
  return words;
}

// Bytes of the UTF-8 character that begins there.
size_t LengthAt(const std::string& word, size_t at) {
  const auto lead = static_cast<unsigned char>(word[at]);
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace

WordPiece::WordPiece(const std::filesystem::path& vocabulary) {
  std::ifstream file(vocabulary, std::ios::binary);
  if (!file) throw InputError("{}: cannot be read", vocabulary.string());
  std::string line;
  while (std::getline(file, line)) {
    const auto id = static_cast<int64_t>(ids_.size());
    if (ids_.size() >= kMaxPieces) throw InputError("{}: over {} pieces", vocabulary.string(), kMaxPieces);
    if (line.size() > 4 * kMaxWord || !ids_.emplace(line, id).second)
      throw InputError("{}: line {}: a piece twice, or over {} bytes: '{}'", vocabulary.string(), id + 1,
                       4 * kMaxWord, line.substr(0, 60));
  }
  begin_ = Special("[CLS]", vocabulary);
  end_ = Special("[SEP]", vocabulary);
  unknown_ = Special("[UNK]", vocabulary);
}

int64_t WordPiece::Special(const std::string& piece, const std::filesystem::path& file) const {
  const auto found = ids_.find(piece);
  if (found == ids_.end())
    throw InputError("{}: no {} in the vocabulary: expected one piece a line", file.string(), piece);
  return found->second;
}

void WordPiece::AddWord(const std::string& word, std::vector<int64_t>* ids) const {
  std::vector<size_t> starts;  // of characters, and the word's end
  for (size_t at = 0; at < word.size(); at += LengthAt(word, at)) starts.push_back(at);
  if (starts.size() > kMaxWord) {
    ids->push_back(unknown_);
    return;
  }
  starts.push_back(word.size());
  std::vector<int64_t> pieces;
  for (size_t first = 0; first + 1 < starts.size();) {
    size_t last = starts.size() - 1;
    for (; last > first; --last) {
      const std::string piece = word.substr(starts[first], starts[last] - starts[first]);
      const auto found = ids_.find(first > 0 ? "##" + piece : piece);
      if (found == ids_.end()) continue;
      pieces.push_back(found->second);
      break;
    }
    if (last == first) {
      pieces = {unknown_};
      break;
    }
    first = last;
  }
  ids->insert(ids->end(), pieces.begin(), pieces.end());
}

std::vector<int64_t> WordPiece::Ids(const std::string& text, int max_tokens) const {
  if (text.size() > kMaxTokenizedBytes)
    throw InputError("a text of {} bytes: expected at most {}", text.size(), kMaxTokenizedBytes);
  std::vector<int64_t> ids = {begin_};
  for (const std::string& word : WordsOf(text)) {
    if (static_cast<int>(ids.size()) >= max_tokens) break;
    AddWord(word, &ids);
  }
  if (static_cast<int>(ids.size()) >= max_tokens) ids.resize(static_cast<size_t>(max_tokens) - 1);
  ids.push_back(end_);
  return ids;
}

}  // namespace semfield
