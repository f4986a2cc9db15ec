#include "semfield/base/json.h"

#include <gtest/gtest.h>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/random.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

std::string MessageOf(const std::string& text) {
  try {
    ParseJson(text, "here");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Json, RoundTripKeepsOrder) {
  const TestFolder folder;
  const Json value = {{"zebra", 1}, {"apple", {1.5, "two", nullptr, true}}, {"mid", Json::object()}};
  WriteJsonFile(folder / "f.json", value);
  const Json back = ReadJsonFile(folder / "f.json");
  EXPECT_EQ(back, value);
  EXPECT_EQ(back.begin().key(), "zebra");
}

TEST(Json, ErrorsNamePlaceLineAndColumn) {
  EXPECT_TRUE(Contains(MessageOf("{\n  \"a\": 1,\n  \"b\": x\n}"), "here: line 3, column 8: "));
  EXPECT_TRUE(Contains(MessageOf("?"), "line 1, column 1: "));
  EXPECT_TRUE(Contains(MessageOf("[1,\n"), "line 2, column 1: "));
  EXPECT_TRUE(Contains(MessageOf(""), "line 1, column 1: "));
  EXPECT_TRUE(Contains(MessageOf("[1] 2"), "line 1, column 5: "));
  EXPECT_FALSE(Contains(MessageOf("{]"), "json.exception"));
}

TEST(Json, HostileTextIsRefused) {
  EXPECT_TRUE(Contains(MessageOf(std::string(1'000'000, '[')), "nested deeper"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_TRUE(Contains(MessageOf(objects), "nested deeper"));
  EXPECT_TRUE(Contains(MessageOf("[1,\n1e999]"), "line 2"));
  for (const char* bad : {"[NaN]", "[Infinity]", "{\"a\"}", "[\"\xff\"]", "[1,]", "\"\\u12\"", "\"\\"}) {
    EXPECT_NE(MessageOf(bad), "") << bad;
  }
  EXPECT_EQ(ParseJson(std::string(200, '[') + std::string(200, ']'), "here").size(), 1u);
}

TEST(Json, ObjectsOfTooManyMembersAreRefused) {
  std::string text = "{\"k\":0";
  for (int i = 0; i < 60'000; ++i) text += fmt::format(",\"k{}\":[{{\"x\":1}}]", i);
  EXPECT_TRUE(Contains(MessageOf(text + "}"), "members in one object"));
}

TEST(Json, KeysGivenTwiceAreNamed) {
  EXPECT_EQ(MessageOf(R"({"a": 1, "b": 2, "a": 3})"), "here: \"a\" is given twice; keep one of the two");
  EXPECT_TRUE(Contains(MessageOf(R"({"frames": [{"w": 1}, {"w": 1, "w": 2}]})"), "\"frames[1].w\""));
  EXPECT_TRUE(Contains(MessageOf(R"({"a": {"b": {"c": 1, "c": 1}}})"), "\"a.b.c\""));
  EXPECT_TRUE(Contains(MessageOf(R"({"a": 1, "\u0061": 2})"), "\"a\""));
  std::string many = "{\"k\":0";  // where keys are no longer compared one by one
  for (int i = 0; i < 100; ++i) many += fmt::format(",\"k{}\":0", i);
  EXPECT_EQ(ParseJson(many + "}", "here").size(), 101u);
  EXPECT_TRUE(Contains(MessageOf(many + ",\"k3\":0}"), "\"k3\""));
  EXPECT_TRUE(Contains(MessageOf(many + ",\"k99\":0}"), "\"k99\""));
}

TEST(Json, ReadsAsTheLibraryDoes) {
  const std::string text =
      R"({"b": [1, -2, 3.5, 1e300, true, false, null, "x\ty\u00e9"], "a": {"": {}, "z": []}, "c": 18446744073709551615})";
  EXPECT_EQ(ParseJson(text, "here"), Json::parse(text));
  EXPECT_EQ(DumpJson(ParseJson(text, "here")), DumpJson(Json::parse(text)));
  for (const char* scalar : {"1", "\"a\"", "null", "[]", "{}"})
    EXPECT_EQ(ParseJson(scalar, ""), Json::parse(scalar));
}

// As text these are small; in memory they would be gigabytes, or, key by key, take minutes.
TEST(Json, MemoryAndTimeGrowWithTheText) {
  std::string lists = "[[]";
  for (int i = 0; i < 8'100'000; ++i) lists += ",[]";
  EXPECT_TRUE(Contains(MessageOf(lists + "]"), "lists and objects"));
  std::string numbers = "[0";
  for (int i = 0; i < 32'100'000; ++i) numbers += ",0";
  EXPECT_TRUE(Contains(MessageOf(numbers + "]"), "values"));
  std::string object = "{\"k\":0";
  for (int i = 0; i < 49'000; ++i) object += fmt::format(",\"k{}\":0", i);
  object += "}";
  std::string many = "[" + object;
  for (int i = 1; i < 40; ++i) many += "," + object;
  EXPECT_EQ(ParseJson(many + "]", "here").size(), 40u);
}

TEST(Json, BracketsInsideStringsAreNotDepth) {
  const Json value = ParseJson("[\"" + std::string(1000, '[') + "\\\"{\"]", "here");
  EXPECT_EQ(value[0].get<std::string>().size(), 1002u);
}

TEST(Json, DamagedTextThrowsErrorOrParses) {
  const std::string good =
      R"({"frames": [{"file": "a\u00e9.png", "m": [[1, 2.5e-3], [-0, 4]]}], "ok": true})";
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (uint32_t k = 0; k <= random.Below(3); ++k) {
      bad[random.Below(static_cast<uint32_t>(bad.size()))] = static_cast<char>(random.Below(256));
    }
    bad.resize(random.Below(static_cast<uint32_t>(bad.size() + 1)));
    try {
      ParseJson(bad, "here");
    } catch (const Error& error) {
      ASSERT_TRUE(Contains(error.what(), "here: line ")) << error.what();
    }
  }
}

TEST(Json, FilesNameThemselves) {
  const TestFolder folder;
  WriteFileAtomically(folder / "bad.json", "{");
  for (const char* name : {"bad.json", "missing.json"}) {
    try {
      ReadJsonFile(folder / name);
      FAIL();
    } catch (const Error& error) {
      EXPECT_TRUE(Contains(error.what(), (folder / name).string()));
    }
  }
  EXPECT_THROW(ReadJsonFile(folder / "bad.json", 0), Error);
}

TEST(Json, ExcerptsAreShortAndWholeCharacters) {
  EXPECT_EQ(JsonExcerpt(Json::array({1, "a"})), "[1,\"a\"]");
  EXPECT_EQ(JsonExcerpt(Json(std::vector<int>(9, 1))), "array of 9 entries");
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'a');
    for (int i = 0; i < 100; ++i) text += "\xe2\x82\xac";  // the euro sign
    const std::string excerpt = JsonExcerpt(Json(text));
    EXPECT_LE(excerpt.size(), 63u);
    EXPECT_EQ((excerpt.size() - 1 - shift - 3) % 3, 0u) << excerpt;
  }
  EXPECT_EQ(DumpJson(Json("caf\xe9")), "\"caf\xef\xbf\xbd\"");
}

TEST(Json, NamesThatAreNotUtf8AreStillWritten) {
  const TestFolder folder;
  WriteJsonFile(folder / "f.json", Json{{"path", "caf\xe9"}});
  EXPECT_EQ(ReadJsonFile(folder / "f.json")["path"], "caf\xef\xbf\xbd");
}

}  // namespace
}  // namespace semfield
