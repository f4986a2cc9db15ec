#include "semfield/report/html.h"

#include <gtest/gtest.h>

#include <cstring>

namespace semfield {
namespace {

std::string Base64Of(const std::string& text) {
  return Base64(std::as_bytes(std::span(text.data(), text.size())));
}

TEST(EscapeHtml, MakesMarkupHarmless) {
  EXPECT_EQ(EscapeHtml("<script>alert(\"x\" & 'y')</script>"),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;");
  EXPECT_EQ(EscapeHtml("chair 3 – grün\n"), "chair 3 – grün\n");
  EXPECT_EQ(EscapeHtml(std::string("a\0b\x1b", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

TEST(Base64, KnowsTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foo"), "Zm9v");
  EXPECT_EQ(Base64Of("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64Of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Of("\xff\xfe\xfd"), "//79");
}

TEST(JpegAddress, IsADataAddress) {
  const std::string address = JpegAddress(ImageU8(4, 4, 3, 128));
  EXPECT_EQ(address.rfind("data:image/jpeg;base64,/9j/", 0), 0u);
}

}  // namespace
}  // namespace semfield
