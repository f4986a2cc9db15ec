#include "semfield/base/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>
#include <unordered_map>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string NormalName(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// Whole numbers without ".0", others in the shortest form that reads back the same.
std::string NumberText(double value) {
  if (std::floor(value) == value && std::abs(value) < 1e15) {
    return fmt::format("{}", static_cast<int64_t>(value));
  }
  return fmt::format("{}", value);
}

Json NumberJson(double value, bool whole) {
  return whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

Json ValueOf(const Option& option) {
  const auto optional = [](const auto* value) {
    return value->has_value() ? Json(**value) : Json(kAutoWord);
  };
  return std::visit(Overloaded{[](const auto* value) { return Json(*value); },
                               [&](const std::optional<int>* value) { return optional(value); },
                               [&](const std::optional<double>* value) { return optional(value); },
                               [](const NamedValue& value) { return Json(value.get()); }},
                    option.target);
}

bool IsAuto(const Option& option, const Json& value) {
  if (value.is_number()) return option.limits.old_auto && value.get<double>() == *option.limits.old_auto;
  return value == Json(kAutoWord);
}

// How the value is shown in an error: long ones are cut.
std::string Shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

std::string Joined(const std::vector<std::string>& words, const char* separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

struct Range {
  double min;
  double max;
};

// An Int is bounded by what an int holds as well as by its limits.
Range RangeOf(const Option& option) {
  Range range{option.limits.min, option.limits.max};
  if (option.IsInt()) {
    range.min = std::max<double>(range.min, std::numeric_limits<int>::min());
    range.max = std::min<double>(range.max, std::numeric_limits<int>::max());
  }
  return range;
}

// "2, 4 or 8".
std::string ValuesText(const std::vector<double>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i + 1 < values.size() ? ", " : " or ";
    text += NumberText(values[i]);
  }
  return text;
}

std::string BoundsText(const Option& option) {
  const double min = option.limits.min;
  const double max = option.limits.max;
  if (std::isfinite(min) && std::isfinite(max))
    return fmt::format("{} to {}", NumberText(min), NumberText(max));
  if (std::isfinite(min)) return fmt::format("at least {}", NumberText(min));
  if (std::isfinite(max)) return fmt::format("at most {}", NumberText(max));
  return "";
}

std::string RangeText(const Option& option) {
  if (!option.limits.values.empty()) return ValuesText(option.limits.values);
  const std::string bounds = BoundsText(option);
  if (option.limits.multiple_of == 0) return bounds;
  const std::string multiple = fmt::format("a multiple of {}", NumberText(option.limits.multiple_of));
  return bounds.empty() ? multiple : bounds + ", " + multiple;
}

std::string Expected(const Option& option) {
  const std::string range = RangeText(option);
  const std::string choices = Joined(option.limits.choices, ", ");
  const auto with = [](const char* kind, const char* glue, const std::string& more) {
    return more.empty() ? std::string(kind) : fmt::format("{}{}{}", kind, glue, more);
  };
  return std::visit(
      Overloaded{[](bool*) { return std::string("true or false"); },
                 [&](int*) { return with("a whole number", ", ", range); },
                 [&](double*) { return with("a number", ", ", range); },
                 [&](std::optional<int>*) { return with("auto or a whole number", ", ", range); },
                 [&](std::optional<double>*) { return with("auto or a number", ", ", range); },
                 [&](const NamedValue&) { return with("one", " of ", choices); },
                 [&](std::string*) { return with(choices.empty() ? "text" : "one", " of ", choices); },
                 [&](std::vector<std::string>*) {
                   return with(choices.empty() ? "a list of texts" : "a list", " of ", choices);
                 }},
      option.target);
}

Error WrongValue(const Option& option, const std::string& got, const std::string& where) {
  return InputError("{}: {}: expected {}, got {}", where, option.name, Expected(option), got);
}

Error WrongChoice(const Option& option, const std::string& got, const std::string& where) {
  const std::string nearest = NearestName(got, option.limits.choices);
  return InputError("{}: {}: expected {}, got {}{}", where, option.name, Expected(option), Shown(Json(got)),
                    nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
}

bool IsChoice(const Option& option, const std::string& text) {
  const std::vector<std::string>& choices = option.limits.choices;
  return choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end();
}

// Whether a number within the range is also one of the values, or a multiple, that are asked for.
bool IsAllowed(const OptionLimits& limits, double number) {
  const std::vector<double>& values = limits.values;
  if (!values.empty() && std::find(values.begin(), values.end(), number) == values.end()) return false;
  return limits.multiple_of == 0 || std::fmod(number, limits.multiple_of) == 0;
}

double CheckedNumber(const Option& option, const Json& value, const std::string& where) {
  const Range range = RangeOf(option);
  const bool whole = option.IsInt();
  if (!value.is_number()) throw WrongValue(option, Shown(value), where);
  const double number = value.get<double>();
  // 2e4 is a whole number too, however JSON spells it. The comparison also refuses NaN.
  if (!(number >= range.min && number <= range.max) || !std::isfinite(number) ||
      (whole && std::floor(number) != number) || !IsAllowed(option.limits, number)) {
    throw WrongValue(option, Shown(value), where);
  }
  return number;
}

std::string CheckedText(const Option& option, const Json& value, const std::string& where) {
  if (!value.is_string()) throw WrongValue(option, Shown(value), where);
  std::string text = value.get<std::string>();
  if (!IsChoice(option, text)) throw WrongChoice(option, text, where);
  return text;
}

std::optional<Json> FlagFromText(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text == "true" || text == "on" || text == "yes" || text == "1") return Json(true);
  if (text == "false" || text == "off" || text == "no" || text == "0") return Json(false);
  return std::nullopt;
}

std::optional<Json> NumberFromText(const std::string& text) {
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
  const char* end = text.data() + text.size();
  double number = 0;
  const auto [rest, code] = std::from_chars(begin, end, number);
  if (code != std::errc() || rest != end || !std::isfinite(number)) return std::nullopt;
  return NumberJson(number, std::floor(number) == number && std::abs(number) < 1e15);
}

std::optional<Json> NumberOrAutoFromText(const std::string& text) {
  return text == kAutoWord ? std::optional<Json>(text) : NumberFromText(text);
}

Json ListFromText(const std::string& text) {
  Json list = Json::array();
  if (text.empty()) return list;
  size_t begin = 0;
  for (;;) {
    const size_t comma = text.find(',', begin);
    const std::string item = text.substr(begin, comma == std::string::npos ? comma : comma - begin);
    list.push_back(item);
    if (comma == std::string::npos) return list;
    begin = comma + 1;
  }
}

// Optimal string alignment: insert, delete, replace, swap of two neighbours.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string LowerName(const std::string& name) {
  std::string lower = NormalName(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

Error UnknownOption(const OptionList& list, const std::string& key, const std::string& where) {
  const std::vector<std::string> names = list.Names();
  const std::string nearest = NearestName(key, names);
  const std::string shown = Shown(Json(key));
  if (!nearest.empty())
    return InputError("{}: unknown option {}; did you mean \"{}\"?", where, shown, nearest);
  if (names.empty()) return InputError("{}: unknown option {}; none is known here", where, shown);
  return InputError("{}: unknown option {}; known: {}", where, shown, Joined(names, ", "));
}

bool IsOptionalNumber(const Option& option) {
  return std::holds_alternative<std::optional<int>*>(option.target) ||
         std::holds_alternative<std::optional<double>*>(option.target);
}

Json PropertySchema(const Option& option) {
  Json property;
  property["type"] =
      std::visit(Overloaded{[](bool*) { return "boolean"; }, [](int*) { return "integer"; },
                            [](double*) { return "number"; }, [](std::optional<int>*) { return "integer"; },
                            [](std::optional<double>*) { return "number"; },
                            [](std::string*) { return "string"; }, [](const NamedValue&) { return "string"; },
                            [](std::vector<std::string>*) { return "array"; }},
                 option.target);
  if (IsOptionalNumber(option)) property["type"] = Json::array({property["type"], "string"});
  property["description"] = option.help;
  property["default"] = option.default_value;
  if (option.IsNumber()) {
    const Range range = RangeOf(option);
    const double least = std::min(range.min, option.limits.old_auto.value_or(range.min));
    if (std::isfinite(range.min)) property["minimum"] = NumberJson(least, option.IsInt());
    if (std::isfinite(range.max)) property["maximum"] = NumberJson(range.max, option.IsInt());
    for (const double value : option.limits.values)
      property["enum"].push_back(NumberJson(value, option.IsInt()));
    if (option.limits.multiple_of > 0)
      property["multipleOf"] = NumberJson(option.limits.multiple_of, option.IsInt());
    if (IsOptionalNumber(option)) property["pattern"] = fmt::format("^{}$", kAutoWord);
  } else if (std::holds_alternative<std::vector<std::string>*>(option.target)) {
    property["items"] = Json{{"type", "string"}};
    if (!option.limits.choices.empty()) property["items"]["enum"] = option.limits.choices;
  } else if (!option.limits.choices.empty()) {
    property["enum"] = option.limits.choices;
  }
  return property;
}

// A cell of a Markdown table cannot hold '|' or a line break.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string DefaultText(const Option& option) {
  const Json& value = option.default_value;
  if (value.is_array()) {
    return value.empty() ? "" : fmt::format("`{}`", Joined(value.get<std::vector<std::string>>(), ","));
  }
  if (value.is_string())
    return value.get<std::string>().empty() ? "" : fmt::format("`{}`", value.get<std::string>());
  if (value.is_number_float()) return fmt::format("`{}`", NumberText(value.get<double>()));
  return fmt::format("`{}`", value.dump());
}

}  // namespace

