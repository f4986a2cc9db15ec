#include "command_line.h"

#include <algorithm>
#include <deque>

#include "semfield/base/error.h"
#include "terminal.h"

#include <CLI/CLI.hpp>

namespace semfield::cli {
namespace {

// Raw texts of one option as the command line gave them.
struct Given {
  const Option* option;
  std::vector<std::string> texts;
};

// "--held_out=3" -> "--held-out=3"; values keep their underscores.
std::string NormalizeName(const std::string& argument) {
  if (argument.rfind("--", 0) != 0) return argument;
  std::string out = argument;
  const size_t end = std::min(out.find('='), out.size());
  std::replace(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
  return out;
}

// A list's values split at commas, unless one value holds commas itself, as its metavar "X,Y" then shows.
std::vector<std::string> ListValues(const Option& option, const std::vector<std::string>& texts) {
  if (option.limits.metavar.find(',') != std::string::npos) return texts;
  std::vector<std::string> values;
  for (const std::string& text : texts) {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      values.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return values;
}

void Apply(const Given& given, const std::string& where) {
  if (std::holds_alternative<std::vector<std::string>*>(given.option->target)) {
    SetOption(*given.option, Json(ListValues(*given.option, given.texts)), where);
  } else {
    SetOptionFromText(*given.option, given.texts.back(), where);
  }
}

void AddFlag(CLI::App& app, const Option& option, Given* given) {
  const std::string names = "--" + option.name + ",!--no-" + option.name;
  app.add_flag_function(names, [given](int64_t count) { given->texts = {count > 0 ? "true" : "false"}; })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void AddOption(CLI::App& app, const Option& option, Given* given) {
  if (option.IsFlag()) {
    AddFlag(app, option, given);
    return;
  }
  auto* added = app.add_option_function<std::vector<std::string>>(
      "--" + option.name, [given](const std::vector<std::string>& texts) { given->texts = texts; });
  added->type_size(1)->expected(1)->allow_extra_args(false);
  added->multi_option_policy(option.IsList() ? CLI::MultiOptionPolicy::TakeAll
                                             : CLI::MultiOptionPolicy::Throw);
}

std::vector<std::string> VerbNames() {
  std::vector<std::string> names;
  for (const Verb& verb : Verbs()) {
    if (!verb.hidden) names.push_back(verb.name);
  }
  return names;
}

const Verb& FindVerb(const std::string& name) {
  for (const Verb& verb : Verbs()) {
    if (verb.name == name) return verb;
  }
  const std::string nearest = NearestName(name, VerbNames());
  throw InputError("unknown verb '{}'{}; \"semfield --help\" lists the verbs", name,
                   nearest.empty() ? "" : " (did you mean '" + nearest + "'?)");
}

// As wide as the terminal, within what can be read.
size_t HelpWidth() {
  return std::clamp<size_t>(TerminalColumns(stdout, kHelpWidth), 40, kHelpWidth);
}

bool IsHelp(const std::string& word) {
  return word == "--help" || word == "-h";
}

[[noreturn]] void RefuseOption(const Verb& verb, const std::string& argument,
                               const std::vector<std::string>& known) {
  const std::string name = argument.substr(0, argument.find('='));
  const size_t begin = std::min(name.find_first_not_of('-'), name.size());
  const std::string nearest = NearestName(name.substr(begin), known);
  throw InputError("unknown option '{}'{}; \"semfield {} --help\" lists the options", name,
                   nearest.empty() ? "" : " (did you mean '--" + nearest + "'?)", verb.name);
}

// The options of one verb, registered with the parser. Arguments without a name are dealt out in their order
// to the positional options that were not given by name.
class VerbParser {
 public:
  VerbParser(const Verb& verb, Invocation& invocation, OptionList& common) : verb_(verb) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const Option& option : invocation.options().options()) Add(option);
    for (const Option& option : common.options()) Add(option);
    known_.push_back("help");
  }

  // True if help was asked for; then nothing is checked further.
  bool Parse(std::vector<std::string> arguments) {
    const auto rest = std::find(arguments.begin(), arguments.end(), "--");
    const std::vector<std::string> after(rest == arguments.end() ? rest : rest + 1, arguments.end());
    arguments.erase(rest, arguments.end());
    for (std::string& argument : arguments) argument = NormalizeName(argument);
    if (std::find_if(arguments.begin(), arguments.end(), IsHelp) != arguments.end()) return true;
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
      app_.parse(arguments);
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string message = error.what();
      const bool repeated = message.find("received") != std::string::npos;
      throw InputError("{}: {}. \"semfield {} --help\" lists the options",
                       message.substr(0, message.find(':')),
                       repeated ? "given more than once" : "its value is missing", verb_.name);
    } catch (const CLI::ParseError& error) {
      throw InputError("{}. Usage: {}", error.what(), Usage(verb_));
    }
    std::vector<std::string> unnamed = app_.remaining();
    for (const std::string& argument : unnamed) {
      if (argument.size() > 1 && argument[0] == '-') RefuseOption(verb_, argument, known_);
    }
    unnamed.insert(unnamed.end(), after.begin(), after.end());
    DealOut(unnamed);
    return false;
  }

  // Sets what was given and marks it in the list it is of.
  void Apply(OptionList& options) const {
    for (const Given& given : given_) {
      if (given.texts.empty()) continue;
      cli::Apply(given, "command line");
      if (options.Find(given.option->name) == given.option) options.MarkGiven(given.option->name);
    }
  }

 private:
  void Add(const Option& option) {
    given_.push_back({&option, {}});
    AddOption(app_, option, &given_.back());
    known_.push_back(option.name);
  }

  Given& Find(const std::string& name) {
    const auto found = std::find_if(given_.begin(), given_.end(),
                                    [&](const Given& given) { return given.option->name == name; });
    SF_CHECK(found != given_.end());
    return *found;
  }

  void DealOut(const std::vector<std::string>& unnamed) {
    size_t next = 0;
    for (const Positional& positional : verb_.positionals) {
      Given& given = Find(positional.option);
      const bool is_list = std::holds_alternative<std::vector<std::string>*>(given.option->target);
      while (next < unnamed.size() && (is_list || given.texts.empty()))
        given.texts.push_back(unnamed[next++]);
      if (given.texts.empty() && positional.required) {
        throw InputError("{} is missing; usage: {}", positional.metavar, Usage(verb_));
      }
    }
    if (next < unnamed.size())
      throw InputError("unexpected argument '{}'; usage: {}", unnamed[next], Usage(verb_));
  }

  const Verb& verb_;
  CLI::App app_;
  std::deque<Given> given_;  // stable addresses: the parser's callbacks point here
  std::vector<std::string> known_;
};

}  // namespace

namespace {

// The last value that an option is given on the command line, before anything is parsed.
std::string LastValue(const std::vector<std::string>& arguments, const std::string& option) {
  std::string value;
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& argument = arguments[i];
    if (argument.rfind(option + "=", 0) == 0) value = argument.substr(option.size() + 1);
    if (argument == option && i + 1 < arguments.size()) value = arguments[i + 1];
  }
  return value;
}

}  // namespace

