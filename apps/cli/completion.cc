#include <fmt/format.h>

#include <algorithm>

#include "command_line.h"
#include "shell_files.h"

namespace semfield::cli {
namespace {

constexpr const char* kMade = "Made by \"semfield docs\" from the option descriptions.";

// What completion needs of a verb: its options with those that every verb takes.
struct VerbWords {
  const Verb* verb;
  std::unique_ptr<Invocation> invocation;
  std::vector<Option> options;
};

std::vector<VerbWords> AllVerbs() {
  CommonOptions common;
  OptionList common_list;
  common.Describe(common_list);
  std::vector<VerbWords> words;
  for (const Verb& verb : Verbs()) {
    if (verb.hidden) continue;
    words.push_back({&verb, verb.make(), {}});
    for (const OptionList* list : {static_cast<const OptionList*>(&words.back().invocation->options()),
                                   static_cast<const OptionList*>(&common_list)}) {
      words.back().options.insert(words.back().options.end(), list->options().begin(), list->options().end());
    }
  }
  return words;
}

std::string OptionName(const Option& option) {
  const bool on = option.IsFlag() && option.default_value.is_boolean() && option.default_value.get<bool>();
  return (on ? "--no-" : "--") + option.name;
}

std::string Replaced(const std::string& text, const std::string& special, const std::string& before) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) out += before;
    out += c;
  }
  return out;
}

// For words inside single quotes of any of the three shells; apostrophes go.
std::string Quotable(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\''), text.end());
  return text;
}

std::string Bash(const std::vector<VerbWords>& verbs) {
  std::string names, options, values;
  for (const VerbWords& verb : verbs) {
    names += verb.verb->name + " ";
    options += fmt::format("    {}) words=\"", verb.verb->name);
    for (const Option& option : verb.options) {
      options += OptionName(option) + " ";
      if (!option.limits.choices.empty()) {
        values += fmt::format("    \"{} --{}\") words=\"{}\" ;;\n", verb.verb->name, option.name,
                              fmt::join(option.limits.choices, " "));
      } else if (option.IsNumber()) {
        values += fmt::format("    \"{} --{}\") return ;;\n", verb.verb->name, option.name);
      }
    }
    options += "--help\" ;;\n";
  }
  // What is left empty is completed as a file name (-o default).
  return fmt::format(
      "# bash completion of semfield. {}\n"
      "_semfield() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} words=\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W \"{}help --help --version\" -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"$verb ${{COMP_WORDS[COMP_CWORD - 1]}}\" in\n"
      "{}"
      "  esac\n"
      "  if [[ -z $words && $word == -* ]]; then\n"
      "    case \"$verb\" in\n"
      "{}"
      "    esac\n"
      "  fi\n"
      "  [[ -n $words ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -o default -F _semfield semfield\n",
      kMade, names, values, options);
}

std::string ZshArgument(const Option& option) {
  std::string text =
      fmt::format("'{}[{}]", OptionName(option), Replaced(Quotable(option.help), "[]:\\", "\\"));
  if (option.IsFlag()) return text + "'";
  text += ":value:";
  if (!option.limits.choices.empty()) {
    text += fmt::format("({})", fmt::join(option.limits.choices, " "));
  } else if (std::holds_alternative<std::string*>(option.target)) {
    text += "_files";
  }
  return option.IsList() ? "'*" + text.substr(1) + "'" : text + "'";
}

std::string Zsh(const std::vector<VerbWords>& verbs) {
  std::string text = fmt::format("#compdef semfield\n# {}\n_semfield() {{\n  local -a verbs=(\n", kMade);
  for (const VerbWords& verb : verbs) {
    text += fmt::format("    '{}:{}'\n", verb.verb->name, Quotable(verb.verb->sentence));
  }
  text += "  )\n  if ((CURRENT == 2)); then\n    _describe verb verbs\n    return\n  fi\n";
  text += "  local verb=$words[2]\n  shift words\n  ((CURRENT--))\n  case $verb in\n";
  for (const VerbWords& verb : verbs) {
    text += fmt::format("    {})\n      _arguments \\\n", verb.verb->name);
    for (const Option& option : verb.options) text += "        " + ZshArgument(option) + " \\\n";
    text += "        '--help[Tells about the verb.]' '*:argument:_files' ;;\n";
  }
  return text + "  esac\n}\n_semfield \"$@\"\n";
}

std::string Fish(const std::vector<VerbWords>& verbs) {
  std::string text = fmt::format("# {}\ncomplete -c semfield -n __fish_use_subcommand -l version\n", kMade);
  for (const VerbWords& verb : verbs) {
    text += fmt::format("complete -c semfield -n __fish_use_subcommand -f -a {} -d '{}'\n", verb.verb->name,
                        Replaced(Quotable(verb.verb->sentence), "\\", "\\"));
    for (const Option& option : verb.options) {
      text += fmt::format("complete -c semfield -n '__fish_seen_subcommand_from {}' -l {} -d '{}'",
                          verb.verb->name, OptionName(option).substr(2),
                          Replaced(Quotable(option.help), "\\", "\\"));
      if (!option.limits.choices.empty()) {
        text += fmt::format(" -x -a '{}'", fmt::join(option.limits.choices, " "));
      } else if (!option.IsFlag()) {
        text += " -r";
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace

std::vector<DocsPage> CompletionFiles() {
  const std::vector<VerbWords> verbs = AllVerbs();
  return {{"semfield", Bash(verbs)}, {"_semfield", Zsh(verbs)}, {"semfield.fish", Fish(verbs)}};
}

}  // namespace semfield::cli
