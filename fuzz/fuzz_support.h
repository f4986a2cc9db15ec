#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What the fuzz targets share. A target is a function LLVMFuzzerTestOneInput: libFuzzer calls it (see
// scripts/fuzz.sh), or replay_main.cc does as an ordinary test.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace semfield::fuzz {

// A folder of this process under the system's temporary one, removed at its end.
const std::filesystem::path& Folder();

// Overwrites a file, making its folders.
void WriteBytes(const std::filesystem::path& path, std::string_view bytes);

// Plain images of 16 x 12 pixels under `folder`, once.
void WriteImagesOnce(const std::filesystem::path& folder, const std::vector<std::string>& names);

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The parts of a text between lines "---"; always `count` of them, empty where the text is too short.
std::vector<std::string_view> TextParts(std::string_view text, size_t count);

// The parts of a binary input: for each but the last a length of 3 bytes, little end first, then the parts
// one after another; lengths are cut to what is there. JoinParts is its inverse.
std::vector<std::string_view> BinaryParts(std::string_view bytes, size_t count);
std::string JoinParts(const std::vector<std::string>& parts);

// Runs `body` and returns 0. An Error with a message that people can read is a right answer to hostile input;
// every other exception, or an Error without one, ends the process.
void ExpectAnswerOrError(void (*body)(const void*), const void* argument);
template <class Body>
int Check(const Body& body) {
  ExpectAnswerOrError([](const void* argument) { (*static_cast<const Body*>(argument))(); }, &body);
  return 0;
}

// How often Check met an answer rather than an Error.
long NumAnswers();

// Reads the folder as a capture of that format (empty: sniffed). What is accepted must hold what readers
// promise: finite rigid poses, cameras of the images' sizes, files inside the folder.
int CheckCapture(const std::filesystem::path& folder, const std::string& format);

// Ends the process and says why, if not `good`.
void Require(bool good, const char* what);

}  // namespace semfield::fuzz
