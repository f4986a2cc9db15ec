#include "semfield/capture/readers/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/half.h"

namespace semfield {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxBytes = size_t{256} << 20;
constexpr size_t kMaxHeader = 65536;

struct NpyHeader {
  size_t data_begin = 0;
  std::string type;  // "<f8"
  bool fortran = false;
  std::vector<size_t> shape;
};

constexpr const char* kWhatToDo = ". Copy the file again, or write it anew with the program that made it.";

// The text after `'key':` in the header's Python dictionary.
std::string_view ValueOf(std::string_view dictionary, std::string_view key, const std::string& where) {
  for (const char quote : {'\'', '"'}) {
    const size_t at = dictionary.find(quote + std::string(key) + quote);
    if (at == std::string_view::npos) continue;
    std::string_view rest = dictionary.substr(at + key.size() + 2);
    const size_t begin = rest.find_first_not_of(" :");
    if (begin != std::string_view::npos) return rest.substr(begin);
  }
  throw InputError("{}: its npy header has no '{}'{}", where, key, kWhatToDo);
}

std::vector<size_t> ParseShape(std::string_view text, const std::string& where) {
  const size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos) {
    throw InputError("{}: the shape in its npy header is damaged{}", where, kWhatToDo);
  }
  text = text.substr(1, end - 1);
  std::vector<size_t> shape;
  while (true) {
    const size_t begin = text.find_first_not_of(" ,");
    if (begin == std::string_view::npos) return shape;
    text.remove_prefix(begin);
    size_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > kMaxBytes || shape.size() == 8) {
      throw InputError("{}: the shape in its npy header is damaged or too large{}", where, kWhatToDo);
    }
    shape.push_back(value);
    text.remove_prefix(static_cast<size_t>(stop - text.data()));
  }
}

NpyHeader ParseHeader(std::string_view bytes, const std::string& where) {
  if (bytes.size() < 10 || bytes.substr(0, kMagic.size()) != kMagic) {
    throw InputError("{}: is no npy file (its first bytes are not those of one){}", where, kWhatToDo);
  }
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  const size_t version = byte(6);
  if (version < 1 || version > 3)
    throw InputError("{}: npy format {} is unknown{}", where, version, kWhatToDo);
  const size_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) throw InputError("{}: truncated in its header{}", where, kWhatToDo);
  size_t length = byte(8) + (byte(9) << 8);
  if (version > 1) length += (byte(10) << 16) + (byte(11) << 24);
  if (length > kMaxHeader || length > bytes.size() - begin) {
    throw InputError("{}: truncated in its header ({} bytes announced){}", where, length, kWhatToDo);
  }
  const std::string_view dictionary = bytes.substr(begin, length);
  NpyHeader header;
  header.data_begin = begin + length;
  const std::string_view type = ValueOf(dictionary, "descr", where);
  if (type.size() >= 5 && (type[0] == '\'' || type[0] == '"')) header.type = type.substr(1, 3);
  header.fortran = ValueOf(dictionary, "fortran_order", where).substr(0, 4) == "True";
  header.shape = ParseShape(ValueOf(dictionary, "shape", where), where);
  return header;
}

template <class Number>
double LoadAs(const char* bytes, bool swap) {
  char buffer[sizeof(Number)];
  std::memcpy(buffer, bytes, sizeof buffer);
  if (swap) std::reverse(std::begin(buffer), std::end(buffer));
  return static_cast<double>(std::bit_cast<Number>(buffer));
}

double LoadHalf(const char* bytes, bool swap) {
  return HalfToFloat(static_cast<Half>(LoadAs<Half>(bytes, swap)));
}

struct NumberType {
  size_t width = 0;
  double (*load)(const char* bytes, bool swap) = nullptr;
};

NumberType TypeOf(const std::string& type, const std::string& where) {
  if (type == "|u1" || type == "<u1" || type == ">u1") return {1, &LoadAs<uint8_t>};
  if (type.size() == 3 && (type[0] == '<' || type[0] == '>' || type[0] == '=') && type[1] == 'f') {
    if (type[2] == '2') return {2, &LoadHalf};
    if (type[2] == '4') return {4, &LoadAs<float>};
    if (type[2] == '8') return {8, &LoadAs<double>};
  }
  throw InputError("{}: holds '{}', expected float16, float32, float64 or uint8 numbers{}", where, type,
                   kWhatToDo);
}

}  // namespace

bool IsNpyFile(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  char begin[6] = {};
  return file.read(begin, sizeof begin) && std::string_view(begin, sizeof begin) == kMagic;
}

NpyMatrix ReadNpy(const std::filesystem::path& path) {
  return ParseNpy(ReadTextFile(path, kMaxBytes), path.string());
}

NpyMatrix ParseNpy(std::string_view bytes, const std::string& where) {
  const NpyHeader header = ParseHeader(bytes, where);
  const NumberType type = TypeOf(header.type, where);
  if (header.shape.empty() || header.shape.size() > 2) {
    throw InputError("{}: has {} dimensions, expected 2{}", where, header.shape.size(), kWhatToDo);
  }
  NpyMatrix matrix;
  matrix.rows = header.shape[0];
  matrix.cols = header.shape.size() == 2 ? header.shape[1] : 1;
  const size_t room = (bytes.size() - header.data_begin) / type.width;
  // Divides rather than multiplies: the announced counts are anybody's.
  if (matrix.cols > 0 && matrix.rows > room / matrix.cols) {
    throw InputError("{}: truncated: its header announces {}x{} numbers, the file holds {}{}", where,
                     matrix.rows, matrix.cols, room, kWhatToDo);
  }
  matrix.data.resize(matrix.rows * matrix.cols);
  const bool swap = header.type[0] == '>';
  const char* at = bytes.data() + header.data_begin;
  for (size_t i = 0; i < matrix.data.size(); ++i, at += type.width) {
    const size_t place = header.fortran ? (i % matrix.rows) * matrix.cols + i / matrix.rows : i;
    matrix.data[place] = type.load(at, swap);
  }
  return matrix;
}

}  // namespace semfield