bool Option::IsInt() const {
  return std::holds_alternative<int*>(target) || std::holds_alternative<std::optional<int>*>(target);
}

bool Option::IsNumber() const {
  return IsInt() || std::holds_alternative<double*>(target) ||
         std::holds_alternative<std::optional<double>*>(target);
}

void OptionList::Group(std::string name) {
  group_ = std::move(name);
}

void OptionList::Flag(std::string name, bool* value, std::string help) {
  Add(std::move(name), value, std::move(help), {});
}
void OptionList::Int(std::string name, int* value, std::string help, OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}
void OptionList::Real(std::string name, double* value, std::string help, OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}
void OptionList::Int(std::string name, std::optional<int>* value, std::string help, OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}
void OptionList::Real(std::string name, std::optional<double>* value, std::string help, OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}
void OptionList::Text(std::string name, std::string* value, std::string help, OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}
void OptionList::TextList(std::string name, std::vector<std::string>* value, std::string help,
                          OptionLimits limits) {
  Add(std::move(name), value, std::move(help), std::move(limits));
}

void OptionList::Add(std::string name, Option::Target target, std::string help, OptionLimits limits) {
  name = NormalName(std::move(name));
  SF_CHECK(!name.empty());
  if (Find(name) != nullptr) throw BugError(fmt::format("option '{}' is described twice", name));
  Option option{std::move(name), group_, std::move(help), std::move(target), std::move(limits), Json()};
  option.default_value = ValueOf(option);
  options_.push_back(std::move(option));
}

