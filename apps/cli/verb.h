#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/catalog/methods.h"
#include "semfield/jobs/job_result.h"

namespace semfield::cli {

// What a verb answers: lines for people, an object for machines, and the exit code.
struct Answer {
  std::vector<std::string> text;
  Json json;
  int exit_code = 0;
};

// One call of a verb: owns the options that the command line fills in, then runs the job.
class Invocation {
 public:
  virtual ~Invocation() = default;
  OptionList& options() { return list_; }
  const OptionList& options() const { return list_; }
  virtual Answer Run(const JobControl& control) = 0;
  // Takes a method by name, before any option is set; verbs that have none do nothing.
  virtual void ChooseMethod(const std::string& name) {}
  // The same by a teacher's name.
  virtual void ChooseTeacher(const std::string& name) {}
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

// A verb from a job's options struct (with Describe) and its function, Result(Options, JobControl) or, of
// jobs that open runs, Result(Options, MethodList, JobControl). What the command line gave goes into a member
// `given`, if there is one.
template <class Options, class RunFunction>
Verb MakeVerb(std::string name, std::string sentence, const std::vector<std::string_view>& positionals,
              RunFunction run) {
  class JobInvocation : public Invocation {
   public:
    explicit JobInvocation(RunFunction run) : run_(run) {
      if constexpr (requires { job_.ChooseMethod(KnownMethods(), ""); }) job_.ChooseMethod(KnownMethods());
      job_.Describe(list_);
    }
    Answer Run(const JobControl& control) override {
      if constexpr (requires { job_.given; }) job_.given = list_.given();
      const JobResult auto result = Result(control);
      return {.text = result.Text(), .json = result.ToJson(), .exit_code = ExitCodeOf(result)};
    }
    void ChooseMethod(const std::string& name) override {
      if constexpr (requires { job_.ChooseMethod(KnownMethods(), name); }) {
        job_.ChooseMethod(KnownMethods(), name);
        list_ = OptionList();
        job_.Describe(list_);
      }
    }
    void ChooseTeacher(const std::string& name) override {
      if constexpr (requires { job_.ChooseTeacher(KnownMethods(), name); }) {
        job_.ChooseTeacher(KnownMethods(), name);
        list_ = OptionList();
        job_.Describe(list_);
      }
    }
    void ShowPreset() override {
      if constexpr (requires { job_.PresetValues(); }) list_.ShowDefaults(job_.PresetValues());
    }

   private:
    auto Result(const JobControl& control) const {
      if constexpr (std::is_invocable_v<RunFunction, const Options&, const MethodList&, const JobControl&>) {
        return run_(job_, KnownMethods(), control);
      } else {
        return run_(job_, control);
      }
    }

    Options job_;
    RunFunction run_;
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
