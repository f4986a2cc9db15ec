#include "semfield/training/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie in memory");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's own reader
constexpr size_t kMaxFileBytes = size_t{1} << 40;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kChecksumKey = "xxh3";
const std::string kNoChecksum = "0000000000000000";

Error Damaged(const std::filesystem::path& path, const std::string& what) {
  return InputError("{}: damaged ({})", path.string(), what);
}

// Header and data are chained, so that the data need not lie in one piece while writing.
std::string Checksum(const std::string& header_without_checksum, std::span<const TensorView> in_data_order) {
  uint64_t hash = FastHash(std::string_view(header_without_checksum));
  for (const TensorView& tensor : in_data_order) hash = FastHash(tensor.data, hash);
  return fmt::format("{:016x}", hash);
}

// Where the checksum's digits stand in a header, as WriteSafetensors spells it; npos if nowhere.
size_t ChecksumPosition(const std::string& header, const std::string& digits) {
  const std::string head = fmt::format("\"{}\":\"", kChecksumKey);
  const size_t found = header.find(head + digits + "\"");
  return found == std::string::npos ? found : found + head.size();
}

// Product of the shape times the element size; nothing if negative or too large to be.
std::optional<uint64_t> NumBytes(const std::vector<int64_t>& shape, size_t element_size) {
  uint64_t bytes = element_size;
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent != 0 && bytes > std::numeric_limits<uint64_t>::max() / static_cast<uint64_t>(extent)) {
      return std::nullopt;
    }
    bytes *= static_cast<uint64_t>(extent);
  }
  return bytes;
}

struct Entry {
  TensorView tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::optional<uint64_t> AsUnsigned(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<uint64_t>();
}

Entry ParseEntry(const std::filesystem::path& path, const std::string& name, const Json& value) {
  const auto wrong = [&](const std::string& what) {
    return Damaged(path, fmt::format("header: tensor '{}': {}", name, what));
  };
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    throw wrong("expected dtype, shape and data_offsets");
  }
  const Json& dtype = value["dtype"];
  const Json& shape = value["shape"];
  const Json& offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2) {
    throw wrong("expected a text, a list and two numbers as dtype, shape and data_offsets");
  }
  Entry entry;
  entry.tensor.name = name;
  entry.tensor.dtype = dtype.get<std::string>();
  const size_t element_size = TensorElementSize(entry.tensor.dtype);
  if (element_size == 0) throw wrong("unknown dtype");
  for (const Json& extent : shape) {
    const std::optional<uint64_t> number = AsUnsigned(extent);
    if (!number || *number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      throw wrong("shape: expected whole numbers from 0");
    }
    entry.tensor.shape.push_back(static_cast<int64_t>(*number));
  }
  const std::optional<uint64_t> begin = AsUnsigned(offsets[0]);
  const std::optional<uint64_t> end = AsUnsigned(offsets[1]);
  if (!begin || !end || *begin > *end) throw wrong("data_offsets: expected begin <= end");
  entry.begin = *begin;
  entry.end = *end;
  const std::optional<uint64_t> bytes = NumBytes(entry.tensor.shape, element_size);
  if (!bytes || *bytes != *end - *begin) throw wrong("shape and data_offsets disagree");
  return entry;
}

TensorMetadata ParseMetadata(const std::filesystem::path& path, const Json& value) {
  if (!value.is_object()) throw Damaged(path, "header: __metadata__ is not an object");
  TensorMetadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw Damaged(path, "header: __metadata__ holds something that is not text");
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

Json ParseHeader(const std::filesystem::path& path, const std::string& text) {
  if (text.empty() || text[0] != '{') throw Damaged(path, "header: not a safetensors file");
  try {
    return ParseJson(text, "header");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    throw Damaged(path, error.what());
  }
}

// Sorts by place and requires that the tensors fill `data` exactly.
void PlaceEntries(const std::filesystem::path& path, std::span<const std::byte> data,
                  std::vector<Entry>* entries) {
  std::stable_sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t next = 0;
  for (Entry& entry : *entries) {
    if (entry.begin != next) {
      throw Damaged(path, fmt::format("tensor '{}' starts at byte {} of the data, expected {}",
                                      entry.tensor.name, entry.begin, next));
    }
    if (entry.end > data.size()) {
      throw Damaged(path, fmt::format("truncated: tensor '{}' ends at byte {} of the data, which has {}",
                                      entry.tensor.name, entry.end, data.size()));
    }
    entry.tensor.data = data.subspan(entry.begin, entry.end - entry.begin);
    next = entry.end;
  }
  if (next != data.size()) {
    throw Damaged(path, fmt::format("{} bytes of data, expected {}", data.size(), next));
  }
}

void VerifyChecksum(const std::filesystem::path& path, const std::string& header,
                    const TensorMetadata& metadata, std::span<const TensorView> tensors,
                    ChecksumPolicy policy) {
  const auto found = metadata.find(kChecksumKey);
  if (found == metadata.end()) {
    if (policy == ChecksumPolicy::kOptional) return;
    throw Damaged(path, "no checksum: not written by semfield, or its header is damaged");
  }
  const size_t position = ChecksumPosition(header, found->second);
  std::string without = header;
  if (position == std::string::npos || found->second.size() != kNoChecksum.size()) {
    throw Damaged(path, "checksum");
  }
  without.replace(position, kNoChecksum.size(), kNoChecksum);
  if (Checksum(without, tensors) != found->second) throw Damaged(path, "checksum");
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] < 0 ? "any" : std::to_string(shape[i]);
  }
  return text + "]";
}

