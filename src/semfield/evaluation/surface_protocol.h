#pragma once

#include <filesystem>
#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// The run's mesh against the room's true one, and its pictures against held-out photos.
std::shared_ptr<const Protocol> MakeSurfaceProtocol();

// Where a capture keeps its true mesh, in its own units and axes.
std::filesystem::path TrueMeshOf(const Capture& capture);

}  // namespace semfield
