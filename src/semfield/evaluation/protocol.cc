#include "semfield/evaluation/protocol.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/evaluation/depth_protocol.h"
#include "semfield/evaluation/everything_protocol.h"
#include "semfield/evaluation/exposure_protocol.h"
#include "semfield/evaluation/instances_protocol.h"
#include "semfield/evaluation/language_protocol.h"
#include "semfield/evaluation/names_protocol.h"
#include "semfield/evaluation/objects_protocol.h"
#include "semfield/evaluation/poses_protocol.h"
#include "semfield/evaluation/san_protocol.h"
#include "semfield/evaluation/semantics3d_protocol.h"
#include "semfield/evaluation/semantics_protocol.h"
#include "semfield/evaluation/speed_protocol.h"
#include "semfield/evaluation/surface_protocol.h"
#include "semfield/evaluation/views_protocol.h"

namespace semfield {

const std::vector<std::shared_ptr<const Protocol>>& Protocols() {
  static const std::vector<std::shared_ptr<const Protocol>> protocols = {
      MakeViewsProtocol(),    MakeSanProtocol(),       MakeObjectsProtocol(),     MakeEverythingProtocol(),
      MakeNamesProtocol(),    MakeDepthProtocol(),     MakeSurfaceProtocol(),     MakePosesProtocol(),
      MakeExposureProtocol(), MakeSemanticsProtocol(), MakeSemantics3dProtocol(), MakeSpeedProtocol(),
      MakeLanguageProtocol(), MakeInstancesProtocol()};
  return protocols;
}

const Protocol& FindProtocol(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& protocol : Protocols()) {
    if (protocol->name() == name) return *protocol;
    known.push_back(protocol->name());
  }
  const std::string nearest = NearestName(name, known);
  std::stable_partition(known.begin(), known.end(), [&](const std::string& n) { return n == nearest; });
  throw InputError("unknown protocol '{}'; known are: {}", name, fmt::join(known, ", "));
}

}  // namespace semfield