bool ShapeFits(const std::vector<int64_t>& got, const std::vector<int64_t>& expected) {
  return std::equal(got.begin(), got.end(), expected.begin(), expected.end(),
                    [](int64_t g, int64_t e) { return e < 0 || g == e; });
}

void CheckWritable(std::span<const TensorView> tensors, const TensorMetadata& metadata) {
  SF_CHECK(!metadata.contains(kChecksumKey));
  std::set<std::string> names;
  for (const TensorView& tensor : tensors) {
    SF_CHECK(!tensor.name.empty() && tensor.name != kMetadataKey);
    if (!names.insert(tensor.name).second) throw BugError("tensor '" + tensor.name + "' is given twice");
    const size_t element_size = TensorElementSize(tensor.dtype);
    SF_CHECK_GT(element_size, 0u);
    const std::optional<uint64_t> bytes = NumBytes(tensor.shape, element_size);
    SF_CHECK(bytes.has_value());
    if (*bytes != tensor.data.size()) {
      throw BugError(fmt::format("tensor '{}': {} bytes given for {} {}", tensor.name, tensor.data.size(),
                                 tensor.dtype, ShapeText(tensor.shape)));
    }
  }
}

std::string HeaderText(std::span<const TensorView> tensors, const TensorMetadata& metadata) {
  Json header;
  Json& texts = header[kMetadataKey] = Json::object();
  for (const auto& [key, text] : metadata) texts[key] = text;
  texts[kChecksumKey] = kNoChecksum;
  uint64_t next = 0;
  for (const TensorView& tensor : tensors) {
    const uint64_t end = next + tensor.data.size();
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {next, end}}};
    if (tensor.shape.empty()) header[tensor.name]["shape"] = Json::array();
    next = end;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((64 - (kLengthBytes + text.size()) % 64) % 64, ' ');  // the data starts aligned
  return text;
}

}  // namespace

size_t TensorElementSize(const std::string& dtype) {
  static const std::map<std::string, size_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

SafetensorsFile SafetensorsFile::Read(const std::filesystem::path& path, ChecksumPolicy policy) {
  SafetensorsFile file;
  file.path_ = path;
  file.content_ = ReadFile(path, kMaxFileBytes);
  const std::span<const std::byte> content(file.content_);
  if (content.size() < kLengthBytes) throw Damaged(path, "truncated: shorter than the length of its header");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, content.data(), kLengthBytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > content.size() - kLengthBytes) {
    throw Damaged(path,
                  fmt::format("truncated or not a safetensors file: a header of {} bytes in a file of {}",
                              header_bytes, content.size()));
  }
  const std::string text(reinterpret_cast<const char*>(content.data()) + kLengthBytes, header_bytes);
  const Json header = ParseHeader(path, text);
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      file.metadata_ = ParseMetadata(path, value);
    } else {
      entries.push_back(ParseEntry(path, name, value));
    }
  }
  PlaceEntries(path, content.subspan(kLengthBytes + header_bytes), &entries);
  for (Entry& entry : entries) {
    file.index_[entry.tensor.name] = file.tensors_.size();
    file.tensors_.push_back(std::move(entry.tensor));
  }
  VerifyChecksum(path, text, file.metadata_, file.tensors_, policy);
  return file;
}

const std::string& SafetensorsFile::Metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) throw InputError("{}: its metadata has no '{}'", path_.string(), key);
  return found->second;
}

const TensorView* SafetensorsFile::Find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::span<const std::byte> SafetensorsFile::Bytes(const std::string& name, const std::string& dtype,
                                                  const std::vector<int64_t>& shape) const {
  const TensorView* tensor = Find(name);
  if (tensor == nullptr) {
    std::vector<std::string> names;
    for (const TensorView& known : tensors_) names.push_back(known.name);
    const std::string nearest = NearestName(name, names);
    throw InputError("{}: no tensor '{}'{}; was it written by the same method and options?", path_.string(),
                     name, nearest.empty() ? "" : fmt::format(" (nearest: '{}')", nearest));
  }
  if (tensor->dtype != dtype || !ShapeFits(tensor->shape, shape)) {
    throw InputError("{}: tensor '{}': expected {} {}, got {} {}; was it written with other options?",
                     path_.string(), name, dtype, ShapeText(shape), tensor->dtype, ShapeText(tensor->shape));
  }
  return tensor->data;
}

void SafetensorsFile::CheckAligned(const std::string& name, std::span<const std::byte> bytes,
                                   size_t alignment) const {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignment != 0) {
    throw InputError("{}: tensor '{}' is not aligned to its element size; write the file anew",
                     path_.string(), name);
  }
}

void WriteSafetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const TensorMetadata& metadata) {
  CheckWritable(tensors, metadata);
  std::vector<TensorView> ordered(tensors.begin(), tensors.end());
  std::stable_sort(ordered.begin(), ordered.end(), [](const TensorView& a, const TensorView& b) {
    return TensorElementSize(a.dtype) > TensorElementSize(b.dtype);
  });
  std::string header = HeaderText(ordered, metadata);
  const size_t position = ChecksumPosition(header, kNoChecksum);
  SF_CHECK_NE(position, std::string::npos);
  header.replace(position, kNoChecksum.size(), Checksum(header, ordered));
  const uint64_t header_bytes = header.size();
  std::vector<std::span<const std::byte>> pieces = {std::as_bytes(std::span(&header_bytes, 1)),
                                                    std::as_bytes(std::span(header))};
  for (const TensorView& tensor : ordered) pieces.push_back(tensor.data);
  WriteFileAtomically(path, pieces);
}

}  // namespace semfield
