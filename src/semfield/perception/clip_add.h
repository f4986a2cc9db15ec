#pragma once

#include <filesystem>
#include <vector>

#include "semfield/perception/model_card.h"
#include "semfield/perception/models.h"

namespace semfield {

// The card of a model of kind "clip" from its files, which lie in `folder` as `files` say: an image tower
// (one f32 input [1, 3, S, S]) and a text tower (i64 tokens, with or without a mask) in ONNX, whose outputs
// have one width, and the table of merges (.txt); what else is there are external weights. What does not fit:
// InputError that says what is needed.
ModelCard DraftClipCard(const ModelAddOptions& options, const std::filesystem::path& folder,
                        const std::vector<ModelFile>& files);

// Both towers on the bundled picture: whether they answer, and what each text has of the picture.
ModelCheck CheckClip(const ModelCard& card, const ModelCheckOptions& options);

}  // namespace semfield
