#include <spng.h>

#include <memory>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/image/codecs.h"
#include "semfield/image/codecs_internal.h"

namespace semfield {
namespace {

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, FreeContext>;

struct PngHeader {
  spng_ihdr ihdr{};
  bool transparent = false;  // alpha channel or tRNS chunk

  bool gray() const {
    return ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE || ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
  }
  int channels() const { return transparent ? 4 : (gray() ? 1 : 3); }
};

void Require(int status, const std::string& where) {
  if (status == SPNG_EMEM) throw ResourceError("{}: not enough memory to decode the PNG", where);
  if (status != 0)
    throw InputError("{}: damaged or truncated PNG: {}{}", where, spng_strerror(status), internal::kWhatToDo);
}

Context NewContext(int flags) {
  Context context(spng_ctx_new(flags));
  if (!context) throw ResourceError("not enough memory for the PNG codec");
  return context;
}

Context NewDecoder(std::span<const std::byte> bytes, const std::string& where) {
  Context context = NewContext(0);
  constexpr uint32_t kMaxSide = static_cast<uint32_t>(internal::kMaxPixels);
  constexpr size_t kMaxChunk = size_t{64} << 20;  // colour profiles and texts, which are skipped
  Require(spng_set_image_limits(context.get(), kMaxSide, kMaxSide), where);
  Require(spng_set_chunk_limits(context.get(), kMaxChunk, kMaxChunk), where);
  Require(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()), where);
  return context;
}

// Bytes of the unfiltered image; deflate makes at most 1032 bytes of one.
double LeastEncodedBytes(const spng_ihdr& ihdr) {
  static constexpr int kSamples[] = {1, 0, 3, 1, 2, 0, 4};
  const double bits = static_cast<double>(ihdr.bit_depth) * kSamples[ihdr.color_type];
  return static_cast<double>(ihdr.width) * ihdr.height * bits / 8 / 1040;
}

PngHeader ReadHeader(spng_ctx* context, const std::string& where) {
  PngHeader header;
  Require(spng_get_ihdr(context, &header.ihdr), where);
  internal::CheckImageSize(header.ihdr.width, header.ihdr.height, 0, 0, where);
  header.transparent = header.ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                       header.ihdr.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  if (!header.transparent) {
    spng_trns trns;
    const int status = spng_get_trns(context, &trns);
    if (status != SPNG_ECHUNKAVAIL) Require(status, where);
    header.transparent = status == 0;
  }
  return header;
}

PngHeader ReadHeaderOf(spng_ctx* context, std::span<const std::byte> bytes, const std::string& where) {
  const PngHeader header = ReadHeader(context, where);
  internal::CheckImageSize(header.ihdr.width, header.ihdr.height, LeastEncodedBytes(header.ihdr),
                           bytes.size(), where);
  return header;
}

// Pixels, then everything up to the end mark, so that a cut-off file is noticed.
void DecodeInto(spng_ctx* context, void* out, size_t out_bytes, spng_format format, int flags,
                const std::string& where) {
  size_t needed = 0;
  Require(spng_decoded_image_size(context, format, &needed), where);
  SF_CHECK_EQ(needed, out_bytes);
  Require(spng_decode_image(context, out, out_bytes, format, flags), where);
  Require(spng_decode_chunks(context), where);
}

ImageU8 Decode8(spng_ctx* context, const PngHeader& header, const std::string& where) {
  const int channels = header.channels();
  ImageU8 image = internal::AllocateImage<uint8_t>(header.ihdr.width, header.ihdr.height, channels, where);
  const spng_format format = channels == 1 ? SPNG_FMT_G8 : (channels == 3 ? SPNG_FMT_RGB8 : SPNG_FMT_RGBA8);
  DecodeInto(context, image.data.data(), image.data.size(), format, channels == 4 ? SPNG_DECODE_TRNS : 0,
             where);
  return image;
}

uint8_t From16(uint16_t value) {
  return static_cast<uint8_t>((uint32_t{value} + 128) / 257);
}

// Calls take(y, samples) for row after row, until it returns false; samples: uint8_t or uint16_t as `format`
// has them. Of a picture that is not interlaced: no more than a row is in memory.
template <class T, class Take>
void ForEachRow(spng_ctx* context, const PngHeader& header, spng_format format, const std::string& where,
                const Take& take) {
  size_t bytes = 0;
  Require(spng_decoded_image_size(context, format, &bytes), where);
  const size_t row_samples = bytes / header.ihdr.height / sizeof(T);
  const int flags = header.transparent ? SPNG_DECODE_TRNS : 0;
  if (header.ihdr.interlace_method != SPNG_INTERLACE_NONE) {
    std::vector<T> whole(row_samples * header.ihdr.height);
    DecodeInto(context, whole.data(), bytes, format, flags, where);
    for (uint32_t y = 0; y < header.ihdr.height; ++y) {
      if (!take(y, whole.data() + y * row_samples)) return;
    }
    return;
  }
  Require(spng_decode_image(context, nullptr, 0, format, flags | SPNG_DECODE_PROGRESSIVE), where);
  std::vector<T> row(row_samples);
  for (uint32_t y = 0; y < header.ihdr.height; ++y) {
    const int status = spng_decode_row(context, row.data(), row_samples * sizeof(T));
    if (status != SPNG_EOI) Require(status, where);
    if (!take(y, row.data())) return;
  }
  Require(spng_decode_chunks(context), where);
}

ImageU8 Decode16To8(spng_ctx* context, const PngHeader& header, const std::string& where) {
  const int channels = header.channels();
  const int decoded_channels = channels == 1 ? 1 : 4;
  ImageU8 image = internal::AllocateImage<uint8_t>(header.ihdr.width, header.ihdr.height, channels, where);
  ForEachRow<uint16_t>(context, header, decoded_channels == 1 ? SPNG_FMT_PNG : SPNG_FMT_RGBA16, where,
                       [&](uint32_t y, const uint16_t* row) {
                         uint8_t* out = &image.At(0, static_cast<int>(y));
                         for (int x = 0; x < image.width; ++x) {
                           for (int c = 0; c < channels; ++c)
                             out[x * channels + c] = From16(row[x * decoded_channels + c]);
                         }
                         return true;
                       });
  return image;
}

// Samples of 1, 2, 4 or 8 bits, rows padded to bytes, most significant bits first.
ImageU16 Unpack(const std::vector<uint8_t>& packed, size_t row_bytes, int bits, ImageU16 image) {
  const int per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int byte = packed[y * row_bytes + x / per_byte];
      image.At(x, y) = static_cast<uint16_t>((byte >> (8 - bits - (x % per_byte) * bits)) & mask);
    }
  }
  return image;
}

