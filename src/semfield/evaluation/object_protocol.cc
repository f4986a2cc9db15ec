#include "semfield/evaluation/object_protocol.h"

namespace semfield {

const std::vector<std::shared_ptr<const ObjectProtocol>>& ObjectProtocols() {
  static const std::vector<std::shared_ptr<const ObjectProtocol>> protocols = {MakePartsProtocol(),
                                                                               MakeKeypointsProtocol()};
  return protocols;
}

const ObjectProtocol* FindObjectProtocol(const std::string& name) {
  for (const auto& protocol : ObjectProtocols()) {
    if (protocol->name() == name) return protocol.get();
  }
  return nullptr;
}

}  // namespace semfield
