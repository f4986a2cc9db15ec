#include "semfield/base/json.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

// Writing and walking a value recurse; a file of a million '[' must not overflow the stack.
constexpr int kMaxDepth = 256;
// Objects that keep their order look keys up one by one: a million of them would take hours.
constexpr int kMaxMembers = 50'000;
// A list of nothing takes three bytes as text and seventy in memory, a number two and twenty-four.
constexpr size_t kMaxContainers = 8'000'000;
constexpr size_t kMaxValues = 32'000'000;

// Builds the value in one pass and remembers where the parser gave up. The library's own way looks every key
// up among those before it, and keeps the last of two that are equal without a word.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const string_t&) override { return Put(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t& value) override { return Put(std::move(value)); }
  bool start_object(size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool key(string_t& key) override {
    OpenValue& object = open_.back();
    auto& members = object.value->get_ref<Json::object_t&>();
    if (IsRepeated(members, key, &object.keys)) {
      repeated_ = fmt::format("{}{}", Path(), key);
      return false;
    }
    members.emplace_back(std::move(key), Json());
    return true;
  }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    reason_ = error.what();
    return false;
  }

  Json TakeRoot() { return std::move(root_); }
  // "frames[3].w", where it stands a second time; empty: no key did.
  const std::string& repeated() const { return repeated_; }
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
  struct OpenValue {
    Json* value = nullptr;                      // stays where it is until it is closed
    std::unordered_set<std::string> keys = {};  // of an object of many members
  };

  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& place = parent.get_ref<Json::object_t&>().back().second;
    place = std::move(value);
    return &place;
  }
  bool Put(Json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(Json value) {
    Json* placed = Place(std::move(value));
    open_.push_back({placed});
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  // Few keys are compared one by one, more by their hashes.
  static bool IsRepeated(const Json::object_t& members, const std::string& key,
                         std::unordered_set<std::string>* keys) {
    constexpr size_t kFew = 16;
    if (members.size() < kFew) {
      return std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.first == key; });
    }
    if (keys->empty()) {
      for (const auto& member : members) keys->insert(member.first);
    }
    return !keys->insert(key).second;
  }

  // Of the innermost open object: "frames[3].".
  std::string Path() const {
    std::string path;
    for (size_t i = 0; i + 1 < open_.size(); ++i) {
      const Json& value = *open_[i].value;
      if (value.is_array()) {
        if (!path.empty()) path.pop_back();
        path += fmt::format("[{}].", value.size() - 1);
      } else {
        path += value.get_ref<const Json::object_t&>().back().first + ".";
      }
    }
    return path;
  }

  Json root_;
  std::vector<OpenValue> open_;
  std::string repeated_;
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

// Before anything is built: how deep it nests, how many members one object has and how many values there are.
void CheckSizes(const std::string& text, const std::string& where) {
  std::vector<int> members(1, 0);  // of every object or array that is open here
  size_t containers = 0, commas = 0;
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
      if (++containers > kMaxContainers) {
        throw ErrorAt(text, i + 1, where, fmt::format("more than {} lists and objects", kMaxContainers));
      }
      members.push_back(0);
    } else if (c == ',' && ++commas > kMaxValues) {
      throw ErrorAt(text, i + 1, where, fmt::format("more than {} values", kMaxValues));
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
    TreeBuilder builder;
    if (Json::sax_parse(text, &builder)) return builder.TakeRoot();
    if (builder.repeated().empty()) throw ErrorAt(text, builder.position(), where, builder.Reason());
    throw InputError("{}: \"{}\" is given twice; keep one of the two", where, builder.repeated());
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