template <class T>
std::vector<std::byte> Encode(const Image<T>& image) {
  SF_CHECK(image.channels == 1 || image.channels == 3 || image.channels == 4);
  SF_CHECK(!image.empty());
  const Context context = NewContext(SPNG_CTX_ENCODER);
  spng_ihdr ihdr{};
  ihdr.width = static_cast<uint32_t>(image.width);
  ihdr.height = static_cast<uint32_t>(image.height);
  ihdr.bit_depth = 8 * sizeof(T);
  ihdr.color_type = image.channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                    : image.channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                          : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  int status = spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  // Level 3: a tenth larger than the usual 6 on photos, three times as fast.
  if (status == 0) status = spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 3);
  if (status == 0) status = spng_set_ihdr(context.get(), &ihdr);
  if (status == 0) {
    status = spng_encode_image(context.get(), image.data.data(), image.data.size() * sizeof(T), SPNG_FMT_PNG,
                               SPNG_ENCODE_FINALIZE);
  }
  size_t size = 0;
  void* encoded = status == 0 ? spng_get_png_buffer(context.get(), &size, &status) : nullptr;
  const std::unique_ptr<void, void (*)(void*)> owner(encoded, std::free);
  if (status != 0 || encoded == nullptr) {
    throw ResourceError("{} x {} pixels cannot be encoded as PNG: {}", image.width, image.height,
                        spng_strerror(status));
  }
  const auto* first = static_cast<const std::byte*>(encoded);
  return {first, first + size};
}

}  // namespace

namespace internal {

ImageInfo PngInfo(std::span<const std::byte> bytes, const std::string& where) {
  const Context context = NewDecoder(bytes, where);
  const PngHeader header = ReadHeader(context.get(), where);
  return {static_cast<int>(header.ihdr.width), static_cast<int>(header.ihdr.height), header.channels(),
          header.ihdr.bit_depth};
}

ImageU8 DecodePng(std::span<const std::byte> bytes, const std::string& where) {
  const Context context = NewDecoder(bytes, where);
  const PngHeader header = ReadHeaderOf(context.get(), bytes, where);
  return header.ihdr.bit_depth == 16 ? Decode16To8(context.get(), header, where)
                                     : Decode8(context.get(), header, where);
}

bool PngHasTransparency(std::span<const std::byte> bytes, int opaque, const std::string& where) {
  const Context context = NewDecoder(bytes, where);
  const PngHeader header = ReadHeaderOf(context.get(), bytes, where);
  if (!header.transparent) return false;
  bool found = false;
  const auto look = [&](const auto& alpha_of) {
    return [&found, &header, opaque, alpha_of](uint32_t, const auto* row) {
      for (uint32_t x = 0; x < header.ihdr.width && !found; ++x) found = alpha_of(row[4 * x + 3]) < opaque;
      return !found;
    };
  };
  if (header.ihdr.bit_depth == 16) {
    ForEachRow<uint16_t>(context.get(), header, SPNG_FMT_RGBA16, where, look(From16));
  } else {
    ForEachRow<uint8_t>(context.get(), header, SPNG_FMT_RGBA8, where, look([](uint8_t v) { return v; }));
  }
  return found;
}

ImageU16 DecodePng16(std::span<const std::byte> bytes, const std::string& where) {
  const Context context = NewDecoder(bytes, where);
  const spng_ihdr ihdr = ReadHeaderOf(context.get(), bytes, where).ihdr;
  if (ihdr.color_type != SPNG_COLOR_TYPE_GRAYSCALE && ihdr.color_type != SPNG_COLOR_TYPE_INDEXED) {
    throw InputError("{}: expected one channel (labels or depth: grey or palette PNG), got {}", where,
                     ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? "grey with alpha" : "colour");
  }
  ImageU16 image = AllocateImage<uint16_t>(ihdr.width, ihdr.height, 1, where);
  if (ihdr.bit_depth == 16) {
    DecodeInto(context.get(), image.data.data(), image.data.size() * sizeof(uint16_t), SPNG_FMT_PNG, 0,
               where);
    return image;
  }
  const size_t row_bytes = (static_cast<size_t>(ihdr.width) * ihdr.bit_depth + 7) / 8;
  std::vector<uint8_t> packed(row_bytes * ihdr.height);
  DecodeInto(context.get(), packed.data(), packed.size(), SPNG_FMT_PNG, 0, where);
  return Unpack(packed, row_bytes, ihdr.bit_depth, std::move(image));
}

}  // namespace internal

std::vector<std::byte> EncodePng(const ImageU8& image) {
  return Encode(image);
}
std::vector<std::byte> EncodePng16(const ImageU16& image) {
  return Encode(image);
}

}  // namespace semfield
