#include "semfield/surface/mesh_atlas.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <utility>

#include "semfield/base/check.h"

namespace semfield {
namespace {

using Vec2f = Eigen::Vector2f;

constexpr double kAlike = 0.7;       // cosine between a face's smoothed normal and its chart's mean
constexpr double kLeastFlat = 0.15;  // cosine between a face itself and the direction it is laid along

struct Chart {
  std::vector<int> faces;
  Vec3 normal = Vec3::Zero();     // sum of the crosses of its faces
  std::vector<int32_t> vertices;  // of the mesh that is cut, increasing
  std::vector<Vec2> flat;         // [vertices] in units, from the corner of its box
  Vec2 size = Vec2::Zero();       // of the box
  Vec2 corner = Vec2::Zero();     // in the picture, pixels
};

// The face beyond each edge, -1: none or several.
std::vector<std::array<int, 3>> Beside(const Mesh& mesh) {
  std::map<std::pair<int32_t, int32_t>, std::vector<int>> of_edge;
  for (int f = 0; f < mesh.num_faces(); ++f) {
    for (int k = 0; k < 3; ++k) {
      const int32_t a = mesh.faces[f][k], b = mesh.faces[f][(k + 1) % 3];
      of_edge[{std::min(a, b), std::max(a, b)}].push_back(f);
    }
  }
  std::vector<std::array<int, 3>> beside(mesh.faces.size(), {-1, -1, -1});
  for (int f = 0; f < mesh.num_faces(); ++f) {
    for (int k = 0; k < 3; ++k) {
      const int32_t a = mesh.faces[f][k], b = mesh.faces[f][(k + 1) % 3];
      const std::vector<int>& both = of_edge[{std::min(a, b), std::max(a, b)}];
      if (both.size() == 2) beside[f][k] = both[0] == f ? both[1] : both[0];
    }
  }
  return beside;
}

// Grows charts one after another from the faces that none has yet.
class ChartMaker {
 public:
  explicit ChartMaker(const Mesh& mesh)
      : mesh_(mesh), beside_(Beside(mesh)), owner_(mesh.faces.size(), -1), smooth_(mesh.faces.size()) {
    const std::vector<Vec3f> normals = VertexNormals(mesh);
    for (int f = 0; f < mesh.num_faces(); ++f) {
      Vec3 sum = Vec3::Zero();
      for (const int32_t v : mesh.faces[f]) sum += normals[v].cast<double>();
      smooth_[f] = sum.norm() > 1e-12 ? Vec3(sum.normalized()) : Vec3(mesh.Cross(f).normalized());
    }
  }

  std::vector<Chart> Make(double longest, const JobControl& control) {
    std::vector<Chart> charts;
    for (int f = 0; f < mesh_.num_faces(); ++f) {
      if (owner_[f] >= 0) continue;
      if (charts.size() % 256 == 0) control.ThrowIfStopped();
      charts.push_back(Grow(f, static_cast<int>(charts.size()), longest));
    }
    return charts;
  }

 private:
  // Whether a face can be laid flat in a chart.
  bool Fits(const Chart& chart, int face, const Box3& box, double longest) const {
    const Vec3 axis = chart.normal.normalized();
    if (smooth_[face].dot(axis) < kAlike || mesh_.Cross(face).normalized().dot(axis) < kAlike - 0.3)
      return false;
    const Vec3 at = mesh_.Centroid(face);
    return (at.cwiseMax(box.max) - at.cwiseMin(box.min)).maxCoeff() < longest;
  }

  Chart Grow(int seed, int number, double longest) {
    Chart chart;
    std::vector<int> open = {seed};
    owner_[seed] = number;
    Box3 box{.min = mesh_.Centroid(seed), .max = mesh_.Centroid(seed)};
    for (size_t next = 0; next < open.size(); ++next) {
      const int face = open[next];
      chart.faces.push_back(face);
      chart.normal += mesh_.Cross(face);
      box.min = box.min.cwiseMin(mesh_.Centroid(face));
      box.max = box.max.cwiseMax(mesh_.Centroid(face));
      for (const int other : beside_[face]) {
        if (other < 0 || owner_[other] >= 0 || !Fits(chart, other, box, longest)) continue;
        owner_[other] = number;
        open.push_back(other);
      }
    }
    GiveBack(&chart);
    return chart;
  }