const Option* OptionList::Find(const std::string& name) const {
  const std::string normal = NormalName(name);
  for (const Option& option : options_) {
    if (option.name == normal) return &option;
  }
  return nullptr;
}

void OptionList::MarkGiven(const std::string& name) {
  const Option* option = Find(name);
  SF_CHECK(option != nullptr);
  given_.insert(option->name);
}

void OptionList::ShowDefaults(const Json& values) {
  for (Option& option : options_) {
    if (values.contains(option.name)) option.default_value = values.at(option.name);
  }
}

void OptionList::InOrder(const std::string& smaller, const std::string& larger) {
  for (const std::string& name : {smaller, larger}) {
    const Option* option = Find(name);
    SF_CHECK(option != nullptr && option->IsNumber());
  }
  orders_.emplace_back(NormalName(smaller), NormalName(larger));
}

std::vector<std::string> OptionList::Names() const {
  std::vector<std::string> names;
  for (const Option& option : options_) names.push_back(option.name);
  return names;
}

void SetOption(const Option& option, const Json& value, const std::string& where) {
  std::visit(Overloaded{[&](bool* target) {
                          if (!value.is_boolean()) throw WrongValue(option, Shown(value), where);
                          *target = value.get<bool>();
                        },
                        [&](int* target) { *target = static_cast<int>(CheckedNumber(option, value, where)); },
                        [&](double* target) { *target = CheckedNumber(option, value, where); },
                        [&](std::optional<int>* target) {
                          target->reset();
                          if (!IsAuto(option, value))
                            *target = static_cast<int>(CheckedNumber(option, value, where));
                        },
                        [&](std::optional<double>* target) {
                          target->reset();
                          if (!IsAuto(option, value)) *target = CheckedNumber(option, value, where);
                        },
                        [&](const NamedValue& target) { target.set(CheckedText(option, value, where)); },
                        [&](std::string* target) { *target = CheckedText(option, value, where); },
                        [&](std::vector<std::string>* target) {
                          if (!value.is_array()) throw WrongValue(option, Shown(value), where);
                          std::vector<std::string> items;
                          for (const Json& item : value) items.push_back(CheckedText(option, item, where));
                          *target = std::move(items);
                        }},
             option.target);
}

