#include "semfield/perception/model_card.h"

#include <gtest/gtest.h>

#include "semfield/base/atomic_file.h"
#include "semfield/perception/model_folders.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

const char* const kHash = "18348d144bd357285285dbd75dacd8c44a2789ea63c5edbc908e681516e95246";

Json GoodCard() {
  const Json file = {{"path", "a.onnx"}, {"sha256", kHash}, {"bytes", 5}};
  Json card = {{"name", "mine"}, {"kind", "sam"}};
  card["encoder"] = {{"file", file}, {"input", "i"},  {"output", "o"},     {"input_size", 64},
                     {"grid", 4},    {"channels", 8}, {"mean", {1, 2, 3}}, {"std", {4, 5, 6}}};
  card["encoder"]["taps"] = {{"stage1", "/a"}};
  card["decoder"] = {{"file", file}};
  return card;
}

std::string ErrorOfCard(const std::function<void(Json&)>& spoil) {
  Json card = GoodCard();
  spoil(card);
  return ErrorOf([&] { ParseModelCard(card, "mine.json"); });
}

TEST(ModelCard, ReadsWhatItWrites) {
  const ModelCard card = ParseModelCard(GoodCard(), "mine.json");
  EXPECT_EQ(card.encoder.grid, 4);
  EXPECT_EQ(card.encoder.std[2], 6);
  EXPECT_EQ(card.encoder.taps[0].tensor, "/a");
  EXPECT_EQ(card.decoder.point_coords, "point_coords");
  const Json written = ModelCardToJson(card);
  EXPECT_EQ(ModelCardToJson(ParseModelCard(written, "again")), written);
}

TEST(ModelCard, MessagesOfHugeCardsAreShort) {
  const std::string huge(500'000, 'x');
  for (const std::string& error :
       {ErrorOfCard([&](Json& card) { card[huge] = 1; }), ErrorOfCard([&](Json& card) {
          card["encoder"]["grid"] = Json::array({huge, huge});
        }),
        ErrorOfCard([&](Json& card) {
          card["encoder"]["mean"] = Json::array({1, 2, huge});
        }),
        ErrorOfCard([&](Json& card) { card["encoder"]["taps"][huge] = 3; })}) {
    EXPECT_NE(error, "");
    EXPECT_LT(error.size(), 1000u);
  }
}

TEST(ModelCard, HostileCardsAreErrorsWithTheKey) {
  EXPECT_MENTIONS(ErrorOf([] { ParseModelCard(Json::array(), "x.json"); }), "x.json");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card.erase("encoder"); }), "mine.json.encoder: missing");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["colour"] = 1; }), "unknown key 'colour'");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["kind"] = "cat"; }), "kind");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["name"] = 5; }), "name");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["input_size"] = -1; }), "encoder.input_size");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["input_size"] = 1e9; }), "encoder.input_size");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["grid"] = 65; }), "encoder.grid");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["grid"] = uint64_t{1} << 63; }),
                  "encoder.grid");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["mean"] = {1, 2}; }), "encoder.mean");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["mean"][1] = "2"; }), "encoder.mean[1]");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["std"][1] = 0; }), "encoder.std");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["taps"] = {1}; }), "encoder.taps");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["encoder"]["input"] = std::string(5000, 'x'); }),
                  "encoder.input");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["decoder"]["file"]["sha256"] = "ABC"; }),
                  "decoder.file.sha256");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["decoder"]["file"]["bytes"] = 0; }),
                  "decoder.file.bytes");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["decoder"]["outputs"]["all_masks"] = "/m"; }),
                  "all_scores");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["decoder"]["mask_order"] = {"whole"}; }), "mask_order");
  EXPECT_MENTIONS(ErrorOfCard([](Json& card) { card["extra_files"] = 3; }), "extra_files");
}

TEST(ModelCard, FilesStayBelowTheCardsFolder) {
  for (const char* path : {"/etc/passwd", "../secret.onnx", "a/../../b", "npm:../b", "npm:/b", "npm:", ""})
    EXPECT_MENTIONS(ErrorOfCard([&](Json& card) { card["encoder"]["file"]["path"] = path; }),
                    "encoder.file.path");
}

TEST(ModelCard, NamesAreFileNames) {
  for (const char* name : {"", "../x", "a/b", "A", ".hidden", "-x", "a b"})
    EXPECT_THROW(CheckModelName(name, "name"), Error) << name;
  EXPECT_THROW(CheckModelName(std::string(65, 'a'), "name"), Error);
  EXPECT_NO_THROW(CheckModelName("sam-vit_b.2", "name"));
}

TEST(ModelCard, TheShippedCardIsWhole) {
  const TestUser user;
  const ModelCard card = FindModelCard("sam");
  EXPECT_EQ(card.encoder.input_size, 1024);
  EXPECT_EQ(card.decoder.mask_order, (std::vector<std::string>{"single", "subpart", "part", "whole"}));
}

TEST(ModelSearch, UnknownNamesListTheKnownOnesNearestFirst) {
  const TestUser user;
  WriteStandIn(user.models(), "toy");
  const std::string message = ErrorOf([] { FindModelCard("toi"); });
  EXPECT_MENTIONS(message, "toy, sam");
}

