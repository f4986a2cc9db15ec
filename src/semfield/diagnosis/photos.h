#pragma once

#include "semfield/capture/capture.h"
#include "semfield/diagnosis/evidence.h"
#include "semfield/diagnosis/finding.h"

// What is wrong with single photos, however the cameras stand.
namespace semfield::diagnosis {

// Photos that show the same things less sharply than their neighbours do.
Findings CheckBlur(const Capture& capture, const Evidence& evidence);

// Photos with far more pixels at the end of the range than the others, and photos much brighter or darker
// than their neighbours show the same things.
Findings CheckExposure(const Capture& capture, const Evidence& evidence);

// Files with the same bytes, and photos that show everything at the same pixels as another.
Findings CheckDuplicates(const Capture& capture, const Evidence& evidence);

// Masks or alpha that leave out what all cameras look at, or that keep in some views what they leave out in
// the others; masks that leave nothing.
Findings CheckMasks(const Capture& capture);

// Intrinsics that cannot belong to photos of that size: principal point outside or far off, stretched pixels,
// fields of view of no lens.
Findings CheckIntrinsics(const Capture& capture);

// Views whose sparse points are projected far from where the view is said to see them.
Findings CheckSparsePoints(const Capture& capture);

}  // namespace semfield::diagnosis
