#include "bench/compare/compare.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"

namespace semfield::bench {
namespace {

Json Results(std::vector<std::pair<std::string, double>> ratios, double speed_of_machine = 1) {
  Json json = {
      {"program", "bench_step"}, {"threads", 2}, {"instructions", "AVX2"}, {"results", Json::array()}};
  for (const auto& [name, ratio] : ratios) {
    json["results"].push_back({{"name", name},
                               {"ours_ms", 10 / speed_of_machine},
                               {"reference", "libtorch"},
                               {"reference_ms", 10 * ratio / speed_of_machine}});
  }
  return json;
}

Comparison Of(const Json& before, const Json& after, double noise = 0.1) {
  return Compare(before, "before.json", after, "after.json", noise);
}

std::string ErrorOf(const Json& before, const Json& after) {
  try {
    Of(before, after);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Compare, FindsWhatBecameSlowerBeyondTheNoise) {
  const Comparison same = Of(Results({{"step", 6.0}}), Results({{"step", 5.5}}));
  EXPECT_EQ(same.lines[0].verdict, Verdict::kSame);
  EXPECT_FALSE(same.Regressed());
  const Comparison worse = Of(Results({{"a", 6.0}, {"b", 3.0}}), Results({{"a", 6.1}, {"b", 2.6}}));
  EXPECT_EQ(worse.lines[0].verdict, Verdict::kSame);
  EXPECT_EQ(worse.lines[1].verdict, Verdict::kWorse);
  EXPECT_TRUE(worse.Regressed());
  EXPECT_EQ(Of(Results({{"step", 6.0}}), Results({{"step", 7.0}})).lines[0].verdict, Verdict::kBetter);
}

TEST(Compare, TheNoiseIsTheCallers) {
  EXPECT_TRUE(Of(Results({{"step", 6.0}}), Results({{"step", 5.5}}), 0.05).Regressed());
  EXPECT_FALSE(Of(Results({{"step", 6.0}}), Results({{"step", 3.1}}), 0.5).Regressed());
  EXPECT_THROW(Of(Results({}), Results({}), 1), Error);
}

TEST(Compare, ASlowMachineIsNoRegression) {
  EXPECT_FALSE(Of(Results({{"step", 6.0}}, 1), Results({{"step", 6.0}}, 0.1), 0).Regressed());
}

TEST(Compare, WhatVanishedCountsAndWhatIsNewDoesNot) {
  const Comparison comparison = Of(Results({{"old", 6.0}}), Results({{"new", 6.0}}));
  EXPECT_EQ(comparison.lines[0].name, "new / libtorch");
  EXPECT_EQ(comparison.lines[0].verdict, Verdict::kNew);
  EXPECT_EQ(comparison.lines[1].verdict, Verdict::kMissing);
  EXPECT_TRUE(comparison.Regressed());
}

TEST(Compare, RefusesWhatCannotBeCompared) {
  const Json good = Results({{"step", 6.0}});
  Json other = good;
  other["threads"] = 4;
  EXPECT_NE(ErrorOf(good, other).find("threads: 2 and 4"), std::string::npos);
  EXPECT_NE(ErrorOf(good, Json::array()).find("after.json: program: missing"), std::string::npos);
  other = good;
  other["results"][0]["ours_ms"] = 0;
  EXPECT_NE(ErrorOf(good, other).find("after.json: results: ours_ms"), std::string::npos);
  other["results"][0]["ours_ms"] = "fast";
  EXPECT_NE(ErrorOf(good, other).find("\"fast\""), std::string::npos);
  other = Results({{"step", 6.0}, {"step", 7.0}});
  EXPECT_NE(ErrorOf(good, other).find("twice"), std::string::npos);
}

}  // namespace
}  // namespace semfield::bench
