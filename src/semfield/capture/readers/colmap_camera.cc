#include "semfield/capture/readers/colmap_camera.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr uint64_t kMaxSide = 65535;
constexpr double kMaxFocal = 1e7;
constexpr double kMaxCoefficient = 1e3;
constexpr double kFitSamples = 256;
constexpr double kWorstFit = 0.5;    // pixels: beyond, the camera is refused
constexpr double kSilentFit = 0.02;  // pixels: below, nobody need know

// Distance in normalised, distorted coordinates of the image's farthest corner from the principal point.
double FarthestCorner(const Camera& c) {
  const double x = std::max(std::abs(c.cx), std::abs(c.width - c.cx)) / c.fx;
  const double y = std::max(std::abs(c.cy), std::abs(c.height - c.cy)) / c.fy;
  return std::hypot(x, y);
}

// First r in (0, limit] at which the increasing part of `radial` reaches r_d, or where it stops to increase.
double ReachOf(const std::function<double(double)>& radial, double r_d, double limit) {
  double previous = 0;
  for (int i = 1; i <= 4096; ++i) {
    const double r = limit * i / 4096, value = radial(r);
    if (!(value > previous)) return limit * (i - 1) / 4096;
    if (value >= r_d) return r;
    previous = value;
  }
  return limit;
}

// Least squares of a r (1 + k1 r^2 + ... + k4 r^8) to `radial` on [0, reach], with a = 1 unless free_scale,
// which goes into the focal lengths. Returns the largest deviation in pixels.
double FitRadial(const std::function<double(double)>& radial, double reach, bool free_scale, Camera* camera) {
  const int samples = static_cast<int>(kFitSamples), columns = free_scale ? 5 : 4;
  Eigen::MatrixXd a(samples, columns);
  Eigen::VectorXd b(samples);
  for (int i = 0; i < samples; ++i) {
    // Powers of u = r / reach keep the columns of like size.
    const double u = (i + 1.0) / samples, r = u * reach;
    b[i] = radial(r) - (free_scale ? 0 : r);
    for (int k = 0; k < 4; ++k) a(i, k) = std::pow(u, 3 + 2 * k);
    if (free_scale) a(i, 4) = u;
  }
  const Eigen::VectorXd x = a.colPivHouseholderQr().solve(b);
  const double focal = std::max(camera->fx, camera->fy);
  const double worst = (a * x - b).cwiseAbs().maxCoeff() * focal;
  const double scale = free_scale ? x[4] / reach : 1;
  double* k[] = {&camera->k1, &camera->k2, &camera->k3, &camera->k4};
  for (int i = 0; i < 4; ++i) *k[i] = x[i] / (scale * std::pow(reach, 3 + 2 * i));
  camera->fx *= scale;
  camera->fy *= scale;
  return worst;
}

void Approximated(double worst, const ColmapCamera& camera, const std::string& where, std::string* note) {
  if (!(worst <= kWorstFit)) {
    throw InputError(
        "{}: no polynomial is nearer than {:.2g} pixels to its {} lens. Run colmap image_undistorter, which "
        "turns "
        "every camera into PINHOLE.",
        where, worst, camera.model);
  }
  if (worst > kSilentFit)
    *note = fmt::format("{} lens approximated to within {:.2g} pixels", camera.model, worst);
}

void ReadFullOpenCv(const ColmapCamera& in, const std::string& where, Camera* camera, std::string* note) {
  const std::vector<double>& p = in.parameters;
  camera->k1 = p[4];
  camera->k2 = p[5];
  camera->p1 = p[6];
  camera->p2 = p[7];
  camera->k3 = p[8];
  if (p[9] == 0 && p[10] == 0 && p[11] == 0) return;
  const auto radial = [&](double r) {
    const double s = r * r;
    return r * (1 + s * (p[4] + s * (p[5] + s * p[8]))) / (1 + s * (p[9] + s * (p[10] + s * p[11])));
  };
  const double reach = ReachOf(radial, FarthestCorner(*camera), 8.0);
  Approximated(reach > 0 ? FitRadial(radial, reach, false, camera) : 1e9, in, where, note);
}

// Devernay and Faugeras 2001: r_d = atan(2 r tan(omega / 2)) / omega with r = tan(theta).
void ReadFov(const ColmapCamera& in, const std::string& where, Camera* camera, std::string* note) {
  const double omega = in.parameters[4];
  if (std::abs(omega) < 1e-6) return;
  camera->model = CameraModel::kFisheye;
  const double t = 2 * std::tan(0.5 * omega);
  const auto radial = [&](double theta) { return std::atan(std::tan(theta) * t) / omega; };
  const double reach = ReachOf(radial, FarthestCorner(*camera), 0.495 * std::numbers::pi);
  Approximated(reach > 0 ? FitRadial(radial, reach, true, camera) : 1e9, in, where, note);
}

