// The house's rules that a compiler does not check: a room includes only rooms on floors below it, and no
// file grows too long to read.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

constexpr int kMaxLines = 600;

fs::path SourceDir() {
  const char* dir = std::getenv("SEMFIELD_SOURCE_DIR");
  return dir == nullptr ? fs::current_path() : fs::path(dir);
}

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The rooms of cmake/SemfieldRooms.cmake with their floors.
std::map<std::string, int> ReadFloors(const std::string& cmake) {
  std::smatch list;
  if (!std::regex_search(cmake, list, std::regex(R"(set\(SEMFIELD_FLOORS([^)]*)\))"))) return {};
  std::map<std::string, int> floors;
  const std::string entries = list[1];
  const std::regex entry(R"re("([a-z_/]+)=(\d+)")re");
  for (std::sregex_iterator it(entries.begin(), entries.end(), entry), end; it != end; ++it) {
    floors[(*it)[1]] = std::stoi((*it)[2]);
  }
  return floors;
}

// The room that a path "methods/radiance/x.h" belongs to: the longest known one.
std::optional<std::string> RoomOf(const std::map<std::string, int>& floors, const std::string& path) {
  std::optional<std::string> best;
  for (const auto& [room, floor] : floors) {
    if (path.rfind(room + "/", 0) == 0 && (!best || room.size() > best->size())) best = room;
  }
  return best;
}

std::vector<std::string> IncludesOf(const std::string& text) {
  std::vector<std::string> includes;
  const std::regex include(R"re((?:^|\n)\s*#\s*include\s*"semfield/([^"]+)")re");
  for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it)
    includes.push_back((*it)[1]);
  return includes;
}

// What is wrong with one include of a file in `room`; nothing if it goes down or stays.
std::optional<std::string> Complain(const std::map<std::string, int>& floors, const std::string& room,
                                    const std::string& include) {
  const auto other = RoomOf(floors, include);
  if (!other) return "includes semfield/" + include + ", whose room has no floor";
  if (*other == room || floors.at(*other) < floors.at(room)) return std::nullopt;
  return "includes semfield/" + include + " of floor " + std::to_string(floors.at(*other)) + " from floor " +
         std::to_string(floors.at(room));
}

bool IsSource(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc" || path.extension() == ".inc";
}

std::vector<fs::path> SourcesUnder(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && IsSource(entry.path())) files.push_back(entry.path());
  }
  return files;
}

// "base/x.h" for src/semfield/base/x.h and "apps/cli/x.h" for apps/cli/x.h.
std::string HousePath(const fs::path& file) {
  const std::string path = fs::relative(file, SourceDir()).generic_string();
  const std::string source = "src/semfield/";
  return path.rfind(source, 0) == 0 ? path.substr(source.size()) : path;
}

TEST(Floors, RoomsIncludeOnlyLowerFloors) {
  const auto floors = ReadFloors(ReadText(SourceDir() / "cmake/SemfieldRooms.cmake"));
  ASSERT_GT(floors.size(), 5u) << "SEMFIELD_FLOORS not found";
  int num_includes = 0;
  for (const char* top : {"src/semfield", "apps", "bench"}) {
    for (const fs::path& file : SourcesUnder(SourceDir() / top)) {
      const auto room = RoomOf(floors, HousePath(file));
      ASSERT_TRUE(room) << file << " is in no room; add it to SEMFIELD_FLOORS";
      for (const std::string& include : IncludesOf(ReadText(file))) {
        ++num_includes;
        const auto complaint = Complain(floors, *room, include);
        EXPECT_FALSE(complaint) << HousePath(file) << " " << *complaint;
      }
    }
  }
  EXPECT_GT(num_includes, 50);
}

// Sources of a room's library: not its tests, its benchmarks and what serves only those.
bool IsOfTheLibrary(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const char* other : {"_test", "test_", "_bench", "stand_in"}) {
    if (name.find(other) != std::string::npos) return false;
  }
  return true;
}

// Rooms that the library or interface of `room` links, by its CMakeLists.txt; nothing if it makes none.
std::optional<std::set<std::string>> LinkedRooms(const std::string& cmake, const std::string& room) {
  std::smatch call;
  if (!std::regex_search(cmake, call,
                         std::regex("semfield_(?:library|interface)\\(" + room + "\\b([^()]*)\\)"))) {
    return std::nullopt;
  }
  std::set<std::string> rooms;
  const std::string text = call[1];
  const std::regex link(R"(\bsemfield_(\w+))");
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it) rooms.insert((*it)[1]);
  return rooms;
}

