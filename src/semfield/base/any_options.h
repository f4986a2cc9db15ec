#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/options.h"

namespace semfield {

// One options struct (options.h) of a type that its holder need not know. Copies are deep.
class AnyOptions {
 public:
  AnyOptions() = default;
  template <class Options>
  explicit AnyOptions(Options values) : held_(std::make_unique<Held<Options>>(std::move(values))) {}
  AnyOptions(const AnyOptions& other) : held_(other.held_ ? other.held_->Clone() : nullptr) {}
  AnyOptions(AnyOptions&&) noexcept = default;
  AnyOptions& operator=(AnyOptions other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  bool empty() const { return held_ == nullptr; }
  // Adds the struct's fields to `list`; it must not outlive this object. Nothing when empty.
  void Describe(OptionList& list) {
    if (held_) held_->Describe(list);
  }
  // The struct itself; one of another type than it was made of is a bug.
  template <class Options>
  Options& As() {
    return Find<Options>()->values;
  }
  template <class Options>
  const Options& As() const {
    return Find<Options>()->values;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::unique_ptr<Base> Clone() const = 0;
    virtual void Describe(OptionList& list) = 0;
  };
  template <class Options>
  struct Held : Base {
    explicit Held(Options v) : values(std::move(v)) {}
    std::unique_ptr<Base> Clone() const override { return std::make_unique<Held>(values); }
    void Describe(OptionList& list) override { values.Describe(list); }
    Options values;
  };
  template <class Options>
  Held<Options>* Find() const {
    auto* held = dynamic_cast<Held<Options>*>(held_.get());
    SF_CHECK(held != nullptr);
    return held;
  }

  std::unique_ptr<Base> held_;
};

// The values of all options as an object, in order of description.
inline Json OptionsToJson(const AnyOptions& options) {
  AnyOptions copy = options;
  OptionList list;
  copy.Describe(list);
  return OptionsToJson(list);
}

}  // namespace semfield
