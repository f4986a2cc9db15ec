#include "semfield/jobs/kept_plan.h"

#include <gtest/gtest.h>

#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

Json Section() {
  return {{"plan", {{"minutes", 2}, {"seconds", 110.5}}}, {"options", {{"steps", 100}}}};
}

TEST(KeptPlan, SaysHowATrainingBegan) {
  Json section = Section();
  const KeptPlan plan = ReadKeptPlan(section, "config.json");
  EXPECT_EQ(plan.seconds, 110.5);
  EXPECT_EQ(plan.first_steps, 100);
  EXPECT_FALSE(plan.change);
  KeepChange({.at_step = 40, .steps = 70}, 100, &section);
  EXPECT_EQ(section["options"]["steps"], 70);  // what it has in all
  const KeptPlan remade = ReadKeptPlan(section, "config.json");
  EXPECT_EQ(remade.first_steps, 100);
  EXPECT_EQ(remade.change, (PlanChange{.at_step = 40, .steps = 70}));
  EXPECT_EQ(remade.seconds, 110.5);
}

TEST(KeptPlan, WithoutMinutesNothingIsPlanned) {
  const KeptPlan plan = ReadKeptPlan({{"options", {{"steps", 9}}}, {"plan", nullptr}}, "config.json");
  EXPECT_EQ(plan.seconds, 0);
  EXPECT_EQ(plan.first_steps, 9);
  EXPECT_EQ(ReadKeptPlan(Json::object(), "config.json").first_steps, 0);
}

// config.json is a file from outside.
TEST(KeptPlan, AChangeThatDoesNotFitIsAnError) {
  for (const char* remade : {"3", "{}", R"({"at": 40})", R"({"at": 0, "first_steps": 100})",
                             R"({"at": 100, "first_steps": 100})", R"({"at": 120, "first_steps": 200})",
                             R"({"at": 1e99, "first_steps": 200})", R"({"at": "4", "first_steps": 200})"}) {
    Json section = Section();
    section["plan"]["remade"] = Json::parse(remade);
    EXPECT_MENTIONS(ErrorOf([&] { ReadKeptPlan(section, "run/config.json"); }),
                    "run/config.json: plan.remade");
  }
}

}  // namespace
}  // namespace semfield