TEST(Floors, ARoomLinksExactlyTheRoomsThatItIncludes) {
  const auto floors = ReadFloors(ReadText(SourceDir() / "cmake/SemfieldRooms.cmake"));
  int num_rooms = 0;
  for (const auto& [room, floor] : floors) {
    const fs::path folder = SourceDir() / "src/semfield" / room;
    const auto linked = LinkedRooms(ReadText(folder / "CMakeLists.txt"), room);
    if (!linked) continue;
    ++num_rooms;
    std::set<std::string> included;
    for (const fs::path& file : SourcesUnder(folder)) {
      if (RoomOf(floors, HousePath(file)) != room || !IsOfTheLibrary(file)) continue;
      for (const std::string& include : IncludesOf(ReadText(file))) {
        const std::string other = RoomOf(floors, include).value_or(include);
        if (other != room) included.insert(std::regex_replace(other, std::regex("/"), "_"));
      }
    }
    EXPECT_EQ(*linked, included) << "room " << room;
  }
  EXPECT_GT(num_rooms, 15);
  EXPECT_EQ(
      LinkedRooms("semfield_library(run\n SOURCES a.cc\n LINKS semfield_base fmt::fmt semfield_ops)", "run"),
      (std::set<std::string>{"base", "ops"}));
}

TEST(Headers, ThatAreInstalledNeedNoOthers) {
  std::ifstream list(SourceDir() / "cmake/public_headers.txt");
  std::set<std::string> installed;
  for (std::string line; std::getline(list, line);) installed.insert(line);
  EXPECT_GT(installed.size(), 50u);
  for (const std::string& header : installed) {
    const fs::path file = SourceDir() / "src/semfield" / header;
    ASSERT_TRUE(fs::exists(file)) << header << " of cmake/public_headers.txt is not there";
    EXPECT_TRUE(IsOfTheLibrary(file)) << header;
    for (const std::string& include : IncludesOf(ReadText(file))) {
      EXPECT_TRUE(installed.count(include)) << header << " needs " << include << ", which is not installed";
    }
  }
}

// Above the methods nobody names one: what they make is known by its interface (field/, methods/method.h).
bool NamesAMethod(const std::map<std::string, int>& floors, const std::string& include) {
  const auto room = RoomOf(floors, include);
  return room && (room->rfind("methods/", 0) == 0 || *room == "catalog");
}

TEST(Floors, RoomsAboveTheMethodsNameNone) {
  const auto floors = ReadFloors(ReadText(SourceDir() / "cmake/SemfieldRooms.cmake"));
  int num_rooms = 0;
  for (const auto& [room, floor] : floors) {
    if (floor < floors.at("run") || room.rfind("apps/", 0) == 0) continue;
    ++num_rooms;
    for (const fs::path& file : SourcesUnder(SourceDir() / "src/semfield" / room)) {
      if (file.filename().string().find("_test") != std::string::npos) continue;
      for (const std::string& include : IncludesOf(ReadText(file)))
        EXPECT_FALSE(NamesAMethod(floors, include)) << HousePath(file) << " names " << include;
    }
  }
  EXPECT_GE(num_rooms, 5);
  EXPECT_TRUE(NamesAMethod(floors, "methods/radiance/model/radiance_model.h"));
  EXPECT_TRUE(NamesAMethod(floors, "catalog/methods.h"));
  EXPECT_FALSE(NamesAMethod(floors, "methods/method.h"));
}

TEST(Floors, ChecksNoticeAWrongInclude) {
  const auto floors =
      ReadFloors("set(SEMFIELD_FLOORS\n \"base=0\" \"ops=20\"\n \"methods/radiance=70\" \"apps/cli=120\")");
  ASSERT_EQ(floors.size(), 4u);
  EXPECT_FALSE(Complain(floors, "ops", "base/error.h"));
  EXPECT_FALSE(Complain(floors, "ops", "ops/adam.h"));
  EXPECT_TRUE(Complain(floors, "base", "ops/adam.h"));
  EXPECT_TRUE(Complain(floors, "ops", "methods/radiance/model.h"));
  EXPECT_TRUE(Complain(floors, "ops", "cellar/x.h"));
  EXPECT_EQ(
      IncludesOf("#include \"semfield/base/a.h\"\n#include <vector>\n  # include \"semfield/ops/b.h\"\n"),
      (std::vector<std::string>{"base/a.h", "ops/b.h"}));
}

TEST(Files, AreShortEnoughToRead) {
  for (const char* top : {"src", "apps", "tests", "bench", "examples"}) {
    for (const fs::path& file : SourcesUnder(SourceDir() / top)) {
      const std::string text = ReadText(file);
      const auto lines = std::count(text.begin(), text.end(), '\n');
      EXPECT_LT(lines, kMaxLines) << file << ": split it along its ideas";
    }
  }
}

TEST(Files, HeadersAreGuarded) {
  for (const char* top : {"src", "apps"}) {
    for (const fs::path& file : SourcesUnder(SourceDir() / top)) {
      const bool repeats =
          file.string().find("-inl.h") != std::string::npos;  // once for each instruction set
      if (file.extension() != ".h" || repeats) continue;
      EXPECT_NE(ReadText(file).find("#pragma once"), std::string::npos) << file;
    }
  }
}

}  // namespace
