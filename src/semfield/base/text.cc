#include "semfield/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace semfield {
namespace {

// Bytes of the UTF-8 character that begins at text[at]; 0 when none does.
size_t Utf8Length(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first < 0xe0   ? 2
                        : (first & 0xf0) == 0xe0        ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// Of the character of `length` bytes at text[at].
bool IsControl(const std::string& text, size_t at, size_t length) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (length == 1) return byte(0) < 32 || byte(0) == 127;
  return length == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;  // U+0080 to U+009F: some terminals obey them
}

std::string Escaped(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Calls take(text of a character as it may be shown) until it returns false.
template <class Take>
void ForEachCharacter(const std::string& text, std::string_view kept, const Take& take) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = Utf8Length(text, at), bytes = std::max<size_t>(length, 1);
    const std::string_view character(text.data() + at, bytes);
    const bool shown =
        kept.find(character) != std::string_view::npos || (length > 0 && !IsControl(text, at, length));
    if (!take(shown ? std::string(character) : Escaped(character))) return;
    at += bytes;
  }
}

}  // namespace

bool IsUtf8(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = Utf8Length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string PrintableText(const std::string& text) {
  constexpr size_t kLongest = 120;
  std::string shown;
  bool cut = false;
  ForEachCharacter(text, "", [&](const std::string& character) {
    cut = shown.size() >= kLongest;
    if (!cut) shown += character;
    return !cut;
  });
  return cut ? shown + "..." : shown;
}

std::string TerminalText(const std::string& text, size_t max_bytes) {
  std::string whole = text;
  if (text.size() > max_bytes) {
    const size_t half = max_bytes / 2;
    size_t end = half, begin = text.size() - half;  // between characters
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) ++begin;
    whole = fmt::format("{} ... ({} bytes left out) ... {}", text.substr(0, end), begin - end,
                        text.substr(begin));
  }
  std::string shown;
  ForEachCharacter(whole, "\n\t", [&](const std::string& character) {
    shown += character;
    return true;
  });
  return shown;
}

std::string ShellQuoted(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./,:+@%=").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string FileNameText(const std::string& name) {
  std::string text;
  for (size_t at = 0; at < name.size();) {
    const size_t length = Utf8Length(name, at);
    const char c = name[at];
    if (length > 1 && !IsControl(name, at, length)) {
      text += name.substr(at, length);
    } else {
      text += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' ? c : '_';
    }
    at += std::max<size_t>(length, 1);
  }
  return text;
}

}  // namespace semfield
