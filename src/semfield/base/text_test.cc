#include "semfield/base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace semfield {
namespace {

TEST(Text, ControlCharactersNeverReachATerminal) {
  EXPECT_EQ(PrintableText("a\x1b[31mb\x7f"), "a\\x1b[31mb\\x7f");
  EXPECT_EQ(TerminalText("a\x1b]0;b\x07\nc\td\r"), "a\\x1b]0;b\\x07\nc\td\\x0d");
  // U+009B is "ESC [" in one character.
  EXPECT_EQ(TerminalText("\xc2\x9b"
                         "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(PrintableText("\xc2\x85"), "\\xc2\\x85");
  EXPECT_EQ(TerminalText("caf\xc3\xa9 \xe2\x82\xac"), "caf\xc3\xa9 \xe2\x82\xac");
  EXPECT_EQ(TerminalText("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(TerminalText(std::string("a\0b", 3)), "a\\x00b");
}

TEST(Text, LongMessagesLoseTheirMiddle) {
  const std::string shown = TerminalText("begin " + std::string(1'000'000, '9') + " end");
  EXPECT_LT(shown.size(), 9000u);
  EXPECT_EQ(shown.substr(0, 6), "begin ");
  EXPECT_EQ(shown.substr(shown.size() - 4), " end");
  EXPECT_NE(shown.find("bytes left out"), std::string::npos);
  std::string euros;
  for (int i = 0; i < 5000; ++i) euros += "\xe2\x82\xac";
  for (size_t limit = 100; limit < 106; ++limit) EXPECT_TRUE(IsUtf8(TerminalText(euros, limit)));
  EXPECT_EQ(TerminalText(euros, 100).find("\\x"), std::string::npos);  // no half characters
  EXPECT_EQ(PrintableText(std::string(500, 'a')).size(), 123u);
}

TEST(Text, WordsForAShell) {
  EXPECT_EQ(ShellQuoted("runs/room-1.x"), "runs/room-1.x");
  EXPECT_EQ(ShellQuoted("my room"), "'my room'");
  EXPECT_EQ(ShellQuoted("it's; rm"), "'it'\\''s; rm'");
  EXPECT_EQ(ShellQuoted("$HOME"), "'$HOME'");
  EXPECT_EQ(ShellQuoted(""), "''");
}

TEST(Text, FileNamesKeepLettersOfEveryScript) {
  EXPECT_EQ(FileNameText("images/a b.jpg"), "images_a_b.jpg");
  EXPECT_EQ(FileNameText("\xe5\x8e\xa8\xe6\x88\xbf.jpg"), "\xe5\x8e\xa8\xe6\x88\xbf.jpg");
  EXPECT_EQ(FileNameText("a\xc2\x9b\xff\x1b"), "a___");
}

}  // namespace
}  // namespace semfield
