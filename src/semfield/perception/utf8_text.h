#pragma once

// What the tokenizers share: characters of UTF-8 text.

#include <utf8proc.h>

#include <string>
#include <vector>

namespace semfield {

using Codepoint = utf8proc_int32_t;

// Longest text that a tokenizer takes, in bytes.
inline constexpr size_t kMaxTokenizedBytes = size_t{64} << 10;

// Not UTF-8: InputError with the byte.
std::vector<Codepoint> DecodeUtf8(const std::string& text);
void AppendUtf8(Codepoint point, std::string* text);
bool IsSpaceCharacter(Codepoint point);

}  // namespace semfield
