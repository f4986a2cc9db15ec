#include "semfield/run/named_view.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "semfield/base/error.h"

namespace semfield {
namespace {

Capture CaptureOf(const std::vector<std::string>& names) {
  Capture capture;
  for (const std::string& name : names) capture.views.push_back({.name = name});
  for (size_t i = 0; i < names.size(); ++i) capture.train.push_back(static_cast<int>(i));
  return capture;
}

std::vector<std::string> NamesFound(const Capture& capture, const std::string& text) {
  std::vector<std::string> names;
  for (const NamedView& view : FindNamedViews(capture, text)) names.push_back(view.name);
  return names;
}

TEST(ResultNames, AreDifferentForEveryView) {
  const std::vector<std::string> names = ResultNames(
      CaptureOf({"a b.jpg", "a_b.jpg", "a_b-2.jpg", "a?b.jpg", "x.jpg", "x.png", "x/y.jpg", "x_y.jpg"}));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(names[1], "a_b");    // called so to the letter
  EXPECT_EQ(names[2], "a_b-2");  // this one too
  EXPECT_EQ(names[0], "a_b-3");
  EXPECT_EQ(names[4], "x");
  EXPECT_EQ(names[5], "x-2");
}

TEST(ResultNames, KeepEveryScript) {
  const std::vector<std::string> names =
      ResultNames(CaptureOf({"\xe4\xb8\x80.jpg", "\xe4\xba\x8c.jpg", "d/caf\xc3\xa9.jpg"}));
  EXPECT_EQ(names, (std::vector<std::string>{"\xe4\xb8\x80", "\xe4\xba\x8c", "d_caf\xc3\xa9"}));
}

TEST(FindNamedViews, GivesTheSameNamesAloneAndTogether) {
  const Capture capture = CaptureOf({"a b.jpg", "a_b.jpg", "c.jpg"});
  const std::vector<std::string> all = NamesFound(capture, "all");
  EXPECT_EQ(all, ResultNames(capture));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(FindNamedView(capture, capture.views[i].name).name, all[i]);
}

TEST(FindNamedViews, NamesMayHoldCommas) {
  const Capture capture = CaptureOf({"a.jpg", "a,b.jpg", "a,b,c.jpg", "c.jpg"});
  EXPECT_EQ(NamesFound(capture, "a,b,c").size(), 1u);
  EXPECT_EQ(NamesFound(capture, "a,b,a,c"), (std::vector<std::string>{"a_b", "a", "c"}));
  EXPECT_EQ(NamesFound(capture, "c,a,b.jpg,,a"), (std::vector<std::string>{"c", "a_b", "a"}));
  EXPECT_EQ(NamesFound(capture, "a,c"), (std::vector<std::string>{"a", "c"}));
  EXPECT_THROW(FindNamedViews(capture, "a,b,d"), Error);
}

TEST(FindNamedView, ZerosBeforeANumberAreAName) {
  const Capture capture = CaptureOf({"000.jpg", "001.jpg", "002.jpg", "003.jpg", "005.jpg", "0.jpg"});
  EXPECT_EQ(FindNamedView(capture, "005").index, 4);
  EXPECT_EQ(FindNamedView(capture, "4").index, 4);
  EXPECT_EQ(FindNamedView(capture, "0").index, 5);
  EXPECT_THROW(FindNamedView(capture, "004"), Error);
  EXPECT_THROW(FindNamedView(capture, "00"), Error);
}

}  // namespace
}  // namespace semfield
