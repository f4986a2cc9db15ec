#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

struct Property {
  std::string name;
  std::string type;        // of the value, or of a list's values
  std::string count_type;  // of a list; empty: it is none
};
struct Element {
  std::string name;
  int64_t count = 0;
  std::vector<Property> properties;
};

constexpr int64_t kMostElements = std::numeric_limits<int32_t>::max();

size_t SizeOf(const std::string& type) {
  if (type == "char" || type == "uchar" || type == "int8" || type == "uint8") return 1;
  if (type == "short" || type == "ushort" || type == "int16" || type == "uint16") return 2;
  if (type == "int" || type == "uint" || type == "int32" || type == "uint32" || type == "float" ||
      type == "float32")
    return 4;
  if (type == "double" || type == "float64") return 8;
  return 0;
}

template <class T>
double Read(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<double>(value);
}

double ReadAs(const std::string& type, const std::byte* at) {
  if (type == "char" || type == "int8") return Read<int8_t>(at);
  if (type == "uchar" || type == "uint8") return Read<uint8_t>(at);
  if (type == "short" || type == "int16") return Read<int16_t>(at);
  if (type == "ushort" || type == "uint16") return Read<uint16_t>(at);
  if (type == "int" || type == "int32") return Read<int32_t>(at);
  if (type == "uint" || type == "uint32") return Read<uint32_t>(at);
  if (type == "float" || type == "float32") return Read<float>(at);
  return Read<double>(at);
}

class PlyDecoder {
 public:
  PlyDecoder(std::span<const std::byte> bytes, const std::string& where)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), where_(where) {}

  LabelledMesh Decode() {
    ReadHeader();
    for (const Element& element : elements_) {
      for (int64_t i = 0; i < element.count; ++i) ReadOne(element, i);
    }
    for (const auto& face : result_.mesh.faces) {
      for (const int32_t v : face) {
        if (v >= result_.mesh.num_vertices())
          throw InputError("{}: a face has vertex {} of {}", where_, v, result_.mesh.num_vertices());
      }
    }
    return std::move(result_);
  }

 private:
  std::string Line() {
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) throw InputError("{}: the header of the PLY does not end", where_);
    std::string line(text_.substr(at_, end - at_));
    at_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }

  void ReadHeader() {
    if (Line() != "ply") throw InputError("{}: no PLY file (its first line is not 'ply')", where_);
    bool has_format = false;
    for (std::string line = Line(); line != "end_header"; line = Line()) {
      std::istringstream words(line);
      std::string word;
      words >> word;
      if (word == "format") {
        words >> word;
        if (word != "ascii" && word != "binary_little_endian")
          throw InputError("{}: format {}: expected ascii or binary_little_endian", where_, word);
        is_text_ = word == "ascii";
        has_format = true;
      } else if (word == "element") {
        Element element;
        words >> element.name >> element.count;
        if (!words || element.count < 0 || element.count > kMostElements)
          throw InputError("{}: '{}': expected a name and a count from 0 to {}", where_, line, kMostElements);
        elements_.push_back(element);
      } else if (word == "property") {
        AddProperty(line, words);
      }
    }
    if (!has_format) throw InputError("{}: the header names no format", where_);
    CheckRoom();
  }

  void AddProperty(const std::string& line, std::istringstream& words) {
    Property property;
    words >> property.type;
    if (property.type == "list") words >> property.count_type >> property.type;
    words >> property.name;
    const bool is_known =
        SizeOf(property.type) > 0 && (property.count_type.empty() || SizeOf(property.count_type) > 0);
    if (!words || elements_.empty() || !is_known)
      throw InputError("{}: '{}': not a property that PLY has", where_, line);
    elements_.back().properties.push_back(property);
  }

  // Counts that the file has no bytes for are refused before anything is read.
  void CheckRoom() const {
    for (const Element& element : elements_) {
      size_t least = 0;
      for (const Property& p : element.properties)
        least += is_text_ ? 2 : SizeOf(p.count_type.empty() ? p.type : p.count_type);
      if (element.count > 0 &&
          (least == 0 || static_cast<size_t>(element.count) > (text_.size() + 1) / least))
        throw InputError("{}: {} elements '{}' do not fit into {} bytes", where_, element.count, element.name,
                         text_.size());
    }
  }

  double Value(const std::string& type) {
    if (!is_text_) {
      const size_t size = SizeOf(type);
      if (at_ + size > text_.size()) throw InputError("{}: ends before its last value", where_);
      at_ += size;
      return ReadAs(type, reinterpret_cast<const std::byte*>(text_.data()) + at_ - size);
    }
    constexpr char kSpaces[] = " \t\r\n";
    at_ = text_.find_first_not_of(kSpaces, at_);
    if (at_ == std::string_view::npos) throw InputError("{}: ends before its last value", where_);
    const size_t end = std::min(text_.find_first_of(kSpaces, at_), text_.size());
    const std::string word(text_.substr(at_, end - at_));
    char* rest = nullptr;
    const double value = std::strtod(word.c_str(), &rest);
    if (rest == word.c_str() || *rest != 0) throw InputError("{}: '{}' is no number", where_, word);
    at_ = end;
    return value;
  }

  void ReadOne(const Element& element, int64_t number) {
    Vec3 place = Vec3::Zero();
    std::vector<double> corners;
    std::optional<int32_t> instance;
    for (const Property& property : element.properties) {
      if (!property.count_type.empty()) {
        std::vector<double> values = List(property);
        if (property.name == "vertex_indices" || property.name == "vertex_index") corners = std::move(values);
        continue;
      }
      const double value = Value(property.type);
      if (property.name == "x") place.x() = value;
      if (property.name == "y") place.y() = value;
      if (property.name == "z") place.z() = value;
      if (property.name == "instance") instance = static_cast<int32_t>(std::clamp(value, 0.0, 1e9));
    }
    if (element.name == "vertex") {
      if (!place.cast<float>().allFinite())
        throw InputError("{}: vertex {}: its place is not finite", where_, number);
      result_.mesh.vertices.push_back(place.cast<float>());
    } else if (element.name == "face") {
      AddFace(corners, instance, number);
    }
  }

  std::vector<double> List(const Property& property) {
    const double count = Value(property.count_type);
    if (!(count >= 0) || count > static_cast<double>(text_.size() - at_))
      throw InputError("{}: a list of {} values where {} bytes are left", where_, count, text_.size() - at_);
    std::vector<double> values(static_cast<size_t>(count));
    for (double& value : values) value = Value(property.type);
    return values;
  }

  void AddFace(const std::vector<double>& corners, const std::optional<int32_t>& instance, int64_t number) {
    std::vector<int32_t> face;
    for (const double corner : corners) {
      if (!(corner >= 0) || corner >= static_cast<double>(kMostElements))
        throw InputError("{}: face {}: {} is no vertex", where_, number, corner);
      face.push_back(static_cast<int32_t>(corner));
    }
    for (size_t k = 2; k < face.size(); ++k) {
      result_.mesh.faces.push_back({face[0], face[k - 1], face[k]});
      if (instance) result_.instances.push_back(*instance);
    }
  }

  const std::string_view text_;
  const std::string where_;
  size_t at_ = 0;
  bool is_text_ = false;
  std::vector<Element> elements_;
  LabelledMesh result_;
};

}  // namespace

LabelledMesh DecodePly(std::span<const std::byte> bytes, const std::string& where) {
  return PlyDecoder(bytes, where).Decode();
}

LabelledMesh ReadPly(const std::filesystem::path& path) {
  return DecodePly(ReadFile(path), path.string());
}

}  // namespace semfield
