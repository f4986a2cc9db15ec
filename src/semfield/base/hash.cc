#include "semfield/base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

class Sha256Stream {
 public:
  Sha256Stream() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    SF_CHECK(context_ != nullptr);
    SF_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void Update(std::span<const std::byte> bytes) {
    SF_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string Finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    SF_CHECK(EVP_DigestFinal_ex(context_.get(), digest, &size) == 1);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string Sha256(std::span<const std::byte> bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return stream.Finish();
}

std::string Sha256File(const std::filesystem::path& path) {
  const auto fail = [&](int code) {
    return InputError("{}: cannot read: {}", path.string(), std::generic_category().message(code));
  };
  std::error_code code;  // a pipe would be waited for
  if (std::filesystem::exists(path, code) && !std::filesystem::is_regular_file(path, code))
    throw InputError("{}: expected a file, got a folder, a pipe or a device", path.string());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) throw fail(errno);
  Sha256Stream stream;
  std::vector<std::byte> chunk(size_t{1} << 20);
  size_t got = 0;
  while ((got = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0) {
    stream.Update(std::span(chunk).first(got));
  }
  if (std::ferror(file.get()) != 0) throw fail(errno);
  return stream.Finish();
}

uint64_t FastHash(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t FastHash(std::string_view text, uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

}  // namespace semfield
