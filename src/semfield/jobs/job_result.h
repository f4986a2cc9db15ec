#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// What a job returns: a struct of its own whose fields callers read. Text for people, a line each, and the
// object for machines are two functions of it; neither is made from the other.
template <class Result>
concept JobResult = requires(const Result& result) {
  { result.Text() } -> std::convertible_to<std::vector<std::string>>;
  { result.ToJson() } -> std::convertible_to<Json>;
};

// 0: done, 1: done but below what was asked. A result without such a member function is always done.
template <JobResult Result>
int ExitCodeOf(const Result& result) {
  if constexpr (requires { result.exit_code(); }) {
    return result.exit_code();
  } else {
    return 0;
  }
}

}  // namespace semfield
