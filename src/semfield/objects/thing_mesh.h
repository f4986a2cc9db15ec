#pragma once

#include <vector>

#include "semfield/objects/selection.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// How much of each vertex of a mesh (in the world) belongs to a selection: the weights of the cells around
// it, those near to it most. 0 where no cell is near.
std::vector<float> VertexWeights(const Mesh& mesh, const SurfaceMap& map, const Selection& selection);

// For every face the selection whose weight there is largest, if it is above 1/2; else -1.
// weights: [selections][vertices].
std::vector<int> OwnersOfFaces(const Mesh& mesh, const std::vector<std::vector<float>>& weights);

// Parts of an owner's faces that have less than `least_share` of the area of its largest become nobody's:
// single cells of a selection lie anywhere.
void DropStrayFaces(const Mesh& mesh, double least_share, std::vector<int>* owners);

// Small parts of nobody's faces that owned faces cut off from the rest, or that hang in the air inside of a
// thing's box, become the thing's: those with less than `most_share` of its area. What was left there of a
// thing that is taken away would be seen.
void GiveCrumbs(const Mesh& mesh, double most_share, std::vector<int>* owners);

// The faces of one owner, without the parts that have less than `least_share` of the area of the largest;
// empty if it owns none.
Mesh ThingMesh(const Mesh& mesh, const std::vector<int>& owners, int owner, double least_share = 0.05);

}  // namespace semfield
