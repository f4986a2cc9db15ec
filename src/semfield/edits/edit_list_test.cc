#include "semfield/edits/edit_list.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

using Kind = Edit::Kind;

Edit Make(Kind kind, const std::string& thing, const std::string& from = "") {
  return {.kind = kind, .thing = thing, .from = from, .file = kind == Kind::kInsert ? "000001.glb" : ""};
}

template <class Call>
std::string Message(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(EditList, IsKeptAndGoesBackAndForthWithoutEnd) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "edits.json";
  {
    EditList list(path);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_NE(Message([&] { list.Undo(); }).find("no edit to undo"), std::string::npos);
    Edit place = Make(Kind::kPlace, "chair");
    place.move = {1, 2, 3};
    place.turn = 45;
    place.scale = 0.5;
    place.up = {0, -1, 0};
    place.field = "abc";
    list.Add(place);
    Edit color = Make(Kind::kRecolor, "sofa");
    color.color = {200, 30, 40};
    list.Add(color);
    list.Add(Make(Kind::kRemove, "chair"));
    EXPECT_EQ(list.Undo(), "chair removed");
    EXPECT_EQ(list.Undo(), "sofa recolored to 200,30,40");
  }
  EditList list(path);
  ASSERT_EQ(list.Now().size(), 1u);
  const Edit place = list.Now()[0];
  EXPECT_EQ(place.kind, Kind::kPlace);
  EXPECT_EQ(place.move, Vec3(1, 2, 3));
  EXPECT_EQ(place.turn, 45);
  EXPECT_EQ(place.scale, 0.5);
  EXPECT_EQ(place.up, Vec3(0, -1, 0));
  EXPECT_EQ(place.field, "abc");
  EXPECT_EQ(list.num_undone(), 2u);
  list.Redo();
  list.Redo();
  EXPECT_NE(Message([&] { list.Redo(); }).find("no edit to do again"), std::string::npos);
  EXPECT_EQ(list.Now().size(), 3u);
  // All forgotten, and all back.
  list.Add(Make(Kind::kClear, ""));
  EXPECT_TRUE(EditList(path).Now().empty());
  list.Undo();
  EXPECT_EQ(list.Now().size(), 3u);
  // What was undone is forgotten with the next edit.
  list.Undo();
  list.Add(Make(Kind::kRemove, "lamp"));
  EXPECT_EQ(EditList(path).num_undone(), 0u);
  EXPECT_EQ(EditList(path).Now().back().thing, "lamp");
}

TEST(EditList, DamagedOneIsNamedAndStays) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "edits.json";
  EditList(path).Add(Make(Kind::kRemove, "chair"));
  std::ifstream in(path);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    std::ofstream(path) << text;
    return Message([&] { EditList list(path); });
  };
  EXPECT_NE(with("\"remove\"", "\"burn\"").find("edits[0].do: unknown 'burn'"), std::string::npos);
  EXPECT_NE(with("\"scale\": 1.0", "\"scale\": 0.0").find("edits[0]"), std::string::npos);
  EXPECT_NE(with("\"file\": \"\"", "\"file\": \"../x.glb\"").find("edits[0].file"), std::string::npos);
  EXPECT_NE(with("\"thing\"", "\"think\"").find("damaged"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ThingsOf, FollowsWhatWasDoneToEach) {
  Edit copy = Make(Kind::kCopy, "chair 2", "chair");
  const std::vector<EditedThing> things = ThingsOf(
      {Make(Kind::kPlace, "chair"), Make(Kind::kRecolor, "chair"), copy, Make(Kind::kRemove, "chair"),
       Make(Kind::kInsert, "lamp", "lamp.glb"), Make(Kind::kRecolor, "sofa")});
  ASSERT_EQ(things.size(), 4u);
  EXPECT_FALSE(things[0].is_there);
  EXPECT_EQ(things[1].name, "chair 2");
  EXPECT_EQ(things[1].selection, "chair");
  EXPECT_TRUE(things[1].is_there && things[1].is_copy);
  EXPECT_EQ(things[1].placed.size(), 2u);  // where the chair was moved, and its own
  EXPECT_EQ(things[1].painted.size(), 1u);
  EXPECT_EQ(things[2].file, "000001.glb");
  EXPECT_TRUE(things[2].selection.empty());
  EXPECT_TRUE(things[3].StandsAsFound());
  EXPECT_FALSE(things[2].StandsAsFound() || things[1].StandsAsFound() || things[0].StandsAsFound());
}

TEST(ThingsOf, AnEditOfWhatIsGoneIsSaid) {
  const Edit gone = Make(Kind::kRemove, "chair");
  EXPECT_NE(Message([&] {
              ThingsOf({gone, Make(Kind::kRecolor, "chair")});
            }).find("'chair' was removed"),
            std::string::npos);
  EXPECT_NE(Message([&] {
              ThingsOf({gone, Make(Kind::kCopy, "b", "chair")});
            }).find("'chair' was removed"),
            std::string::npos);
  EXPECT_NE(Message([&] {
              ThingsOf({Make(Kind::kInsert, "lamp"), Make(Kind::kInsert, "lamp")});
            }).find("'lamp' is there already"),
            std::string::npos);
}

}  // namespace
}  // namespace semfield
