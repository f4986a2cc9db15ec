#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "semfield/base/check.h"

namespace semfield {

// One tensor of a safetensors file. The bytes belong to someone else; row-major, little-endian.
struct TensorView {
  std::string name;
  std::string dtype;  // "F32", "F16", "U8", "I32", "I64"; read also: the others of the format
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

// "F32" of float, "F16" of Half (uint16_t), "U8", "I32", "I64".
template <class T>
constexpr const char* TensorDtype() {
  if constexpr (std::is_same_v<T, float>) return "F32";
  if constexpr (std::is_same_v<T, uint16_t>) return "F16";
  if constexpr (std::is_same_v<T, uint8_t>) return "U8";
  if constexpr (std::is_same_v<T, int32_t>) return "I32";
  if constexpr (std::is_same_v<T, int64_t>) return "I64";
}

// Bytes of one element, 0 for an unknown dtype.
size_t TensorElementSize(const std::string& dtype);

template <class T>
TensorView MakeTensorView(std::string name, std::vector<int64_t> shape, std::span<const T> values) {
  return {std::move(name), TensorDtype<T>(), std::move(shape), std::as_bytes(values)};
}

using TensorMetadata = std::map<std::string, std::string>;

// Files of our own carry a checksum of header and data; kOptional reads those of other programs too.
enum class ChecksumPolicy { kRequired, kOptional };

// A whole safetensors file in memory: 8 bytes of header length, a JSON header, the data. Every length, offset
// and shape is checked before use, and tensors must fill the data without gap or overlap.
class SafetensorsFile {
 public:
  // Missing, truncated, damaged or without the checksum that is required: Error naming the file.
  static SafetensorsFile Read(const std::filesystem::path& path,
                              ChecksumPolicy policy = ChecksumPolicy::kRequired);

  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const TensorMetadata& metadata() const { return metadata_; }
  // Missing key: Error naming file and key.
  const std::string& Metadata(const std::string& key) const;

  // In the order of the data. Valid as long as this object lives (moving it keeps them).
  const std::vector<TensorView>& tensors() const { return tensors_; }
  bool Has(const std::string& name) const { return Find(name) != nullptr; }
  const TensorView* Find(const std::string& name) const;  // nullptr: none of that name

  // The bytes of a tensor that must be there with this dtype and shape (-1: any extent), else Error naming
  // file and tensor, expected and got.
  std::span<const std::byte> Bytes(const std::string& name, const std::string& dtype,
                                   const std::vector<int64_t>& shape) const;
  template <class T>
  std::span<const T> Get(const std::string& name, const std::vector<int64_t>& shape) const {
    const std::span<const std::byte> bytes = Bytes(name, TensorDtype<T>(), shape);
    CheckAligned(name, bytes, alignof(T));
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  SafetensorsFile() = default;
  void CheckAligned(const std::string& name, std::span<const std::byte> bytes, size_t alignment) const;

  std::filesystem::path path_;
  std::vector<std::byte> content_;
  TensorMetadata metadata_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t> index_;
};

// Written atomically (base/atomic_file.h; a full disk is ErrorKind::kResource and leaves the old file).
// Tensors with larger elements come first, so that all are aligned. Adds the metadata key "xxh3".
void WriteSafetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const TensorMetadata& metadata);

}  // namespace semfield
