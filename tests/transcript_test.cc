#include "transcript.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace semfield::testing {
namespace {

bool Agrees(const std::string& expected, const std::string& printed) {
  return Matches(ParseTranscript("$ x\n" + expected).steps[0].expected, SplitLines(printed));
}

TEST(Transcript, ReadsNeedsCommandsLinesAndExitCodes) {
  const Transcript t =
      ParseTranscript("# a comment\n# needs [ -d x ]\n$ semfield info x\nviews 3\n\nexit 2\n$ true\n");
  ASSERT_EQ(t.needs.size(), 1u);
  EXPECT_EQ(t.needs[0], "[ -d x ]");
  ASSERT_EQ(t.steps.size(), 2u);
  EXPECT_EQ(t.steps[0].command, "semfield info x");
  EXPECT_EQ(t.steps[0].exit_code, 2);
  EXPECT_EQ(t.steps[0].expected.size(), 1u);
  EXPECT_EQ(t.steps[1].exit_code, 0);
}

TEST(Transcript, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THROW(ParseTranscript("views 3\n"), std::runtime_error);
  EXPECT_THROW(ParseTranscript("# nothing\n"), std::runtime_error);
  EXPECT_THROW(ParseTranscript("$ x\n~ (\n"), std::runtime_error);
  EXPECT_THROW(ParseTranscript("$ x\nexit 1\nmore\n"), std::runtime_error);
}

TEST(Transcript, LinesMatchExactlyByRegexOrAny) {
  EXPECT_TRUE(Agrees("a\nb\n", "a\nb\n"));
  EXPECT_FALSE(Agrees("a\nb\n", "a\n"));
  EXPECT_FALSE(Agrees("a\n", "a\nb\n"));
  EXPECT_FALSE(Agrees("", "a\n"));
  EXPECT_TRUE(Agrees("~ view \\d+\n", "view 12\n"));
  EXPECT_FALSE(Agrees("~ view \\d+\n", "a view 12\n"));
  EXPECT_TRUE(Agrees("...\n", ""));
  EXPECT_TRUE(Agrees("a\n...\nb\n...\nc\n", "a\nx\nb\ny\nb\nc\n"));
  EXPECT_FALSE(Agrees("a\n...\nc\n", "a\nc\nd\n"));
}

}  // namespace
}  // namespace semfield::testing
