#pragma once

#include "semfield/jobs/render.h"

namespace semfield {

// Pictures of the object that one picture (job.run) shows, by a method over many objects: its own view, or
// views around it (--orbit). Nobody knows the camera: it is taken to have the field of view of the objects
// that were trained on, and to stand as the object looks. InputError of a picture without alpha that says how
// to cut its object out, of what such a picture cannot be shown as, and of categories that were never
// trained.
RenderResult RenderObject(const RenderJobOptions& job, const Method& method, const JobControl& control);

}  // namespace semfield
