#include "semfield/base/deadline.h"

#include <gtest/gtest.h>

#include <thread>

namespace semfield {
namespace {

TEST(Deadline, StopsWorkThatGoesOn) {
  StopToken stop;
  const Deadline deadline(0.01, &stop);
  while (!stop.StopRequested()) std::this_thread::yield();
}

TEST(Deadline, LeavesWorkAloneThatEndsBefore) {
  StopToken stop;
  { const Deadline deadline(1e6, &stop); }  // returns at once
  { const Deadline deadline(0, &stop); }
  EXPECT_FALSE(stop.StopRequested());
}

}  // namespace
}  // namespace semfield
