#include <algorithm>
#include <cmath>

#include "semfield/base/random.h"
#include "semfield/diagnosis/evidence.h"

#include <Eigen/Dense>

namespace semfield::diagnosis {
namespace {

constexpr float kMaxDistanceRatio = 0.8f;  // of the nearest to the next other descriptor
constexpr float kSamePlace = 4;            // pixels
constexpr int kMinConsistent = 16;
constexpr double kMinConsistentShare = 0.3;
constexpr int kMaxTrials = 500;

using Descriptors = Eigen::Matrix<float, Eigen::Dynamic, kDescriptorSize, Eigen::RowMajor>;
using Similarities = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Descriptors ToMatrix(const Keypoints& keypoints, int count) {
  using Bytes = Eigen::Matrix<uint8_t, Eigen::Dynamic, kDescriptorSize, Eigen::RowMajor>;
  return Eigen::Map<const Bytes>(keypoints.descriptors.data(), count, kDescriptorSize).cast<float>() / 512.f;
}

using Match = std::pair<int, int>;
using Sample = Eigen::Matrix<double, 9, 1>;

// Row of the linear system of eq. 11.3 of Hartley and Zisserman (2004): b^T F a = 0.
Sample Equation(const Vec3& a, const Vec3& b) {
  Sample row;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) row[3 * i + j] = b[i] * a[j];
  }
  return row;
}

Mat3 ToMatrix(const Sample& f) {
  Mat3 m;
  m << f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8];
  return m;
}

// Directions stretched so that they fill about a unit square, which conditions the eight-point system.
Vec3 Stretched(const Vec3& direction, double by) {
  return {direction.x() * by, direction.y() * by, direction.z()};
}

double StretchOf(const std::vector<Vec3>& directions) {
  double sum = 0;
  for (const Vec3& d : directions) sum += std::hypot(d.x(), d.y()) / std::max(std::abs(d.z()), 0.05);
  return directions.empty() || sum == 0 ? 1.0 : directions.size() / sum;
}

}  // namespace

double EpipolarAngle(const Mat3& essential, const Vec3& direction_a, const Vec3& direction_b) {
  const Vec3 plane_b = essential * direction_a, plane_a = essential.transpose() * direction_b;
  const double product = std::abs(direction_b.dot(plane_b));
  const double smaller = std::min(plane_a.norm(), plane_b.norm());
  return smaller > 1e-15 ? product / smaller : 0.0;
}

std::vector<Match> MatchByLooks(const Keypoints& a, const Keypoints& b, int max_keypoints) {
  const int count_a = std::min(static_cast<int>(a.points.size()), max_keypoints);
  const int count_b = std::min(static_cast<int>(b.points.size()), max_keypoints);
  if (count_a < 2 || count_b < 2) return {};
  const Similarities similar = ToMatrix(a, count_a) * ToMatrix(b, count_b).transpose();
  std::vector<int> best_of_b(count_b, 0);
  for (int i = 1; i < count_a; ++i) {
    for (int j = 0; j < count_b; ++j) {
      if (similar(i, j) > similar(best_of_b[j], j)) best_of_b[j] = i;
    }
  }
  std::vector<Match> matches;
  for (int i = 0; i < count_a; ++i) {
    int best = 0;
    similar.row(i).maxCoeff(&best);
    if (best_of_b[best] != i) continue;
    float second = 0;
    for (int j = 0; j < count_b; ++j) {
      if (similar(i, j) <= second) continue;
      const float dx = b.points[j].x - b.points[best].x, dy = b.points[j].y - b.points[best].y;
      if (dx * dx + dy * dy > kSamePlace * kSamePlace) second = similar(i, j);
    }
    const float distance = 1 - similar(i, best), next = 1 - second;
    if (distance > kMaxDistanceRatio * kMaxDistanceRatio * next) continue;
    // A keypoint with two orientations counts once.
    const auto same = [&](const Match& m) {
      return std::abs(a.points[m.first].x - a.points[i].x) + std::abs(a.points[m.first].y - a.points[i].y) <
             1;
    };
    if (std::none_of(matches.begin(), matches.end(), same)) matches.emplace_back(i, best);
  }
  return matches;
}

