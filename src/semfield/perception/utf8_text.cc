#include "semfield/perception/utf8_text.h"

#include "semfield/base/error.h"

namespace semfield {

std::vector<Codepoint> DecodeUtf8(const std::string& text) {
  std::vector<Codepoint> points;
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    Codepoint point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(at, left, &point);
    if (length <= 0) throw InputError("text is not UTF-8 at byte {}", text.size() - left);
    points.push_back(point);
    at += length;
    left -= length;
  }
  return points;
}

void AppendUtf8(Codepoint point, std::string* text) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(point, bytes);
  text->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

bool IsSpaceCharacter(Codepoint point) {
  if ((point >= 9 && point <= 13) || point == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(point);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

}  // namespace semfield