TEST(ModelSearch, TheUsersFolderComesFirstAndDamageIsPassedOver) {
  const TestUser user;
  WriteStandIn(user.models(), "sam");
  EXPECT_EQ(FindModelCard("sam").encoder.input_size, kStandInInput);
  WriteFileAtomically(user.models() / "broken.json", "{");
  const auto cards = AllModelCards();
  EXPECT_EQ(
      std::count_if(cards.begin(), cards.end(), [](const ModelCard& card) { return card.name == "sam"; }), 1);
  EXPECT_TRUE(
      std::none_of(cards.begin(), cards.end(), [](const ModelCard& card) { return card.name == "broken"; }));
  EXPECT_MENTIONS(ErrorOf([] { FindModelCard("broken"); }), "broken.json");
  fs::rename(user.models() / "sam.json", user.models() / "other.json");
  EXPECT_MENTIONS(ErrorOf([] { FindModelCard("other"); }), "other.json: name");
}

TEST(ModelFiles, AWrongHashNamesBoth) {
  const TestUser user;
  ModelCard card = WriteStandIn(user.models(), "toy");
  const std::string right = card.encoder.file.sha256;
  EXPECT_EQ(VerifyModelFile(card, card.encoder.file), user.models() / "toy-encoder.onnx");
  card.encoder.file.sha256 = kHash;
  const std::string message = ErrorOf([&] { VerifyModelFile(card, card.encoder.file); });
  EXPECT_MENTIONS(message, right);
  EXPECT_MENTIONS(message, kHash);
}

TEST(ModelFiles, ARememberedHashGivesWayToAChangedFile) {
  const TestUser user;
  const ModelCard card = WriteStandIn(user.models(), "toy");
  const fs::path file = VerifyModelFile(card, card.encoder.file);
  EXPECT_MENTIONS(ReadTextFile(user.cache() / "model-hashes.json"), card.encoder.file.sha256);
  std::string bytes = ReadTextFile(file);
  bytes.back() ^= 1;
  WriteFileAtomically(file, bytes);
  EXPECT_MENTIONS(ErrorOf([&] { VerifyModelFile(card, card.encoder.file); }), "expected sha256");
}

TEST(ModelFiles, ARememberedFileIsNotHashedAgain) {
  const TestUser user;
  const ModelCard card = WriteStandIn(user.models(), "toy");
  const fs::path file = VerifyModelFile(card, card.encoder.file);
  const fs::file_time_type time = fs::last_write_time(file);
  // Same size and time but other bytes: only a second hashing could tell.
  std::string bytes = ReadTextFile(file);
  bytes.back() ^= 1;
  WriteFileAtomically(file, bytes);
  fs::last_write_time(file, time);
  EXPECT_NO_THROW(VerifyModelFile(card, card.encoder.file));
}

TEST(ModelFiles, ADamagedCacheIsIgnored) {
  const TestUser user;
  const ModelCard card = WriteStandIn(user.models(), "toy");
  for (const char* text : {"{", "[]", "{\"x\": 3}", "null"}) {
    fs::create_directories(user.cache());
    WriteFileAtomically(user.cache() / "model-hashes.json", text);
    EXPECT_NO_THROW(VerifyModelFile(card, card.encoder.file)) << text;
  }
}

TEST(ModelFiles, MissingFilesSayWhatToRun) {
  const TestUser user;
  ModelCard card = WriteStandIn(user.models(), "toy");
  fs::remove(user.models() / "toy-encoder.onnx");
  EXPECT_MENTIONS(ErrorOf([&] { VerifyModelFile(card, card.encoder.file); }, ErrorKind::kResource),
                  "models add");
  card.encoder.file.path = "npm:no-such-package/a.onnx";
  EXPECT_MENTIONS(ErrorOf([&] { VerifyModelFile(card, card.encoder.file); }, ErrorKind::kResource), "npm ci");
}

TEST(ModelFiles, NpmFilesComeFromTheChosenFolder) {
  const TestUser user;
  ModelCard card = WriteStandIn(user.models(), "toy");
  fs::create_directories(user / "npm/node_modules/stand-in/dist");
  fs::copy(user.models() / "toy-encoder.onnx", user / "npm/node_modules/stand-in/dist/encoder.onnx");
  card.encoder.file.path = "npm:stand-in/dist/encoder.onnx";
  setenv("SEMFIELD_NPM", (user / "npm").c_str(), 1);
  EXPECT_EQ(VerifyModelFile(card, card.encoder.file),
            fs::canonical(user / "npm/node_modules/stand-in/dist/encoder.onnx"));
  setenv("SEMFIELD_NPM", (user / "npm/node_modules").c_str(), 1);
  EXPECT_NO_THROW(VerifyModelFile(card, card.encoder.file));
  unsetenv("SEMFIELD_NPM");
}

TEST(ModelFolders, RelativeUserFoldersAreIgnored) {
  setenv("XDG_DATA_HOME", "relative", 1);
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(UserModelFolder(), "/home/someone/.local/share/semfield/models");
  unsetenv("HOME");
  EXPECT_EQ(UserModelFolder(), "");
  unsetenv("XDG_DATA_HOME");
}

}  // namespace
}  // namespace semfield
