#pragma once

#include <vector>

#include "semfield/diagnosis/placement.h"

// Points that three or more photos show, found from pairs of matches.
namespace semfield::diagnosis {

struct Track {
  std::vector<std::pair<int, int>> seen;  // view, keypoint; each view once, in view order
};

// At most max_tracks, those that most views see first. Views that are left out take no part.
std::vector<Track> BuildTracks(const Evidence& evidence, const std::vector<bool>& left_out,
                               size_t max_tracks);

// Rays nearest to one point; false when they are nearly parallel or the point is not finite.
bool Triangulate(const Evidence& evidence, const Placements& placements, const Track& track, Vec3* point,
                 double* widest_angle = nullptr);

// Angle between a view's ray and the point, times its focal length: pixels at the working size. Large when
// the point is behind.
double PixelError(const Evidence& evidence, const Placements& placements, std::pair<int, int> seen,
                  const Vec3& point);

struct TrackErrors {
  double median = -1;    // pixels at the working size; negative without tracks
  double cost = -1;      // mean of errors cut at kErrorCut
  double parallax = -1;  // median over tracks of the widest angle between two of its rays, radians
  double depth = -1;     // median distance of points to the cameras that see them, world units
  int num_tracks = 0;
};
constexpr double kErrorCut = 6;

TrackErrors MeasureTracks(const Evidence& evidence, const Placements& placements,
                          const std::vector<Track>& tracks);

// Median error of each view's keypoints against points triangulated from the other views; negative where
// fewer than min_tracks tell.
std::vector<double> LeaveOneOutErrors(const Evidence& evidence, const Placements& placements,
                                      const std::vector<Track>& tracks, int min_tracks);

}  // namespace semfield::diagnosis