void SetOptionFromText(const Option& option, const std::string& text, const std::string& where) {
  const auto read =
      Overloaded{[&](bool*) { return FlagFromText(text); },
                 [&](int*) { return NumberFromText(text); },
                 [&](double*) { return NumberFromText(text); },
                 [&](std::optional<int>*) { return NumberOrAutoFromText(text); },
                 [&](std::optional<double>*) { return NumberOrAutoFromText(text); },
                 [&](std::string*) { return std::optional<Json>(text); },
                 [&](const NamedValue&) { return std::optional<Json>(text); },
                 [&](std::vector<std::string>*) { return std::optional<Json>(ListFromText(text)); }};
  const std::optional<Json> value = std::visit(read, option.target);
  if (!value) throw WrongValue(option, Shown(Json(text)), where);
  SetOption(option, *value, where);
}

Json OptionsToJson(const OptionList& list) {
  Json object = Json::object();
  for (const Option& option : list.options()) object[option.name] = ValueOf(option);
  return object;
}

void CheckOrders(const OptionList& list, const std::string& where) {
  for (const auto& [smaller, larger] : list.orders()) {
    const Json least = ValueOf(*list.Find(smaller)), got = ValueOf(*list.Find(larger));
    if (!least.is_number() || !got.is_number() || least.get<double>() <= got.get<double>()) continue;
    throw InputError("{}: {}: expected at least {}, which is {}, got {}", where, larger, smaller,
                     Shown(least), Shown(got));
  }
}

void OptionsFromJson(const OptionList& list, const Json& object, const std::string& where) {
  if (!object.is_object())
    throw InputError("{}: expected an object of options, got {}", where, Shown(object));
  std::unordered_map<const Option*, std::string> seen;
  for (const auto& [key, value] : object.items()) {
    const Option* option = list.Find(key);
    if (option == nullptr) throw UnknownOption(list, key, where);
    const auto [first, is_new] = seen.emplace(option, key);
    if (!is_new) throw InputError("{}: \"{}\" and \"{}\" are the same option", where, first->second, key);
    SetOption(*option, value, where);
  }
  const auto has_both = [&](const auto& order) {
    return seen.count(list.Find(order.first)) > 0 && seen.count(list.Find(order.second)) > 0;
  };
  if (std::all_of(list.orders().begin(), list.orders().end(), has_both)) CheckOrders(list, where);
}

Json OptionsSchema(const OptionList& list, const std::string& title) {
  Json properties = Json::object();
  for (const Option& option : list.options()) properties[option.name] = PropertySchema(option);
  Json schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  schema["type"] = "object";
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  return schema;
}

std::string OptionsMarkdown(const OptionList& list) {
  std::string text = "| option | default | values | meaning |\n|---|---|---|---|\n";
  std::string group;
  for (const Option& option : list.options()) {
    if (option.group != group) {
      group = option.group;
      text += fmt::format("| **{}** | | | |\n", Cell(group));
    }
    const std::string values = option.limits.choices.empty()
                                   ? RangeText(option)
                                   : fmt::format("`{}`", Joined(option.limits.choices, "`, `"));
    text += fmt::format("| `--{}` | {} | {} | {} |\n", option.name, Cell(DefaultText(option)), Cell(values),
                        Cell(option.help));
  }
  return text;
}

std::string NearestName(const std::string& name, const std::vector<std::string>& known) {
  const std::string wanted = LowerName(name);
  const size_t limit = (wanted.size() + 2) / 3;
  std::string nearest;
  size_t best = limit + 1;
  for (const std::string& candidate : known) {
    const std::string lower = LowerName(candidate);
    // The beginning of a name is how people shorten it: as near as the farthest misspelling that counts.
    const bool shortened = wanted.size() >= 3 && lower.rfind(wanted, 0) == 0;
    const size_t gap = std::max(lower.size(), wanted.size()) - std::min(lower.size(), wanted.size());
    if (!shortened && gap >= best) continue;
    const size_t distance = shortened ? std::min(limit, gap) : EditDistance(wanted, lower);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace semfield
