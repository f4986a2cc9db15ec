// CLIP's tokenizer against its published implementation (open_clip's SimpleTokenizer, run on the same small
// table).
#include "semfield/perception/byte_pairs.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

constexpr char kMerges[] =
    "#version: 0.2\nc h\nch a\ncha i\nchai r</w>\nr e\nre d</w>\nt h\nth e</w>\no n\non e</w>\nÃ ¼\ns t\n1 "
    "2</w>";

class BytePairsTest : public testing::Test {
 protected:
  BytePairs Read(const std::string& merges) {
    std::ofstream(user_ / "merges.txt", std::ios::binary) << merges;
    return BytePairs(user_ / "merges.txt");
  }
  std::string Refused(const std::string& merges) {
    return ErrorOf([&] { Read(merges); });
  }
  TestUser user_;
};

using Ids = std::vector<int64_t>;

TEST_F(BytePairsTest, AgreesWithThePublishedTokenizer) {
  const BytePairs tokens = Read(kMerges);
  EXPECT_EQ(tokens.size(), 527);
  EXPECT_EQ(tokens.Ids("chair", 77), (Ids{525, 515, 526}));
  EXPECT_EQ(tokens.Ids("The red  Chair's one", 77), (Ids{525, 519, 517, 515, 6, 338, 521, 526}));
  EXPECT_EQ(tokens.Ids("12 chairs!? it's", 77),
            (Ids{525, 272, 273, 514, 81, 338, 0, 286, 72, 339, 6, 338, 526}));
  EXPECT_EQ(tokens.Ids("Stühle", 77), (Ids{525, 523, 522, 71, 75, 324, 526}));
  EXPECT_EQ(tokens.Ids("a-b 3d", 77), (Ids{525, 320, 268, 321, 274, 323, 526}));
  EXPECT_EQ(tokens.Ids("椅子", 77), (Ids{525, 162, 97, 227, 161, 255, 494, 526}));
  EXPECT_EQ(tokens.Ids("", 77), (Ids{525, 526}));
}

TEST_F(BytePairsTest, CutsLongTextAndRefusesWhatIsNone) {
  const BytePairs tokens = Read(kMerges);
  EXPECT_EQ(tokens.Ids("chair chair chair chair", 4), (Ids{525, 515, 515, 526}));
  EXPECT_MENTIONS(ErrorOf([&] { tokens.Ids("caf\xe9", 77); }), "not UTF-8 at byte 3");
  EXPECT_MENTIONS(ErrorOf([&] { tokens.Ids(std::string(70000, 'a'), 77); }), "70000 bytes");
}

TEST_F(BytePairsTest, RefusesDamagedTables) {
  EXPECT_MENTIONS(Refused(""), "no pairs");
  EXPECT_MENTIONS(Refused("a b c\n"), "line 1");
  EXPECT_MENTIONS(Refused("#version\nab\n"), "line 2");
  EXPECT_MENTIONS(Refused("a b\na b\n"), "there twice");
  EXPECT_MENTIONS(Refused("a b\nb c\nab c\na bc\n"), "same token");
}

}  // namespace
}  // namespace semfield