void ChooseMethod(const std::vector<std::string>& arguments, Invocation& invocation) {
  if (invocation.options().Find("method") == nullptr) return;
  const std::string method = LastValue(arguments, "--method"), teacher = LastValue(arguments, "--teacher");
  if (!method.empty()) {
    invocation.ChooseMethod(method);
  } else if (!teacher.empty()) {
    invocation.ChooseTeacher(teacher);
  }
}

Positional ParsePositional(std::string_view text) {
  Positional positional;
  positional.required = text.front() != '[';
  if (!positional.required) text = text.substr(1, text.size() - 2);
  positional.metavar = text;
  for (const char c : text) positional.option += c == '_' ? '-' : static_cast<char>(std::tolower(c));
  return positional;
}

void CommonOptions::Describe(OptionList& list) {
  list.Group("Every verb");
  list.Text("options", &option_file, "Options of this verb from a JSON file; the command line wins over it.",
            {.metavar = "FILE"});
  list.Text("json", &json,
            "Write the answer as JSON to a file, or with '-' to standard output instead of text.",
            {.metavar = "FILE|-"});
  list.Int("threads", &threads, "Threads to work with; 0 means all cores.", {.min = 0, .max = 1024});
  list.Flag("quiet", &quiet, "No progress, only warnings.");
  list.Flag("verbose", &verbose, "Say more while working.");
}

Request ParseCommandLine(const std::vector<std::string>& arguments, std::string* verb_name) {
  Request request;
  if (arguments.empty()) throw InputError("which verb? \"semfield --help\" lists them");
  const std::string& first = arguments.front();
  if (first == "--version") {
    request.text = VersionText();
    return request;
  }
  if (IsHelp(first) || first == "help") {
    request.text =
        arguments.size() > 1 ? HelpText(FindVerb(arguments[1]), {}, HelpWidth()) : HelpText(HelpWidth());
    return request;
  }
  if (first[0] == '-') {
    throw InputError(
        "the verb comes first, then its options: semfield VERB {} ...; \"semfield --help\" lists the verbs",
        first);
  }
  const Verb& verb = FindVerb(first);
  *verb_name = verb.name;
  return ParseVerb(verb, {arguments.begin() + 1, arguments.end()});
}

Request ParseVerb(const Verb& verb, const std::vector<std::string>& arguments) {
  Request request;
  request.invocation = verb.make();
  ChooseMethod(arguments, *request.invocation);
  OptionList common_list;
  request.common.Describe(common_list);
  VerbParser parser(verb, *request.invocation, common_list);
  if (parser.Parse(arguments)) {
    request.text = HelpText(verb, arguments, HelpWidth());
    return request;
  }
  OptionList& options = request.invocation->options();
  parser.Apply(options);
  if (!request.common.option_file.empty()) {
    const Json file = ReadJsonFile(request.common.option_file);
    OptionsFromJson(options, file, request.common.option_file);
    for (const auto& [name, value] : file.items()) options.MarkGiven(name);
    parser.Apply(options);
  }
  request.verb = &verb;
  return request;
}

}  // namespace semfield::cli
