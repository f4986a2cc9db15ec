#include "semfield/capture/capture.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"

namespace semfield {
namespace {

Capture Named(const std::vector<std::string>& names) {
  Capture capture;
  for (const std::string& name : names) {
    View view;
    view.name = name;
    capture.views.push_back(view);
  }
  return capture;
}

std::string FindError(const Capture& capture, const std::string& name) {
  try {
    capture.FindView(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Capture, FindsViewsByNameStemIndexAndSplit) {
  Capture capture = Named({"a/0001.jpg", "a/0002.jpg", "a/7.jpg", "b/0001.png"});
  capture.train = {1, 3};
  capture.held_out = {0, 2};
  EXPECT_EQ(capture.FindView("a/0002.jpg"), 1);
  EXPECT_EQ(capture.FindView("0002"), 1);
  EXPECT_EQ(capture.FindView("0002.jpg"), 1);
  EXPECT_EQ(capture.FindView("0001.png"), 3);
  EXPECT_EQ(capture.FindView("3"), 3);
  EXPECT_EQ(capture.FindView("7"), 2);  // a stem wins over an index
  EXPECT_EQ(capture.FindView("test:1"), 2);
  EXPECT_EQ(capture.FindView("train:0"), 1);
}

TEST(Capture, SaysWhyAViewIsNotFound) {
  Capture capture = Named({"a/0001.jpg", "b/0001.jpg", "a/kitchen.jpg"});
  capture.held_out = {0};
  EXPECT_NE(FindError(capture, "0001").find("2 views"), std::string::npos);
  EXPECT_NE(FindError(capture, "kitchn").find("kitchen"), std::string::npos);
  for (const char* name : {"3", "-1", "", "test:1", "test:", "test:x", "train:0", "99999999999999999999"}) {
    EXPECT_NE(FindError(capture, name), "") << name;
  }
}

}  // namespace
}  // namespace semfield
