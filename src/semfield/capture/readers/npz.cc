#include "semfield/capture/readers/npz.h"

#include <zlib.h>

#include <cstdint>
#include <span>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr size_t kMaxBytes = size_t{256} << 20;
constexpr size_t kMaxEntries = 256;
constexpr uint32_t kEndMark = 0x06054b50, kEntryMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kEncrypted = 1, kStored = 0, kDeflated = 8;
constexpr const char* kAdvice = ". Copy the file again, or write it anew with numpy.savez";

// One entry of a zip's central directory.
struct ZipEntry {
  std::string name;
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0;
  size_t packed_size = 0, size = 0, local_header = 0;
};

// Little-endian numbers of a file, whose every place is checked.
class ZipBytes {
 public:
  ZipBytes(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::string_view At(size_t begin, size_t size) const {
    if (begin > bytes_.size() || size > bytes_.size() - begin)
      throw InputError("{}: truncated or damaged{}", where_, kAdvice);
    return bytes_.substr(begin, size);
  }
  uint32_t Number(size_t at, int num_bytes) const {
    uint32_t value = 0;
    const std::string_view bytes = At(at, num_bytes);
    for (int i = 0; i < num_bytes; ++i)
      value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }

  // Where the record at the end of the file begins, behind which only a comment stands.
  size_t FindEnd() const {
    for (size_t back = kEndSize; back <= kEndSize + kMaxComment && back <= bytes_.size(); ++back) {
      if (Number(bytes_.size() - back, 4) == kEndMark) return bytes_.size() - back;
    }
    throw InputError("{}: is no npz file (a zip has a directory at its end){}", where_, kAdvice);
  }

  ZipEntry ReadEntry(size_t at, size_t* next) const {
    if (Number(at, 4) != kEntryMark) throw InputError("{}: its directory is damaged{}", where_, kAdvice);
    ZipEntry entry{.name = "",
                   .flags = static_cast<uint16_t>(Number(at + 8, 2)),
                   .method = static_cast<uint16_t>(Number(at + 10, 2)),
                   .crc = Number(at + 16, 4),
                   .packed_size = Number(at + 20, 4),
                   .size = Number(at + 24, 4),
                   .local_header = Number(at + 42, 4)};
    const size_t name_size = Number(at + 28, 2);
    entry.name = At(at + kEntrySize, name_size);
    *next = at + kEntrySize + name_size + Number(at + 30, 2) + Number(at + 32, 2);
    return entry;
  }

  std::string_view PackedBytes(const ZipEntry& entry) const {
    const size_t at = entry.local_header;
    if (Number(at, 4) != kLocalMark)
      throw InputError("{}: '{}' is not where the directory says{}", where_, entry.name, kAdvice);
    return At(at + kLocalSize + Number(at + 26, 2) + Number(at + 28, 2), entry.packed_size);
  }

 private:
  const std::string_view bytes_;
  const std::string& where_;
};

std::string Inflate(std::string_view packed, const ZipEntry& entry, const std::string& where) {
  std::string bytes(entry.size, '\0');
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  constexpr int kRawDeflate = -15;
  if (inflateInit2(&stream, kRawDeflate) != Z_OK)
    throw ResourceError("{}: no memory to unpack '{}'", where, entry.name);
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.total_out == bytes.size();
  inflateEnd(&stream);
  if (!whole) throw InputError("{}: '{}' is damaged{}", where, entry.name, kAdvice);
  return bytes;
}

std::string Unpack(const ZipBytes& zip, const ZipEntry& entry, const std::string& where) {
  if ((entry.flags & kEncrypted) != 0) throw InputError("{}: '{}' is encrypted", where, entry.name);
  if (entry.size > kMaxBytes || (entry.method == kStored && entry.packed_size != entry.size))
    throw InputError("{}: '{}' of {} bytes is damaged or over {}{}", where, entry.name, entry.size, kMaxBytes,
                     kAdvice);
  if (entry.method != kStored && entry.method != kDeflated)
    throw InputError("{}: '{}' is packed by method {}, expected stored or deflated{}", where, entry.name,
                     entry.method, kAdvice);
  const std::string_view packed = zip.PackedBytes(entry);
  std::string bytes = entry.method == kStored ? std::string(packed) : Inflate(packed, entry, where);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
  if (static_cast<uint32_t>(crc) != entry.crc)
    throw InputError("{}: '{}' is damaged (its checksum differs){}", where, entry.name, kAdvice);
  return bytes;
}

}  // namespace

std::map<std::string, NpyMatrix> ReadNpz(const std::filesystem::path& path) {
  const std::string where = path.string();
  const std::string bytes = ReadTextFile(path, kMaxBytes);
  const ZipBytes zip(bytes, where);
  const size_t end = zip.FindEnd();
  const size_t num_entries = zip.Number(end + 10, 2);
  if (num_entries > kMaxEntries)
    throw InputError("{}: {} entries are more than {}", where, num_entries, kMaxEntries);
  std::map<std::string, NpyMatrix> arrays;
  size_t at = zip.Number(end + 16, 4), total = 0;
  for (size_t i = 0; i < num_entries; ++i) {
    const ZipEntry entry = zip.ReadEntry(at, &at);
    if (!entry.name.ends_with(".npy")) continue;
    total += entry.size;
    if (total > kMaxBytes) throw InputError("{}: over {} bytes when unpacked", where, kMaxBytes);
    const std::string name = entry.name.substr(0, entry.name.size() - 4);
    arrays[name] = ParseNpy(Unpack(zip, entry, where), where + ": " + name);
  }
  return arrays;
}

}  // namespace semfield
