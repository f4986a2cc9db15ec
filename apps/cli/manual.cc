#include <fmt/format.h>

#include <sstream>

#include "command_line.h"
#include "semfield/base/version.h"
#include "shell_files.h"

namespace semfield::cli {
namespace {

// Text of a manual page: a backslash or a leading dot or apostrophe would be read as a request, and '-' as a
// hyphen that nobody can search for.
std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return !out.empty() && (out[0] == '.' || out[0] == '\'') ? "\\&" + out : out;
}

// "\\-\\-steps N" in bold and its value in italics, then what it does.
std::string Paragraph(const std::string& signature, const std::string& help) {
  const size_t space = signature.find(' ');
  std::string text = ".TP\n\\fB" + Escaped(signature.substr(0, space)) + "\\fR";
  if (space != std::string::npos) text += " \\fI" + Escaped(signature.substr(space + 1)) + "\\fR";
  return text + "\n" + Escaped(help) + "\n";
}

std::string OptionParagraphs(const OptionList& list, const Verb* verb) {
  std::string text;
  for (const Option& option : list.options()) {
    if (verb != nullptr && IsPositional(*verb, option)) continue;
    text += Paragraph(OptionSignature(option), OptionHelp(option));
  }
  return text;
}

std::string VerbSection(const Verb& verb) {
  const auto invocation = verb.make();
  std::string text = fmt::format(".SS \"{}\"\n{}\n", Escaped(Usage(verb)), Escaped(verb.sentence));
  for (const Positional& positional : verb.positionals) {
    text += Paragraph(positional.metavar, invocation->options().Find(positional.option)->help);
  }
  return text + OptionParagraphs(invocation->options(), &verb);
}

}  // namespace

std::vector<DocsPage> ManualPages() {
  std::string text = fmt::format(
      ".\\\" Made by \"semfield docs\" from the option descriptions.\n"
      ".TH SEMFIELD 1 \"\" \"semfield {}\" \"User Commands\"\n"
      ".SH NAME\nsemfield \\- click an object in one photo of a scene, get its mask in all of them\n"
      ".SH SYNOPSIS\n.B semfield\n.I VERB\n.RI ... \" \" [options]\n"
      ".SH DESCRIPTION\n"
      "Trains a radiance field on posed photos, teaches it what a segmentation network sees, and answers\n"
      "clicks with masks in every view.\n"
      ".SH VERBS\n",
      Version());
  for (const Verb& verb : Verbs()) {
    if (!verb.hidden) text += VerbSection(verb);
  }
  CommonOptions common;
  OptionList list;
  common.Describe(list);
  text += ".SH \"OPTIONS OF EVERY VERB\"\n" + OptionParagraphs(list, nullptr);
  text +=
      ".SH EXAMPLES\n.nf\n"
      "semfield train photos \\-\\-out run \\-\\-minutes 4\n"
      "semfield imitate run \\-\\-minutes 3\n"
      "semfield segment run \\-\\-view 046 \\-\\-click 240,195 \\-\\-views all\n.fi\n"
      ".SH \"EXIT STATUS\"\n0 done, 1 done but below what was asked, 2 wrong use or input, 3 out of a "
      "resource or a missing library,\n"
      "70 a bug in semfield, 130 interrupted.\n"
      ".SH FILES\n.I share/doc/semfield\nbeside the command: conventions of captures and run folders, "
      "licences.\n";
  return {{"semfield.1", text}};
}

}  // namespace semfield::cli