  // Faces that stand up in what the chart became are left to charts of their own.
  void GiveBack(Chart* chart) {
    const Vec3 axis = chart->normal.normalized();
    std::vector<int> flat;
    for (const int face : chart->faces) {
      if (face == chart->faces.front() || mesh_.Cross(face).normalized().dot(axis) > kLeastFlat) {
        flat.push_back(face);
      } else {
        owner_[face] = -1;
        given_back_.push_back(face);
      }
    }
    chart->faces = std::move(flat);
  }

 public:
  // Those that were given back after their turn: a chart for each.
  void AddGivenBack(std::vector<Chart>* charts) {
    for (const int face : given_back_) {
      if (owner_[face] >= 0) continue;
      owner_[face] = static_cast<int>(charts->size());
      charts->push_back({.faces = {face}, .normal = mesh_.Cross(face)});
    }
  }

 private:
  const Mesh& mesh_;
  const std::vector<std::array<int, 3>> beside_;
  std::vector<int> owner_;
  std::vector<Vec3> smooth_;
  std::vector<int> given_back_;
};

// Turned so that its box is smallest, and longer than high.
void LayFlat(const Mesh& mesh, Chart* chart) {
  for (const int face : chart->faces)
    chart->vertices.insert(chart->vertices.end(), mesh.faces[face].begin(), mesh.faces[face].end());
  std::sort(chart->vertices.begin(), chart->vertices.end());
  chart->vertices.erase(std::unique(chart->vertices.begin(), chart->vertices.end()), chart->vertices.end());
  Vec3 axis = chart->normal.normalized();
  if (mesh.Cross(chart->faces.front()).dot(axis) <= 0) axis = mesh.Cross(chart->faces.front()).normalized();
  if (axis.norm() < 0.5) axis = Vec3::UnitZ();  // faces without an area look nowhere
  const Vec3 u = axis.unitOrthogonal(), v = axis.cross(u);
  std::vector<Vec2> places;
  for (const int32_t vertex : chart->vertices) {
    const Vec3 p = mesh.vertices[vertex].cast<double>();
    places.emplace_back(p.dot(u), -p.dot(v));  // pictures have y downwards
  }
  constexpr int kTurns = 24;
  double least = -1;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double angle = std::numbers::pi * turn / kTurns, c = std::cos(angle), s = std::sin(angle);
    Vec2 low = Vec2::Constant(1e300), high = Vec2::Constant(-1e300);
    std::vector<Vec2> turned;
    turned.reserve(places.size());
    for (const Vec2& p : places) {
      turned.emplace_back(c * p.x() - s * p.y(), s * p.x() + c * p.y());
      low = low.cwiseMin(turned.back());
      high = high.cwiseMax(turned.back());
    }
    const Vec2 size = high - low;
    if (size.x() < size.y() || (least >= 0 && size.prod() >= least)) continue;
    least = size.prod();
    chart->size = size;
    for (Vec2& p : turned) p -= low;
    chart->flat = std::move(turned);
  }
  SF_CHECK_EQ(chart->flat.size(), chart->vertices.size());
}

// Rows of boxes, the highest first. False if they need more height than the picture has.
bool Pack(double scale, int size, int gap, std::vector<Chart>* charts) {
  double x = 0, y = 0, row = 0;
  for (Chart& chart : *charts) {
    const Vec2 box = scale * chart.size + Vec2::Constant(2.0 * gap + 1);
    if (box.x() > size) return false;
    if (x + box.x() > size) {
      y += row;
      x = row = 0;
    }
    chart.corner = Vec2(x + gap + 0.5, y + gap + 0.5);
    x += box.x();
    row = std::max(row, box.y());
    if (y + row > size) return false;
  }
  return true;
}

// The largest scale at which all fit.
double PackAll(const Mesh& mesh, int size, int gap, std::vector<Chart>* charts) {
  std::stable_sort(charts->begin(), charts->end(),
                   [](const Chart& a, const Chart& b) { return a.size.y() > b.size.y(); });
  double low = 0, high = 2 * size / std::sqrt(std::max(1e-30, AreaOf(mesh)));
  constexpr int kHalvings = 24;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (low + high);
    (Pack(middle, size, gap, charts) ? low : high) = middle;
  }
  return Pack(low, size, gap, charts) ? low : -1;
}

