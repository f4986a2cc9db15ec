#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// Scenes with labels, as their publishers lay them out. Camera to world, OpenCV axes, world in metres; pixel
// centers of their intrinsics are whole numbers and become ours (+0.5).

// ScanNet as its exporter (SensReader) writes it: color/N.jpg, pose/N.txt, intrinsic/intrinsic_color.txt and,
// where they are, depth/N.png (millimetres), label-filt/N.png and instance-filt/N.png. Frames are sorted by
// number; those with a pose that is not finite are left out and counted. Labels become the benchmark's 20
// classes by the scannetv2-labels.combined.tsv in the scene's folder or, with ReadOptions::allow_outside, in
// one of the two above it; without the file they are left out with a warning.
std::unique_ptr<Reader> MakeScanNetReader();

// Replica as Semantic-NeRF publishes it: rgb/rgb_N.png, traj_w_c.txt (a row of 16 numbers a frame), and where
// they are depth/depth_N.png (millimetres), semantic_class/semantic_class_N.png (0: none),
// semantic_instance/semantic_instance_N.png, in the folder itself or its Sequence_1; 90 degrees across. Every
// 5th frame trains and the one two after it is held out, as there; the others are not read. Names of classes
// are from info_semantic.json in either folder, "class N" where there is none.
std::unique_ptr<Reader> MakeReplicaReader();

}  // namespace semfield
