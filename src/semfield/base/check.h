#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace semfield {

// Thrown when the program itself is wrong. Never caught to go on; the command prints it and asks for a
// report.
class BugError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace internal {
[[noreturn]] inline void FailCheck(const char* file, int line, const std::string& what) {
  throw BugError(fmt::format("{}:{}: check failed: {}", file, line, what));
}
template <class A, class B>
[[noreturn]] void FailCompare(const char* file, int line, const char* expression, const A& a, const B& b) {
  FailCheck(file, line, fmt::format("{} ({} vs. {})", expression, a, b));
}
}  // namespace internal
}  // namespace semfield

// Checks for bugs, on in every build; both operands are printed.
#define SF_CHECK(condition)                                                            \
  do {                                                                                 \
    if (!(condition)) ::semfield::internal::FailCheck(__FILE__, __LINE__, #condition); \
  } while (false)
#define SF_CHECK_OP_(a, op, b)                                                                          \
  do {                                                                                                  \
    const auto& sf_check_a = (a);                                                                       \
    const auto& sf_check_b = (b);                                                                       \
    if (!(sf_check_a op sf_check_b))                                                                    \
      ::semfield::internal::FailCompare(__FILE__, __LINE__, #a " " #op " " #b, sf_check_a, sf_check_b); \
  } while (false)
#define SF_CHECK_EQ(a, b) SF_CHECK_OP_(a, ==, b)
#define SF_CHECK_NE(a, b) SF_CHECK_OP_(a, !=, b)
#define SF_CHECK_LT(a, b) SF_CHECK_OP_(a, <, b)
#define SF_CHECK_LE(a, b) SF_CHECK_OP_(a, <=, b)
#define SF_CHECK_GT(a, b) SF_CHECK_OP_(a, >, b)
#define SF_CHECK_GE(a, b) SF_CHECK_OP_(a, >=, b)
