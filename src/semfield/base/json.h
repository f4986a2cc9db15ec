#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace semfield {

// Keeps the order of keys, so that written files read like the structs they came from.
using Json = nlohmann::ordered_json;

// Reads a JSON file. Missing, unreadable, over max_bytes or malformed: Error with file, line and column.
Json ReadJsonFile(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);
// Parses text; `where` names it in errors.
Json ParseJson(const std::string& text, const std::string& where);
// As text, on one line unless indented. Strings that are not UTF-8 (names of files need not be) get
// replacement characters instead of an exception.
std::string DumpJson(const Json& value, int indent = -1);
// The value as short text for messages: at most 60 bytes and "...".
std::string JsonExcerpt(const Json& value);
// Writes indented JSON atomically (see base/atomic_file.h).
void WriteJsonFile(const std::filesystem::path& path, const Json& value);

}  // namespace semfield
