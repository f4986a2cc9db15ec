#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// Options are plain structs; one description of their fields serves the command line, config.json, the JSON
// schema and the tables in docs/. A struct takes part by a member
//
//   void Describe(OptionList& list) {
//     list.Group("Schedule");
//     list.Int("steps", &steps, "Optimizer steps.", {.min = 1, .max = 1e7});
//     list.Real("learning-rate", &learning_rate, "Adam's first step size of the grid.", {.min = 0});
//     list.Flag("distortion", &distortion, "Use the distortion loss.");
//     list.Text("background", &background, "Colour behind the scene.", {.choices = {"auto", "white", "black",
//     "random"}});
//   }
//
// The value a field has when Describe is called is its default. Names are lower-case-with-dashes; '_' reads
// as '-'. A std::optional field without a value is written and read as the word "auto": whoever uses the
// struct decides.
struct OptionLimits {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<double> values = {};        // of a number: only these; empty: all between min and max
  double multiple_of = 0;                 // of a number: only its multiples; 0: any
  std::vector<std::string> choices = {};  // for Text and TextList: what is allowed; empty: anything
  std::string metavar = {};               // how help shows the value, e.g. "MINUTES"
  // Of an optional number: also reads as "auto", as older files have it.
  std::optional<double> old_auto = {};
};

// A field that holds one of a list of names, each of which is a value of an enum.
struct NamedValue {
  std::function<std::string()> get;
  std::function<void(const std::string&)> set;  // one of the choices
};

struct Option {
  using Target = std::variant<bool*, int*, double*, std::optional<int>*, std::optional<double>*, std::string*,
                              NamedValue, std::vector<std::string>*>;
  std::string name;
  std::string group;
  std::string help;
  Target target;
  OptionLimits limits;
  Json default_value;  // the value at Describe time

  bool IsFlag() const { return std::holds_alternative<bool*>(target); }
  bool IsList() const { return std::holds_alternative<std::vector<std::string>*>(target); }
  bool IsInt() const;     // optional or not
  bool IsNumber() const;  // whole or not, optional or not
};

// Names of the options that somebody gave, in a file or on the command line, whatever their values: what was
// given wins over presets, a default does not.
using GivenOptions = std::set<std::string>;

class OptionList {
 public:
  void Group(std::string name);  // heading of the options that follow
  void Flag(std::string name, bool* value, std::string help);
  void Int(std::string name, int* value, std::string help, OptionLimits limits = {});
  void Real(std::string name, double* value, std::string help, OptionLimits limits = {});
  void Int(std::string name, std::optional<int>* value, std::string help, OptionLimits limits = {});
  void Real(std::string name, std::optional<double>* value, std::string help, OptionLimits limits = {});
  // An enum by its names, in the order in which help shows them; the other has "auto" before them.
  template <class E>
  void Choice(std::string name, E* value, std::string help, std::vector<std::pair<std::string, E>> names);
  template <class E>
  void ChoiceOrAuto(std::string name, std::optional<E>* value, std::string help,
                    std::vector<std::pair<std::string, E>> names);
  void Text(std::string name, std::string* value, std::string help, OptionLimits limits = {});
  void TextList(std::string name, std::vector<std::string>* value, std::string help,
                OptionLimits limits = {});

  // Two numbers described before, of which the first may not be the larger one.
  void InOrder(const std::string& smaller, const std::string& larger);
  const std::vector<std::pair<std::string, std::string>>& orders() const { return orders_; }

  const std::vector<Option>& options() const { return options_; }
  // nullptr if there is none of that name ('_' and '-' are equal).
  const Option* Find(const std::string& name) const;
  std::vector<std::string> Names() const;

  // Notes that an option of this list was given ('_' and '-' are equal); one that is not here is a bug.
  void MarkGiven(const std::string& name);
  const GivenOptions& given() const { return given_; }
  // Replaces the defaults that help and pages show by those of an object of options; values stay. Names that
  // are not here are left out.
  void ShowDefaults(const Json& values);

 private:
  void Add(std::string name, Option::Target target, std::string help, OptionLimits limits);
  std::string group_;
  std::vector<Option> options_;
  std::vector<std::pair<std::string, std::string>> orders_;
  GivenOptions given_;
};

inline constexpr char kAutoWord[] = "auto";

template <class E>
void OptionList::Choice(std::string name, E* value, std::string help,
                        std::vector<std::pair<std::string, E>> names) {
  OptionLimits limits;
  for (const auto& [word, meaning] : names) limits.choices.push_back(word);
  NamedValue target;
  target.get = [value, names] {
    for (const auto& [word, meaning] : names) {
      if (meaning == *value) return word;
    }
    return std::string();
  };
  target.set = [value, names](const std::string& text) {
    for (const auto& [word, meaning] : names) {
      if (word == text) *value = meaning;
    }
  };
  Add(std::move(name), std::move(target), std::move(help), std::move(limits));
}

template <class E>
void OptionList::ChoiceOrAuto(std::string name, std::optional<E>* value, std::string help,
                              std::vector<std::pair<std::string, E>> names) {
  std::vector<std::pair<std::string, std::optional<E>>> with_auto = {{kAutoWord, std::nullopt}};
  with_auto.insert(with_auto.end(), names.begin(), names.end());
  Choice<std::optional<E>>(std::move(name), value, std::move(help), std::move(with_auto));
}

// Sets one option from JSON. Wrong type, out of range or not a choice: Error naming `where` and the option.
void SetOption(const Option& option, const Json& value, const std::string& where);
// Sets one option from command-line text ("true"/"false" for flags; lists split at commas).
void SetOptionFromText(const Option& option, const std::string& text, const std::string& where);
// Current values as an object, in order of description.
Json OptionsToJson(const OptionList& list);
// What no option can say of itself: pairs that are to be in order. For the caller that has all values.
void CheckOrders(const OptionList& list, const std::string& where);
// Every key must be known: an unknown one is an Error naming `where`, the key and the nearest known names.
// Pairs of which both are in `object` must be in order.
void OptionsFromJson(const OptionList& list, const Json& object, const std::string& where);
// JSON schema (draft 2020-12) of the object that OptionsFromJson reads.
Json OptionsSchema(const OptionList& list, const std::string& title);
// Markdown table: option, default, range or choices, help; a heading row per group.
std::string OptionsMarkdown(const OptionList& list);

// The known name nearest to `name` (edit distance), for "did you mean"; empty if none is near.
std::string NearestName(const std::string& name, const std::vector<std::string>& known);

}  // namespace semfield
