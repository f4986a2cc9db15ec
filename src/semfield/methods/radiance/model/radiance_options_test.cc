// What the options' own description allows, the kernels can do.
#include "semfield/methods/radiance/model/radiance_options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/ops/ray_marching.h"

namespace semfield {
namespace {

// Small in every way that takes memory.
RadianceOptions TinyOptions() {
  RadianceOptions options;
  options.levels = 2;
  options.log2_table_size = 8;
  options.finest_resolution = 32;
  options.hidden = 16;
  options.occupancy_resolution = 8;
  return WithoutCapture(options);
}

// Makes the model and marches one ray as training does at its coarsest.
void Use(const RadianceOptions& options) {
  const RadianceModel model(options, SceneMap{.half_extent = 1});
  const float coarsest = std::exp2(static_cast<float>(std::max(0, options.coarse_phases.value() - 1)));
  const Ray ray{.origin = {-2, 0, 0}, .direction = {1, 0, 0}, .z_scale = 1};
  std::vector<float> t(ops::kTileColumns), dt(ops::kTileColumns);
  ops::MarchRay(model.map, model.occupancy, model.March(coarsest), ray, 0.5f, {t.data(), dt.data()});
}

TEST(RadianceOptions, BothEndsOfEveryRangeMakeAField) {
  OptionList names;
  RadianceOptions().Describe(names);
  for (const Option& described : names.options()) {
    if (!described.IsNumber()) continue;
    for (double value : {described.limits.min, described.limits.max}) {
      if (!std::isfinite(value)) continue;
      if (described.name == "occupancy-resolution") value = std::min(value, 64.0);  // memory
      SCOPED_TRACE(described.name + " " + std::to_string(value));
      RadianceOptions options = TinyOptions();
      OptionList list;
      options.Describe(list);
      SetOption(*list.Find(described.name), value, "test");
      // What the other half of a pair forbids is said of the pair.
      if (described.name == "base-resolution") options.finest_resolution = 65536;
      if (described.name == "finest-resolution") options.base_resolution = 2;
      EXPECT_NO_THROW(CheckOrders(list, "test"));
      EXPECT_NO_THROW(Use(options));
    }
  }
}

TEST(RadianceOptions, WideConesStayPossibleInCoarsePhases) {
  for (const double cone : {0.01, 0.0625, kMaxConeAngle}) {
    RadianceOptions options = TinyOptions();
    options.cone_angle = cone;
    options.coarse_phases = 8;
    EXPECT_NO_THROW(Use(options)) << cone;
  }
}

TEST(RadianceOptions, WhatTheKernelsCannotDoIsRefused) {
  RadianceOptions options;
  OptionList list;
  options.Describe(list);
  EXPECT_THROW(SetOption(*list.Find("features-per-level"), 3, ""), Error);
  EXPECT_THROW(SetOption(*list.Find("occupancy-resolution"), 12, ""), Error);
  EXPECT_THROW(SetOption(*list.Find("cone-angle"), 1, ""), Error);
  EXPECT_THROW(OptionsFromJson(list, {{"base-resolution", 512}, {"finest-resolution", 2}}, "config.json"),
               Error);
}

}  // namespace
}  // namespace semfield
