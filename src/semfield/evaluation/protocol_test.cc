#include "semfield/evaluation/protocol.h"

#include <gtest/gtest.h>

#include <set>

#include "semfield/base/error.h"

namespace semfield {
namespace {

TEST(Protocols, NamesAndOptionsAreUnique) {
  std::set<std::string> names, options;
  for (const auto& protocol : Protocols()) {
    EXPECT_TRUE(names.insert(protocol->name()).second) << protocol->name();
    EXPECT_FALSE(protocol->sentence().empty()) << protocol->name();
    EXPECT_EQ(&FindProtocol(protocol->name()), protocol.get());
    AnyOptions own = protocol->NewOptions();
    OptionList list;
    own.Describe(list);
    for (const std::string& option : list.Names()) EXPECT_TRUE(options.insert(option).second) << option;
  }
  EXPECT_GE(names.size(), 4u);
}

TEST(Protocols, AnUnknownNameListsTheKnownOnesNearestFirst) {
  try {
    FindProtocol("pose");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "unknown protocol 'pose'; known are: poses, views, san, objects, everything, names, "
                 "depth, surface, exposure, semantics, semantics3d, speed, language, instances");
  }
}

}  // namespace
}  // namespace semfield