void CheckNumbers(const ColmapCamera& in, const std::string& where) {
  if (in.width < 1 || in.height < 1 || in.width > kMaxSide || in.height > kMaxSide) {
    throw InputError("{}: {}x{} pixels, expected 1 to {} a side", where, in.width, in.height, kMaxSide);
  }
  for (const double value : in.parameters) {
    if (!std::isfinite(value) || std::abs(value) > kMaxFocal) {
      throw InputError("{}: its parameter {} is not finite or too large", where, value);
    }
  }
}

}  // namespace

Camera CameraFromColmap(const ColmapCamera& in, const std::string& where, std::string* note) {
  CheckNumbers(in, where);
  const std::string& model = in.model;
  const std::vector<double>& p = in.parameters;
  Camera camera;
  camera.width = static_cast<int>(in.width);
  camera.height = static_cast<int>(in.height);
  const bool one_focal = model == "RADIAL" || model == "RADIAL_FISHEYE" || model.rfind("SIMPLE_", 0) == 0;
  camera.fx = p[0];
  camera.fy = one_focal ? p[0] : p[1];
  camera.cx = p[one_focal ? 1 : 2];
  camera.cy = p[one_focal ? 2 : 3];
  if (!(camera.fx > 1e-3) || !(camera.fy > 1e-3)) {
    throw InputError("{}: focal length {}, {} pixels", where, camera.fx, camera.fy);
  }
  const size_t first = one_focal ? 3 : 4;  // of the lens parameters
  for (size_t k = first; k < p.size(); ++k) {
    if (std::abs(p[k]) > kMaxCoefficient) throw InputError("{}: distortion coefficient {}", where, p[k]);
  }
  if (model.find("FISHEYE") != std::string::npos) camera.model = CameraModel::kFisheye;
  if (one_focal || model == "OPENCV") {  // k, k1 k2, or k1 k2 p1 p2
    if (p.size() > first) camera.k1 = p[first];
    if (p.size() > first + 1) camera.k2 = p[first + 1];
    if (model == "OPENCV") {
      camera.p1 = p[6];
      camera.p2 = p[7];
    }
  } else if (model == "OPENCV_FISHEYE") {
    camera.k1 = p[4], camera.k2 = p[5], camera.k3 = p[6], camera.k4 = p[7];
  } else if (model == "THIN_PRISM_FISHEYE") {
    camera.k1 = p[4], camera.k2 = p[5], camera.p1 = p[6], camera.p2 = p[7];
    camera.k3 = p[8], camera.k4 = p[9], camera.sx1 = p[10], camera.sy1 = p[11];
  } else if (model == "FULL_OPENCV") {
    ReadFullOpenCv(in, where, &camera, note);
  } else if (model == "FOV") {
    ReadFov(in, where, &camera, note);
  }
  return camera;
}

ColmapCamera ColmapFromCamera(const Camera& c, const std::string& where) {
  ColmapCamera out{
      "PINHOLE", static_cast<uint64_t>(c.width), static_cast<uint64_t>(c.height), {c.fx, c.fy, c.cx, c.cy}};
  const auto with = [&](const char* model, std::initializer_list<double> lens) {
    out.model = model;
    out.parameters.insert(out.parameters.end(), lens);
    return out;
  };
  if (c.model == CameraModel::kFisheye) {
    if (c.p1 == 0 && c.p2 == 0 && c.sx1 == 0 && c.sy1 == 0)
      return with("OPENCV_FISHEYE", {c.k1, c.k2, c.k3, c.k4});
    return with("THIN_PRISM_FISHEYE", {c.k1, c.k2, c.p1, c.p2, c.k3, c.k4, c.sx1, c.sy1});
  }
  if (!c.HasDistortion()) return out;
  if (c.k4 != 0) {
    throw InputError("{}: COLMAP has no camera model with a radial term k4 r^8 ({}); write another format",
                     where, c.k4);
  }
  if (c.k3 != 0) return with("FULL_OPENCV", {c.k1, c.k2, c.p1, c.p2, c.k3, 0, 0, 0});
  return with("OPENCV", {c.k1, c.k2, c.p1, c.p2});
}

}  // namespace semfield
