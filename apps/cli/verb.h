#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/catalog/methods.h"

namespace semfield::cli {

// One call of a verb: owns the options that the command line fills in, then runs the job.
class Invocation {
 public:
  virtual ~Invocation() = default;
  OptionList& options() { return list_; }
  const OptionList& options() const { return list_; }
  // The job's answer: an object whose "text" is an array of lines for people, "exit_code" (optional) is 1 for
  // done but below what was asked, and everything else is for machines.
  virtual Json Run(const JobControl& control) = 0;
  // Takes a method by name, before any option is set; verbs that have none do nothing.
  virtual void ChooseMethod(const std::string& name) {}
  // Makes the defaults that options() tells those of the preset that is chosen; verbs without presets keep
  // theirs.
  virtual void ShowPreset() {}

 protected:
  OptionList list_;
};

// An argument without a name: "CAPTURE" fills the option "capture"; "[NAMES]" may be left out; a TextList
// option takes all that follow.
struct Positional {
  std::string metavar;  // "CAPTURE"
  std::string option;   // "capture"
  bool required = true;
};

struct Verb {
  std::string name;
  std::string sentence;  // what it does, one sentence
  std::vector<Positional> positionals;
  bool hidden = false;
  std::function<std::unique_ptr<Invocation>()> make;
};

// "CAPTURE" or "[CAPTURE]".
Positional ParsePositional(std::string_view text);

// A verb from a job's options struct (with Describe) and its function.
template <class Options>
Verb MakeVerb(std::string name, std::string sentence, const std::vector<std::string_view>& positionals,
              std::function<Json(const Options&, const JobControl&)> run) {
  class JobInvocation : public Invocation {
   public:
    explicit JobInvocation(std::function<Json(const Options&, const JobControl&)> run)
        : run_(std::move(run)) {
      if constexpr (requires { job_.ChooseMethod(KnownMethods(), ""); }) job_.ChooseMethod(KnownMethods());
      job_.Describe(list_);
    }
    Json Run(const JobControl& control) override {
      if constexpr (requires { job_.given; }) job_.given = list_.given();
      return run_(job_, control);
    }
    void ChooseMethod(const std::string& name) override {
      if constexpr (requires { job_.ChooseMethod(KnownMethods(), name); }) {
        job_.ChooseMethod(KnownMethods(), name);
        list_ = OptionList();
        job_.Describe(list_);
      }
    }
    void ShowPreset() override {
      if constexpr (requires { job_.PresetValues(); }) list_.ShowDefaults(job_.PresetValues());
    }

   private:
    Options job_;
    std::function<Json(const Options&, const JobControl&)> run_;
  };
  Verb verb;
  verb.name = std::move(name);
  verb.sentence = std::move(sentence);
  for (const std::string_view positional : positionals)
    verb.positionals.push_back(ParsePositional(positional));
  verb.make = [run] { return std::make_unique<JobInvocation>(run); };
  return verb;
}

// The same, left out of the list of verbs and of docs/verbs.
inline Verb Hidden(Verb verb) {
  verb.hidden = true;
  return verb;
}

// Every verb, in the order help lists them (verbs.cc).
const std::vector<Verb>& Verbs();

}  // namespace semfield::cli
