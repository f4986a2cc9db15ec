#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "verb.h"

namespace semfield::cli {

// One page of docs/verbs, made from the verb's own description.
struct DocsPage {
  std::string file_name;  // "train.md"
  std::string text;
};
std::vector<DocsPage> DocsPages();

// Hidden verb `docs DIR`: writes the pages, or with --check only says which are not current. --what chooses
// other files that are made from the same descriptions: completion, man, schema (a JSON schema a verb).
struct DocsJobOptions {
  std::string dir;
  std::string what = "verbs";
  bool check = false;
  void Describe(OptionList& list);
};
struct DocsResult {
  std::vector<std::string> stale;  // files that were not current
  bool check = false;
  std::vector<std::string> Text() const;
  Json ToJson() const;
  int exit_code() const { return check && !stale.empty() ? 1 : 0; }
};
DocsResult RunDocs(const DocsJobOptions& options, const JobControl& control);

}  // namespace semfield::cli
