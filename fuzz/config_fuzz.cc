// config.json of a run: its stages and their options.
#include "fuzz_support.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/radiance/model/radiance_options.h"
#include "semfield/run/train_section.h"
#include "semfield/training/run_folder.h"

namespace {

template <class Options>
void CheckOptions(const semfield::Json& json) {
  using namespace semfield;
  Options options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, json, "config.json");
  const Json values = OptionsToJson(list);
  Options again;
  OptionList second;
  again.Describe(second);
  OptionsFromJson(second, values, "again");
  fuzz::Require(OptionsToJson(second) == values, "options survive their own JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  fuzz::WriteBytes(fuzz::Folder() / "config.json", fuzz::Text(data, size));
  fuzz::Check([] {
    const RunFolder run = RunFolder::Open(fuzz::Folder());
    const Json section = run.ReadConfigSection("imitate-sam");
    if (section.is_object() && section.contains("options")) CheckOptions<FeatureOptions>(section["options"]);
  });
  return fuzz::Check([] {
    const Json section = RunFolder::Open(fuzz::Folder()).ReadConfigSection("train");
    CheckTrainSection(section, "config.json");
    CheckOptions<RadianceOptions>(section["options"]);
  });
}
