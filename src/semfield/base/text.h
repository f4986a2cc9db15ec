#pragma once

#include <cstddef>
#include <string>

namespace semfield {

// Names and texts from outside, made fit for where they go.

// Whether the bytes are UTF-8.
bool IsUtf8(const std::string& text);

// Text with everything that is not UTF-8, or is a control character (U+0080 to U+009F are too), written as
// \xNN, cut to 120 bytes: what messages show of names from outside.
std::string PrintableText(const std::string& text);

// The same for whole messages: line breaks and tabs stay, and of more than `max_bytes` the middle is left
// out.
std::string TerminalText(const std::string& text, size_t max_bytes = 8192);

// A word as a shell takes it: in quotes where it must be, "it's" too.
std::string ShellQuoted(const std::string& word);

// A name as one part of a file's name: UTF-8 letters, digits, '-' and '.' stay, all else becomes '_'.
std::string FileNameText(const std::string& name);

}  // namespace semfield
