#include "semfield/base/json.h"

#include <algorithm>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

// Writing and walking a value recurse; a file of a million '[' must not overflow the stack.
constexpr int kMaxDepth = 256;
// Objects that keep their order look keys up one by one: a million of them would take hours.
constexpr int kMaxMembers = 50'000;

// Accepts everything and remembers where the parser gave up.
class ErrorLocator : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    reason_ = error.what();
    return false;
  }
  size_t position() const { return position_; }
  // The library's "[json.exception...] parse error at line 1, column 2: syntax error while ..." without its
  // head.
  std::string Reason() const {
    std::string reason = reason_;
    if (const size_t bracket = reason.find("] "); bracket != std::string::npos) reason.erase(0, bracket + 2);
    if (reason.rfind("parse error at ", 0) == 0) {
      if (const size_t colon = reason.find(": "); colon != std::string::npos) reason.erase(0, colon + 2);
    }
    return reason;
  }

 private:
  size_t position_ = 0;
  std::string reason_;
};

// `position` counts characters read, the offending one included.
Error ErrorAt(const std::string& text, size_t position, const std::string& where, const std::string& reason) {
  const size_t end = std::min(position > 0 ? position - 1 : 0, text.size());
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n') + 1;
  const size_t break_before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const size_t column = end - (break_before == std::string::npos ? 0 : break_before + 1) + 1;
  return InputError("{}: line {}, column {}: {}", where, line, column, reason);
}

// Before anything is built: how deep it nests and how many members one object has.
void CheckSizes(const std::string& text, const std::string& where) {
  std::vector<int> members(1, 0);  // of every object or array that is open here
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (members.size() > kMaxDepth) {
        throw ErrorAt(text, i + 1, where, fmt::format("nested deeper than {} levels", kMaxDepth));
      }
      members.push_back(0);
    } else if ((c == ']' || c == '}') && members.size() > 1) {
      members.pop_back();
    } else if (c == ':' && ++members.back() > kMaxMembers) {
      throw ErrorAt(text, i + 1, where, fmt::format("more than {} members in one object", kMaxMembers));
    }
  }
}

}  // namespace

Json ParseJson(const std::string& text, const std::string& where) {
  CheckSizes(text, where);
  try {
    return Json::parse(text);
  } catch (const Json::exception&) {
    ErrorLocator locator;
    Json::sax_parse(text, &locator);
    throw ErrorAt(text, locator.position(), where, locator.Reason());
  } catch (const std::bad_alloc&) {
    throw ResourceError("{}: not enough memory to read {} MiB of JSON", where, text.size() >> 20);
  }
}

Json ReadJsonFile(const std::filesystem::path& path, size_t max_bytes) {
  return ParseJson(ReadTextFile(path, max_bytes), path.string());
}

std::string DumpJson(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string JsonExcerpt(const Json& value) {
  constexpr size_t kLongest = 60;
  if (value.is_structured() && value.size() > 8)
    return fmt::format("{} of {} entries", value.type_name(), value.size());
  std::string text = DumpJson(value);
  if (text.size() <= kLongest) return text;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no half characters
  return text.substr(0, end) + "...";
}

void WriteJsonFile(const std::filesystem::path& path, const Json& value) {
  WriteFileAtomically(path, DumpJson(value, 2) + "\n");
}

}  // namespace semfield
