#include "semfield/base/options.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

struct TrainOptions {
  int steps = 20000;
  double learning_rate = 0.01;
  bool distortion = true;
  std::string background = "auto";
  std::vector<std::string> teachers = {"sam"};
  int free_int = -3;

  void Describe(OptionList& list) {
    list.Group("Schedule");
    list.Int("steps", &steps, "Optimizer steps.", {.min = 1, .max = 1e7});
    list.Real("learning_rate", &learning_rate, "First step size | of the grid.", {.min = 0});
    list.Group("Scene");
    list.Flag("distortion", &distortion, "Use the distortion loss.");
    list.Text("background", &background, "Colour behind.", {.choices = {"auto", "white", "black", "random"}});
    list.TextList("teachers", &teachers, "Who is imitated.", {.choices = {"sam", "dino", "clip"}});
    list.Int("free-int", &free_int, "Any number.");
  }
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { options_.Describe(list_); }
  void Set(const char* name, const std::string& text) {
    SetOptionFromText(*list_.Find(name), text, "command line");
  }
  std::string SetError(const char* name, const std::string& text) {
    try {
      Set(name, text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.what();
    }
    return "";
  }
  std::string JsonError(const char* text) {
    try {
      OptionsFromJson(list_, ParseJson(text, "text"), "config.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TrainOptions options_;
  OptionList list_;
};

TEST_F(OptionsTest, DashAndUnderscoreAreEqual) {
  EXPECT_EQ(list_.Find("learning_rate"), list_.Find("learning-rate"));
  EXPECT_EQ(list_.Find("learning_rate")->name, "learning-rate");
  EXPECT_EQ(list_.Find("none"), nullptr);
  EXPECT_EQ(list_.Names()[1], "learning-rate");
  EXPECT_EQ(list_.Find("background")->group, "Scene");
  int twice = 0;
  EXPECT_THROW(list_.Int("learning_rate", &twice, ""), BugError);
}

TEST_F(OptionsTest, TextSetsEveryKind) {
  Set("steps", "3e4");
  Set("learning-rate", "+2.5e-3");
  Set("distortion", "off");
  Set("background", "white");
  Set("teachers", "clip,dino");
  Set("free-int", "-2147483648");
  EXPECT_EQ(options_.steps, 30000);
  EXPECT_DOUBLE_EQ(options_.learning_rate, 2.5e-3);
  EXPECT_FALSE(options_.distortion);
  EXPECT_EQ(options_.background, "white");
  EXPECT_EQ(options_.teachers, (std::vector<std::string>{"clip", "dino"}));
  EXPECT_EQ(options_.free_int, INT32_MIN);
  Set("teachers", "");
  EXPECT_TRUE(options_.teachers.empty());
}

TEST_F(OptionsTest, WrongTextNamesOptionGotAndExpected) {
  EXPECT_EQ(SetError("steps", "0"), "command line: steps: expected a whole number, 1 to 10000000, got 0");
  for (const char* bad : {"", "ten", "1.5", "1e8", "nan", "inf", "12x", " 1", "+-1", "0x10", "1e999"}) {
    EXPECT_NE(SetError("steps", bad), "") << bad;
  }
  EXPECT_NE(SetError("free-int", "2147483648"), "");
  for (const char* bad : {"-0.1", "nan", "inf", "-inf", ""})
    EXPECT_NE(SetError("learning-rate", bad), "") << bad;
  EXPECT_NE(SetError("distortion", "maybe"), "");
  EXPECT_NE(SetError("background", "whte").find("did you mean 'white'?"), std::string::npos);
  EXPECT_NE(SetError("teachers", "sam,,dino"), "");
  TrainOptions fresh;
  OptionList fresh_list;
  fresh.Describe(fresh_list);
  EXPECT_EQ(OptionsToJson(list_), OptionsToJson(fresh_list)) << "a refused value must change nothing";
}

TEST_F(OptionsTest, JsonRoundTrip) {
  Set("steps", "77");
  Set("teachers", "dino");
  const Json object = OptionsToJson(list_);
  EXPECT_EQ(object.begin().key(), "steps");
  TrainOptions other;
  OptionList other_list;
  other.Describe(other_list);
  OptionsFromJson(other_list, ParseJson(object.dump(), "dump"), "here");
  EXPECT_EQ(OptionsToJson(other_list), object);
  EXPECT_EQ(other.steps, 77);
}

TEST_F(OptionsTest, JsonErrors) {
  const std::string unknown = JsonError(R"({"stpes": 5})");
  EXPECT_NE(unknown.find("config.json: unknown option \"stpes\"; did you mean \"steps\"?"), std::string::npos)
      << unknown;
  EXPECT_NE(JsonError(R"({"zzzzzzz": 5})").find("known: steps, learning-rate"), std::string::npos);
  EXPECT_NE(JsonError(R"({"learning-rate": 1, "learning_rate": 2})").find("same option"), std::string::npos);
  for (const char* bad :
       {R"({"steps": "5"})", R"({"steps": 1.5})", R"({"steps": true})", R"({"steps": null})",
        R"({"steps": 18446744073709551615})", R"({"distortion": 1})", R"({"background": "red"})",
        R"({"teachers": "sam"})", R"({"teachers": [1]})", R"({"learning-rate": [1]})", "[]", "3"}) {
    EXPECT_NE(JsonError(bad), "") << bad;
  }
  EXPECT_EQ(JsonError(R"({"steps": 500.0, "learning_rate": 1})"), "");
  EXPECT_EQ(options_.steps, 500);
}

TEST_F(OptionsTest, SchemaDescribesEveryOption) {
  const Json schema = OptionsSchema(list_, "Training");
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["title"], "Training");
  EXPECT_EQ(schema["additionalProperties"], false);
  const Json& properties = schema["properties"];
  EXPECT_EQ(properties.size(), 6u);
  EXPECT_EQ(properties["steps"],
            ParseJson(R"({"type": "integer", "description": "Optimizer steps.", "default": 20000,
                          "minimum": 1, "maximum": 10000000})",
                      "expected"));
  EXPECT_EQ(properties["learning-rate"]["type"], "number");
  EXPECT_FALSE(properties["learning-rate"].contains("maximum"));
  EXPECT_EQ(properties["background"]["enum"].size(), 4u);
  EXPECT_EQ(properties["teachers"]["items"]["enum"][1], "dino");
  EXPECT_EQ(properties["distortion"]["type"], "boolean");
}

TEST_F(OptionsTest, MarkdownIsATableWithAHeadingRowPerGroup) {
  Set("steps", "5");  // the default shown is the one of Describe
  const std::string text = OptionsMarkdown(list_);
  EXPECT_NE(text.find("| **Schedule** | | | |\n| `--steps` | `20000` | 1 to 10000000 | Optimizer steps. |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `--learning-rate` | `0.01` | at least 0 | First step size \\| of the grid. |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `--background` | `auto` | `auto`, `white`, `black`, `random` |"), std::string::npos);
  EXPECT_NE(text.find("| `--distortion` | `true` | "), std::string::npos);
}

enum class Fruit { kApple, kPear };

TEST(OptionList, WhatIsLeftToTheProgramIsTheWordAuto) {
  std::optional<int> count;
  std::optional<double> size = 2.5;
  Fruit fruit = Fruit::kPear;
  std::optional<Fruit> other;
  OptionList list;
  list.Int("count", &count, "How many.", {.min = 0, .max = 9, .old_auto = -1});
  list.Real("size", &size, "How large.", {.min = 0});
  const std::vector<std::pair<std::string, Fruit>> names = {{"apple", Fruit::kApple}, {"pear", Fruit::kPear}};
  list.Choice("fruit", &fruit, "Which.", names);
  list.ChoiceOrAuto("other", &other, "Which as well.", names);
  EXPECT_EQ(OptionsToJson(list).dump(), R"({"count":"auto","size":2.5,"fruit":"pear","other":"auto"})");
  OptionsFromJson(list, Json::parse(R"({"count": 3, "size": "auto", "fruit": "apple", "other": "pear"})"),
                  "t");
  EXPECT_EQ(count, 3);
  EXPECT_EQ(size, std::nullopt);
  EXPECT_EQ(fruit, Fruit::kApple);
  EXPECT_EQ(other, Fruit::kPear);
  SetOptionFromText(*list.Find("count"), "-1", "t");  // as older files have it
  EXPECT_EQ(count, std::nullopt);
  SetOptionFromText(*list.Find("size"), "0.5", "t");
  EXPECT_EQ(size, 0.5);
  SetOptionFromText(*list.Find("other"), "auto", "t");
  EXPECT_EQ(other, std::nullopt);
  for (const char* wrong : {"-2", "10", "1.5", "many", ""}) {
    EXPECT_THROW(SetOptionFromText(*list.Find("count"), wrong, "t"), Error) << wrong;
  }
  EXPECT_THROW(SetOptionFromText(*list.Find("size"), "-1", "t"), Error);  // only where it is declared
  EXPECT_THROW(SetOptionFromText(*list.Find("fruit"), "auto", "t"), Error);
  EXPECT_THROW(OptionsFromJson(list, Json::parse(R"({"other": 1})"), "t"), Error);
  EXPECT_NE(OptionsMarkdown(list).find("| `--count` | `auto` | 0 to 9 |"), std::string::npos);
}

struct GridOptions {
  int features = 4, cells = 64, coarsest = 16;
  std::optional<int> finest;
  void Describe(OptionList& list) {
    list.Int("features", &features, "A level.", {.min = 2, .max = 8, .values = {2, 4, 8}});
    list.Int("cells", &cells, "A side.", {.min = 8, .max = 512, .multiple_of = 8});
    list.Int("coarsest", &coarsest, "Cells.", {.min = 2});
    list.Int("finest", &finest, "Cells; at least coarsest.", {.min = 2});
    list.InOrder("coarsest", "finest");
  }
};

std::string MessageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

TEST(OptionLimits, ValuesAndMultiplesAreHeldAndTold) {
  GridOptions grid;
  OptionList list;
  grid.Describe(list);
  EXPECT_EQ(MessageOf([&] { SetOptionFromText(*list.Find("features"), "3", "command line"); }),
            "command line: features: expected a whole number, 2, 4 or 8, got 3");
  EXPECT_EQ(MessageOf([&] { SetOption(*list.Find("cells"), 12, "config.json"); }),
            "config.json: cells: expected a whole number, 8 to 512, a multiple of 8, got 12");
  SetOption(*list.Find("features"), 8, "");
  SetOption(*list.Find("cells"), 24, "");
  EXPECT_EQ(grid.features, 8);
  EXPECT_EQ(grid.cells, 24);
  const Json properties = OptionsSchema(list, "grid")["properties"];
  EXPECT_EQ(properties["features"]["enum"], Json::array({2, 4, 8}));
  EXPECT_EQ(properties["cells"]["multipleOf"], 8);
  EXPECT_NE(OptionsMarkdown(list).find("| 2, 4 or 8 |"), std::string::npos);
}

TEST(OptionLimits, NumbersThatGoTogetherAreInOrder) {
  GridOptions grid;
  OptionList list;
  grid.Describe(list);
  CheckOrders(list, "options");  // one that is left to the program is no number yet
  SetOption(*list.Find("finest"), 2, "");
  EXPECT_EQ(MessageOf([&] { CheckOrders(list, "options"); }),
            "options: finest: expected at least coarsest, which is 16, got 2");
  EXPECT_NE(MessageOf([&] { OptionsFromJson(list, {{"coarsest", 9}, {"finest", 8}}, "config.json"); }), "");
  // The other half of an option file's pair may come from elsewhere.
  OptionsFromJson(list, {{"coarsest", 9}}, "options.json");
}

TEST(NearestName, FindsMisspellingsAndShortForms) {
  const std::vector<std::string> known = {"steps", "learning-rate", "background", "distortion", "sam"};
  EXPECT_EQ(NearestName("step", known), "steps");
  EXPECT_EQ(NearestName("setps", known), "steps");
  EXPECT_EQ(NearestName("Learning_Rate", known), "learning-rate");
  EXPECT_EQ(NearestName("learn", known), "learning-rate");
  EXPECT_EQ(NearestName("backgruond", known), "background");
  EXPECT_EQ(NearestName("san", known), "sam");
  EXPECT_EQ(NearestName("teacher", known), "");
  EXPECT_EQ(NearestName("", known), "");
  EXPECT_EQ(NearestName("x", {}), "");
  EXPECT_EQ(NearestName(std::string(1'000'000, 'a'), known), "");
}

}  // namespace
}  // namespace semfield
