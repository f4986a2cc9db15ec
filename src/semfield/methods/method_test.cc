#include "semfield/methods/method.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"

namespace semfield {
namespace {

struct NoOptions {
  void Describe(OptionList&) {}
};

class NamedMethod : public Method {
 public:
  explicit NamedMethod(MethodInfo info) : info_(std::move(info)) {}
  MethodInfo info() const override { return info_; }
  AnyOptions NewOptions() const override { return AnyOptions(NoOptions()); }
  OpenedFields Open(const OpenInputs&) const override { return {}; }

 private:
  MethodInfo info_;
};

std::shared_ptr<const Method> Named(const std::string& name, MethodInfo::TrainsOn trains_on,
                                    bool on_radiance) {
  MethodInfo info{.name = name, .trains_on = trains_on, .needs_radiance = on_radiance};
  info.renders.rgb = !on_radiance;
  info.renders.features = on_radiance;
  return std::make_shared<NamedMethod>(info);
}

MethodList ThreeMethods() {
  using enum MethodInfo::TrainsOn;
  return MethodList({Named("gnesf", kManyScenes, false), Named("radiance", kOneScene, false),
                     Named("feature_field", kOneScene, true)});
}

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "";
}

TEST(MethodList, FindsByName) {
  const MethodList methods = ThreeMethods();
  EXPECT_EQ(methods.Find("radiance").info().name, "radiance");
  EXPECT_EQ(methods.Names(), (std::vector<std::string>{"gnesf", "radiance", "feature_field"}));
}

TEST(MethodList, AnUnknownNameListsTheKnownOnesNearestFirst) {
  const MethodList methods = ThreeMethods();
  const std::string message = ErrorOf([&] { methods.Find("radience"); });
  EXPECT_EQ(message, "unknown method 'radience'; known are: radiance, gnesf, feature_field");
  EXPECT_EQ(ErrorOf([&] { methods.Find("gnesf2"); }),
            "unknown method 'gnesf2'; known are: gnesf, radiance, feature_field");
  EXPECT_EQ(ErrorOf([&] { methods.Find(""); }),
            "unknown method ''; known are: gnesf, radiance, feature_field");
}

TEST(MethodList, TheDefaultIsWhatIsTrainedOnOneScene) {
  const MethodList methods = ThreeMethods();
  EXPECT_EQ(methods.Default(/*on_radiance=*/false).info().name, "radiance");
  EXPECT_EQ(methods.Default(/*on_radiance=*/true).info().name, "feature_field");
  EXPECT_NE(ErrorOf([] { MethodList({}).Default(false); }), "");
}

TEST(Method, ThatIsNotTrainedOnOneSceneSaysSo) {
  const MethodList methods = ThreeMethods();
  const Capture capture;
  const ImageStore* no_photos = nullptr;
  const std::string message = ErrorOf([&] {
    methods.Find("gnesf").Prepare({.capture = capture, .store = *no_photos}, AnyOptions(NoOptions()));
  });
  EXPECT_EQ(message, "method 'gnesf' is not trained on one scene");
}

}  // namespace
}  // namespace semfield
