#include <algorithm>
#include <sstream>

#include "command_line.h"
#include "semfield/base/error.h"

#include <fmt/format.h>

namespace semfield::cli {
namespace {

// Where help breaks its lines and where the meaning of options begins.
struct Layout {
  size_t width;
  size_t column() const { return std::min<size_t>(32, width / 3); }
};

// Words of `text` from column `indent` on, broken at `width`; the first line is already indented by the
// caller.
std::string Wrap(const std::string& text, size_t indent, size_t width) {
  std::istringstream words(text);
  std::string out, word;
  size_t column = indent;
  while (words >> word) {
    if (column > indent && column + 1 + word.size() > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string Metavar(const Option& option) {
  if (!option.limits.metavar.empty()) return option.limits.metavar;
  if (!option.limits.choices.empty()) return fmt::format("{}", fmt::join(option.limits.choices, "|"));
  if (option.IsNumber()) return option.IsInt() ? "N" : "X";
  return "TEXT";
}

std::string DefaultNote(const Option& option) {
  const Json& value = option.default_value;
  if (value.is_string())
    return value.get<std::string>().empty() ? "" : fmt::format(" [{}]", value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? " [on]" : "";
  if (value.is_array()) {
    std::vector<std::string> items;
    for (const Json& item : value) items.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    return items.empty() ? "" : fmt::format(" [{}]", fmt::join(items, ","));
  }
  return value.is_null() ? "" : fmt::format(" [{}]", value.dump());
}

std::string Entry(const std::string& left, const std::string& help, const Layout& layout) {
  std::string line = "  " + left;
  if (line.size() + 2 > layout.column()) {
    line += '\n' + std::string(layout.column(), ' ');
  } else {
    line.resize(layout.column(), ' ');
  }
  return line + Wrap(help, layout.column(), layout.width) + '\n';
}

std::string OptionEntry(const Option& option, const Layout& layout) {
  return Entry(OptionSignature(option), OptionHelp(option), layout);
}

bool IsOn(const Option& option) {
  return option.default_value.is_boolean() && option.default_value.get<bool>();
}

}  // namespace

std::string OptionSignature(const Option& option) {
  if (option.IsFlag()) return (IsOn(option) ? "--no-" : "--") + option.name;
  return "--" + option.name + " " + Metavar(option);
}

std::string OptionHelp(const Option& option) {
  if (option.IsFlag()) return (IsOn(option) ? "Turns off: " : "") + option.help;
  return option.help + (option.IsList() ? " May be given several times." : "") + DefaultNote(option);
}

bool IsPositional(const Verb& verb, const Option& option) {
  return std::any_of(verb.positionals.begin(), verb.positionals.end(),
                     [&](const Positional& p) { return p.option == option.name; });
}

std::string Usage(const Verb& verb) {
  std::string usage = "semfield " + verb.name;
  for (const Positional& p : verb.positionals) usage += p.required ? " " + p.metavar : " [" + p.metavar + "]";
  return usage + " [options]";
}

std::string HelpText(size_t width) {
  const Layout layout{width};
  std::string text = Wrap(
      "semfield turns posed photos into a radiance field that knows what things are: click an object once "
      "and "
      "get its mask in every view.",
      0, width);
  text += "\n\nUsage: semfield VERB ... [options]\n\nVerbs:\n";
  for (const Verb& verb : Verbs()) {
    if (!verb.hidden) text += Entry(verb.name, verb.sentence, layout);
  }
  text +=
      "\n" + Wrap("\"semfield VERB --help\" tells about one verb; \"semfield --version\" prints the version.",
                  0, width);
  text += "\n" + Wrap(
                     "Exit codes: 0 done, 1 done but below what was asked, 2 wrong use or input, 3 out of a "
                     "resource or a missing library, 70 a bug in semfield, 130 interrupted.",
                     0, width);
  return text + "\n";
}

std::string HelpText(const Verb& verb, const std::vector<std::string>& arguments, size_t width) {
  const Layout layout{width};
  const auto invocation = verb.make();
  ChooseMethod(arguments, *invocation);
  if (const Option* preset = invocation->options().Find("preset")) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const std::string name = "--preset=";
      if (arguments[i] == "--preset" && i + 1 < arguments.size())
        SetOptionFromText(*preset, arguments[i + 1], "command line");
      if (arguments[i].rfind(name, 0) == 0)
        SetOptionFromText(*preset, arguments[i].substr(name.size()), "command line");
    }
  }
  invocation->ShowPreset();
  CommonOptions common;
  OptionList common_list;
  common.Describe(common_list);

  std::string text = Wrap(verb.sentence, 0, width) + "\n\nUsage: " + Usage(verb) + "\n";
  if (!verb.positionals.empty()) text += "\n";
  for (const Positional& positional : verb.positionals) {
    const Option* option = invocation->options().Find(positional.option);
    SF_CHECK(option != nullptr);
    text += Entry(positional.metavar, option->help + DefaultNote(*option), layout);
  }
  std::string group = "\n";  // no option's group
  for (const OptionList* list : {static_cast<const OptionList*>(&invocation->options()),
                                 static_cast<const OptionList*>(&common_list)}) {
    for (const Option& option : list->options()) {
      if (IsPositional(verb, option)) continue;
      if (option.group != group) {
        group = option.group;
        text += fmt::format("\n{}:\n", group.empty() ? "Options" : group);
      }
      text += OptionEntry(option, layout);
    }
  }
  return text;
}

}  // namespace semfield::cli
