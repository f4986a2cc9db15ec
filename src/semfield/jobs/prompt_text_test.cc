#include "semfield/jobs/prompt_text.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"

namespace semfield {
namespace {

Camera Frame() {
  return PinholeCamera(320, 240, 1);
}

std::string MessageOf(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes) {
  try {
    ParseWholePrompt(clicks, boxes, Frame());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

TEST(PromptText, ReadsClicks) {
  const Prompt prompt = ParseWholePrompt({"10,20", "30.5,40,-", "1e2,7,+"}, {}, Frame());
  ASSERT_EQ(prompt.points.size(), 3u);
  EXPECT_EQ(prompt.points[0].x, 10);
  EXPECT_EQ(prompt.points[0].y, 20);
  EXPECT_TRUE(prompt.points[0].positive);
  EXPECT_EQ(prompt.points[1].x, 30.5);
  EXPECT_FALSE(prompt.points[1].positive);
  EXPECT_EQ(prompt.points[2].x, 100);
  EXPECT_TRUE(prompt.points[2].positive);
  EXPECT_TRUE(prompt.boxes.empty());
}

// The command line cuts lists at commas.
TEST(PromptText, ReadsClicksCutIntoWords) {
  const Prompt prompt =
      ParseWholePrompt({"10", "20", "30", "40", "-", "50", "60"}, {"1", "2", "3", "4"}, Frame());
  ASSERT_EQ(prompt.points.size(), 3u);
  EXPECT_FALSE(prompt.points[1].positive);
  EXPECT_EQ(prompt.points[2].x, 50);
  ASSERT_EQ(prompt.boxes.size(), 1u);
  EXPECT_EQ(prompt.boxes[0].y1, 4);
}

TEST(PromptText, ABoxIsEnough) {
  const Prompt prompt = ParseWholePrompt({}, {"10,20,30.5,40"}, Frame());
  ASSERT_EQ(prompt.boxes.size(), 1u);
  EXPECT_EQ(prompt.boxes[0].x0, 10);
  EXPECT_EQ(prompt.boxes[0].y0, 20);
  EXPECT_EQ(prompt.boxes[0].x1, 30.5);
  EXPECT_EQ(ParseWholePrompt({"5,5,-"}, {"10,20,30,40"}, Frame()).points.size(), 1u);
}

TEST(PromptText, TheBorderIsInside) {
  EXPECT_EQ(ParseWholePrompt({"0,0", "320,240"}, {"0,0,320,240"}, Frame()).points.size(), 2u);
}

TEST(PromptText, RefusesClicksThatAreNoPairOfNumbers) {
  for (const char* text :
       {"10", "10,", ",", "a,b", "10,b", "10;x", "10,20,30", "10,20,*", "10,20,-,-", "-,10,20", "nan,3",
        "3,inf", "1e999,3", "0x10,3", "10px,20", "--1,2", "10,20,+-", "1.2.3,4", "\xff,1"}) {
    const std::string message = MessageOf({text}, {});
    EXPECT_NE(message.find("--click"), std::string::npos) << "'" << text << "': " << message;
  }
}

TEST(PromptText, LongAndOddTextsAreShownShort) {
  const std::string message = MessageOf({std::string(100000, 'x') + "\x1b[2J\xff"}, {});
  EXPECT_LT(message.size(), 300u);
  EXPECT_NE(MessageOf({"\x1b[2J"}, {}).find("\\x1b"), std::string::npos);
}

TEST(PromptText, RefusesClicksOutsideAndSaysHowLargeTheImageIs) {
  for (const char* text : {"-1,20", "10,-0.01", "320.01,20", "10,240.5", "1e300,1"}) {
    const std::string message = MessageOf({text}, {});
    EXPECT_NE(message.find("320 x 240"), std::string::npos) << text << ": " << message;
  }
}

TEST(PromptText, RefusesBoxes) {
  for (const char* text : {"1", "1,2", "1,2,3", "1,2,3,x", "1,2,3,4,5", "10,10,10,20", "20,10,10,20",
                           "10,20,20,20", "10,30,20,20", "-1,2,3,4", "1,2,321,4", "1,2,nan,4"}) {
    const std::string message = MessageOf({}, {text});
    EXPECT_NE(message.find("--box"), std::string::npos) << "'" << text << "': " << message;
  }
  EXPECT_NE(MessageOf({}, {"1,2,3,4", "5,6,7,8"}).find("one box"), std::string::npos);
}

TEST(PromptText, RefusesToBeAskedForNothing) {
  for (const std::vector<std::string>& clicks :
       std::vector<std::vector<std::string>>{{}, {""}, {" "}, {"10,20,-"}, {"10,20,-", "1,2,-"}}) {
    EXPECT_NE(MessageOf(clicks, {}).find("--click"), std::string::npos);
  }
}

}  // namespace
}  // namespace semfield
