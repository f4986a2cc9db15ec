#include "semfield/base/hash.h"

#include <gtest/gtest.h>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// FIPS 180-4 examples.
TEST(Hash, Sha256KnownAnswers) {
  EXPECT_EQ(Sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256(Bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256(Bytes(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, Sha256FileStreamsTheWholeFile) {
  const TestFolder folder;
  const std::string text(2'500'000, 'q');  // more than two chunks
  WriteFileAtomically(folder / "f", text);
  EXPECT_EQ(Sha256File(folder / "f"), Sha256(Bytes(text)));
  EXPECT_THROW(Sha256File(folder / "none"), Error);
  EXPECT_THROW(Sha256File(folder.path()), Error);
}

TEST(Hash, FastHashKnownAnswerSeedAndLength) {
  EXPECT_EQ(FastHash(std::string_view()), 0x2d06800538d394c2ULL);  // XXH3 of nothing, seed 0
  EXPECT_EQ(FastHash(Bytes("abc")), FastHash(std::string_view("abc")));
  EXPECT_NE(FastHash("abc", 1), FastHash("abc", 2));
  EXPECT_NE(FastHash("abc"), FastHash(std::string_view("abc\0", 4)));
}

TEST(Hash, FastHashSeesEveryBit) {
  for (const size_t size : {1u, 15u, 100u, 300u, 2000u}) {
    std::string text(size, 'z');
    const uint64_t before = FastHash(text);
    for (size_t bit = 0; bit < size * 8; ++bit) {
      text[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      ASSERT_NE(FastHash(text), before);
      text[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
  }
}

}  // namespace
}  // namespace semfield
