#pragma once

#include <string>

#include "semfield/base/json.h"
#include "semfield/capture/mask_use.h"

namespace semfield {

// Whether a section "train" of a config.json holds what its readers take from it; InputError naming the key
// if not.
void CheckTrainSection(const Json& section, const std::string& where);

// What a training made of its capture's masks, as it stands under "masks" in its section; sections of older
// runs: they were ignored. CheckTrainSection has seen it.
Json MasksJson(const MaskDecision& decision);
MaskDecision StoredMasks(const Json& section);

inline constexpr int kDefaultImageCacheMib = 4096;
inline constexpr int kMaxImageCacheMib = 1 << 24;
inline constexpr const char* kImageCacheHelp =
    "Memory for decoded photos, MiB. If they take more, those in memory rotate, each as long as any other. "
    "0: 4096, or "
    "with --resume as before.";
// Of a run's section "train"; the default if it does not say.
int StoredImageCache(const Json& train_section);

}  // namespace semfield