namespace {

// RANSAC (Fischler and Bolles 1981) over eight-point solutions.
class EpipolarSearch {
 public:
  EpipolarSearch(const std::vector<Match>& matches, const std::vector<Vec3>& directions_a,
                 const std::vector<Vec3>& directions_b, double tolerance)
      : tolerance_(tolerance) {
    for (const Match& m : matches) {
      a_.push_back(directions_a[m.first]);
      b_.push_back(directions_b[m.second]);
    }
    stretch_a_ = StretchOf(a_);
    stretch_b_ = StretchOf(b_);
    for (size_t i = 0; i < a_.size(); ++i)
      equations_.push_back(Equation(Stretched(a_[i], stretch_a_), Stretched(b_[i], stretch_b_)));
  }

  std::vector<int> Run(uint64_t seed) {
    Random random(seed, 3);
    const int count = static_cast<int>(a_.size());
    std::vector<int> order(count), best;
    for (int i = 0; i < count; ++i) order[i] = i;
    double trials = kMaxTrials;
    for (int trial = 0; trial < trials; ++trial) {
      for (int i = 0; i < 8; ++i)
        std::swap(order[i], order[i + random.Below(static_cast<uint32_t>(count - i))]);
      std::vector<int> agreeing = Agreeing(Solve(order));
      if (agreeing.size() <= best.size()) continue;
      best = std::move(agreeing);
      const double share = static_cast<double>(best.size()) / count;
      const double miss = 1 - std::pow(share, 8);
      trials = miss < 1e-9 ? trial : std::min<double>(kMaxTrials, std::log(0.01) / std::log(miss));
    }
    for (int round = 0; round < 3 && best.size() >= 12; ++round) {
      std::vector<int> again = Agreeing(SolveLeastSquares(best));
      if (again.size() < best.size()) break;
      best = std::move(again);
    }
    return best;
  }

 private:
  Mat3 Unstretched(const Sample& f) const {
    return Vec3(stretch_b_, stretch_b_, 1).asDiagonal() * ToMatrix(f) *
           Vec3(stretch_a_, stretch_a_, 1).asDiagonal();
  }
  Mat3 Solve(const std::vector<int>& order) const {
    Eigen::Matrix<double, 9, 8> system;
    for (int i = 0; i < 8; ++i) system.col(i) = equations_[order[i]];
    const Eigen::HouseholderQR<Eigen::Matrix<double, 9, 8>> qr(system);
    const Sample last = Sample::Unit(8);
    return Unstretched(qr.householderQ() * last);
  }
  Mat3 SolveLeastSquares(const std::vector<int>& chosen) const {
    Eigen::Matrix<double, 9, 9> normal = Eigen::Matrix<double, 9, 9>::Zero();
    for (const int i : chosen) normal += equations_[i] * equations_[i].transpose();
    return Unstretched(
        Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, 9, 9>>(normal).eigenvectors().col(0));
  }
  std::vector<int> Agreeing(const Mat3& f) const {
    std::vector<int> agreeing;
    for (size_t i = 0; i < a_.size(); ++i) {
      if (EpipolarAngle(f, a_[i], b_[i]) <= tolerance_) agreeing.push_back(static_cast<int>(i));
    }
    return agreeing;
  }

  double tolerance_, stretch_a_ = 1, stretch_b_ = 1;
  std::vector<Vec3> a_, b_;
  std::vector<Sample> equations_;
};

}  // namespace

std::vector<Match> ConsistentMatches(const std::vector<Match>& matches, const std::vector<Vec3>& directions_a,
                                     const std::vector<Vec3>& directions_b, double tolerance, uint64_t seed) {
  const int count = static_cast<int>(matches.size());
  if (count < kMinConsistent) return {};
  EpipolarSearch search(matches, directions_a, directions_b, tolerance);
  const std::vector<int> agreeing = search.Run(seed);
  if (static_cast<int>(agreeing.size()) < kMinConsistent || agreeing.size() < kMinConsistentShare * count)
    return {};
  std::vector<Match> consistent;
  for (const int i : agreeing) consistent.push_back(matches[i]);
  return consistent;
}

}  // namespace semfield::diagnosis