std::array<uint8_t, 3> Between(const Mesh& mesh, const std::array<int32_t, 3>& face, float u, float v,
                               float w) {
  std::array<uint8_t, 3> color = {128, 128, 128};
  if (mesh.colors.empty()) return color;
  const auto &a = mesh.colors[face[0]], &b = mesh.colors[face[1]], &c = mesh.colors[face[2]];
  for (int k = 0; k < 3; ++k) color[k] = static_cast<uint8_t>(std::lround(u * a[k] + v * b[k] + w * c[k]));
  return color;
}

}  // namespace

Atlas MakeAtlas(const Mesh& mesh, int size, int gap, const JobControl& control) {
  SF_CHECK_GE(size, 64);
  Atlas atlas{.mesh = {}, .uv = {}, .size = size};
  if (mesh.faces.empty()) return atlas;
  ChartMaker maker(mesh);
  // Charts of at most half of the picture's side leave no row half empty.
  std::vector<Chart> charts = maker.Make(0.5 * std::sqrt(AreaOf(mesh)), control);
  maker.AddGivenBack(&charts);
  for (Chart& chart : charts) LayFlat(mesh, &chart);
  atlas.pixels_per_unit = PackAll(mesh, size, gap, &charts);
  if (atlas.pixels_per_unit <= 0 && gap > 0) return MakeAtlas(mesh, size, gap - 1, control);
  if (atlas.pixels_per_unit <= 0) return MakeAtlas(mesh, 2 * size, 0, control);
  atlas.num_charts = static_cast<int>(charts.size());
  for (const Chart& chart : charts) {
    std::map<int32_t, int32_t> number;
    for (size_t i = 0; i < chart.vertices.size(); ++i) {
      number[chart.vertices[i]] = atlas.mesh.num_vertices();
      atlas.mesh.vertices.push_back(mesh.vertices[chart.vertices[i]]);
      if (!mesh.colors.empty()) atlas.mesh.colors.push_back(mesh.colors[chart.vertices[i]]);
      atlas.uv.push_back((chart.corner + atlas.pixels_per_unit * chart.flat[i]).cast<float>());
    }
    for (const int face : chart.faces) {
      const auto& [a, b, c] = mesh.faces[face];
      atlas.mesh.faces.push_back({number[a], number[b], number[c]});
    }
  }
  return atlas;
}

std::vector<Texel> TexelsOf(const Atlas& atlas) {
  const std::vector<Vec3f> normals = WeldedNormals(atlas.mesh);
  std::vector<char> taken(static_cast<size_t>(atlas.size) * atlas.size, 0);
  std::vector<Texel> texels;
  for (const auto& face : atlas.mesh.faces) {
    const Vec2f a = atlas.uv[face[0]], b = atlas.uv[face[1]], c = atlas.uv[face[2]];
    const auto cross = [](const Vec2f& p, const Vec2f& q) { return p.x() * q.y() - p.y() * q.x(); };
    const float area = cross(b - a, c - a);
    if (area == 0) continue;
    const Vec2f low = a.cwiseMin(b).cwiseMin(c), high = a.cwiseMax(b).cwiseMax(c);
    const int x1 = std::min(atlas.size - 1, static_cast<int>(high.x())),
              y1 = std::min(atlas.size - 1, static_cast<int>(high.y()));
    for (int y = std::max(0, static_cast<int>(low.y())); y <= y1; ++y) {
      for (int x = std::max(0, static_cast<int>(low.x())); x <= x1; ++x) {
        const Vec2f at(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
        const float v = cross(at - a, c - a) / area, w = cross(b - a, at - a) / area, u = 1 - v - w;
        const int32_t pixel = y * atlas.size + x;
        if (u < 0 || v < 0 || w < 0 || taken[pixel]) continue;
        taken[pixel] = 1;
        const Vec3f normal = u * normals[face[0]] + v * normals[face[1]] + w * normals[face[2]];
        texels.push_back({.pixel = pixel,
                          .place = u * atlas.mesh.vertices[face[0]] + v * atlas.mesh.vertices[face[1]] +
                                   w * atlas.mesh.vertices[face[2]],
                          .normal = normal.normalized(),
                          .fallback = Between(atlas.mesh, face, u, v, w)});
      }
    }
  }
  std::sort(texels.begin(), texels.end(), [](const Texel& p, const Texel& q) { return p.pixel < q.pixel; });
  return texels;
}

}  // namespace semfield
