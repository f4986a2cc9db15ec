#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verb.h"

namespace semfield::cli {

// Options that every verb takes.
struct CommonOptions {
  std::string option_file;  // JSON file with options of the verb
  std::string json;         // "-": standard output
  int threads = 0;          // 0: all cores
  bool quiet = false;
  bool verbose = false;
  void Describe(OptionList& list);
};

// What a command line asks for.
struct Request {
  const Verb* verb = nullptr;              // nullptr: `text` is all there is to do (help, version)
  std::unique_ptr<Invocation> invocation;  // options set
  CommonOptions common;
  std::string text;
};

// Wrong use throws Error (kInput) that names the nearest known word; `verb_name` is set as soon as it is
// known.
Request ParseCommandLine(const std::vector<std::string>& arguments, std::string* verb_name);
// The same for the arguments that follow the verb, which must outlive the request.
Request ParseVerb(const Verb& verb, const std::vector<std::string>& arguments);

// Hands the method that `arguments` name, if they do, to a verb that has methods. To be called first: which
// options there are hangs on it. An unknown method: Error.
void ChooseMethod(const std::vector<std::string>& arguments, Invocation& invocation);

// What `semfield --help` and `semfield VERB --help` print, in lines of at most `width` columns, but for
// longer words.
inline constexpr size_t kHelpWidth = 100;
std::string HelpText(size_t width = kHelpWidth);
// With the defaults of the preset that `arguments` name, if the verb has presets.
std::string HelpText(const Verb& verb, const std::vector<std::string>& arguments = {},
                     size_t width = kHelpWidth);
// The version and what it was made with: compiler, instruction sets, sanitizers, libraries, and the ONNX
// Runtime that is found now.
std::string VersionText();

// "--steps N" or "--no-mask", and what the option does with its default, as help shows them.
std::string OptionSignature(const Option& option);
std::string OptionHelp(const Option& option);
// Whether an argument without a name fills this option.
bool IsPositional(const Verb& verb, const Option& option);

// "semfield segment RUN [options]".
std::string Usage(const Verb& verb);

}  // namespace semfield::cli
