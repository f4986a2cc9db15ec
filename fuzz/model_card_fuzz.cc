// Cards of models: what is accepted must come back the same when it is written and read again.
#include "fuzz_support.h"
#include "semfield/perception/model_card.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semfield;
  return fuzz::Check([&] {
    const ModelCard card = ParseModelCard(ParseJson(std::string(fuzz::Text(data, size)), "card"), "card");
    const Json json = ModelCardToJson(card);
    fuzz::Require(ModelCardToJson(ParseModelCard(json, "again")) == json, "a card survives its own JSON");
  });
}
