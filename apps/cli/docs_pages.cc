#include "docs_pages.h"

#include <filesystem>

#include "command_line.h"
#include "semfield/base/atomic_file.h"
#include "shell_files.h"

#include <fmt/format.h>

namespace semfield::cli {
namespace {

constexpr const char* kMade =
    "<!-- Made by \"semfield docs\"; edit the option descriptions in src, not this page. -->\n";

std::string PageText(const Verb& verb) {
  const auto invocation = verb.make();
  invocation->ShowPreset();
  std::string text = kMade;
  text += fmt::format("# semfield {}\n\n{}\n\n```\n{}\n```\n\n", verb.name, verb.sentence, Usage(verb));
  if (!verb.positionals.empty()) {
    text += "Without a name:";
    for (const Positional& positional : verb.positionals) {
      text += fmt::format(" `{}` is `--{}`{}", positional.metavar, positional.option,
                          positional.required ? "" : " (may be left out)");
      text += &positional == &verb.positionals.back() ? "." : ",";
    }
    text += "\n\n";
  }
  return text + OptionsMarkdown(invocation->options()) +
         "\nOptions of every verb are in [README.md](README.md).\n";
}

std::string IndexText() {
  std::string text = kMade;
  text += "# Verbs\n\n| verb | does |\n|---|---|\n";
  for (const Verb& verb : Verbs()) {
    if (!verb.hidden) text += fmt::format("| [{0}]({0}.md) | {1} |\n", verb.name, verb.sentence);
  }
  CommonOptions common;
  OptionList list;
  common.Describe(list);
  return text + "\nEvery verb also takes:\n\n" + OptionsMarkdown(list);
}

// JSON schemas of the files that --options reads, for editors that check and complete them.
std::vector<DocsPage> SchemaFiles() {
  std::vector<DocsPage> files;
  for (const Verb& verb : Verbs()) {
    if (verb.hidden) continue;
    const Json schema = OptionsSchema(verb.make()->options(), "semfield " + verb.name);
    files.push_back({verb.name + ".schema.json", DumpJson(schema, 2) + "\n"});
  }
  return files;
}

}  // namespace

std::vector<DocsPage> DocsPages() {
  std::vector<DocsPage> pages{{"README.md", IndexText()}};
  for (const Verb& verb : Verbs()) {
    if (!verb.hidden) pages.push_back({verb.name + ".md", PageText(verb)});
  }
  return pages;
}

void DocsJobOptions::Describe(OptionList& list) {
  list.Text("dir", &dir, "Folder of the pages, docs/verbs in the source tree.");
  list.Text("what", &what, "Files to write.", {.choices = {"verbs", "completion", "man", "schema"}});
  list.Flag("check", &check, "Write nothing; exit 1 if a page is missing or not current.");
}

std::vector<std::string> DocsResult::Text() const {
  std::vector<std::string> text;
  for (const std::string& file : stale) text.push_back(file + (check ? " is not current" : " written"));
  if (stale.empty()) text.emplace_back("all pages are current");
  return text;
}

Json DocsResult::ToJson() const {
  return {{"stale", stale}};
}

DocsResult RunDocs(const DocsJobOptions& options, const JobControl&) {
  DocsResult result{.stale = {}, .check = options.check};
  const std::filesystem::path dir = options.dir;
  const auto pages = options.what == "completion" ? CompletionFiles()
                     : options.what == "man"      ? ManualPages()
                     : options.what == "schema"   ? SchemaFiles()
                                                  : DocsPages();
  for (const DocsPage& page : pages) {
    const std::filesystem::path path = dir / page.file_name;
    if (std::filesystem::exists(path) && ReadTextFile(path) == page.text) continue;
    result.stale.push_back(page.file_name);
    if (!options.check) WriteFileAtomically(path, std::string_view(page.text));
  }
  return result;
}

}  // namespace semfield::cli
