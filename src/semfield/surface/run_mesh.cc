#include "semfield/surface/run_mesh.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/surface/depth_fusion.h"
#include "semfield/surface/run_surface.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr char kField[] = "radiance", kOptions[] = "options", kVoxel[] = "voxel", kColoring[] = "coloring";

std::filesystem::path PathOf(const OpenedRun& run) {
  return run.folder.mesh_dir() / "surface.safetensors";
}

std::string TextOf(const RunMeshOptions& options) {
  return fmt::format("voxel {} truncation {} crumbs {}", options.voxel, options.truncation, options.crumbs);
}

double CaptureScale(const OpenedRun& run) {
  return run.capture->capture_from_world.topLeftCorner<3, 1>().norm();
}

}  // namespace

RunPhotos::RunPhotos(const OpenedRun& run, const JobControl& control) : depths_(DepthsOfRun(run, control)) {
  for (const DepthView& depth : depths_) {
    const int index = depth.view;
    views_.push_back({.depth = &depth,
                      .camera = run.store->CameraOf(index),
                      .image = [&run, index] { return run.store->Image(index); },
                      .mask = [&run, index] { return run.store->Mask(index); },
                      .exposure = run.exposure.empty() ? ColorMap{} : run.exposure[index]});
  }
}

RunMesh MakeRunMesh(const OpenedRun& run, const RunMeshOptions& options, const JobControl& control) {
  const RunPhotos photos(run, control);
  const std::vector<DepthView>& depths = photos.depths();
  RunMesh made;
  made.voxel = options.voxel > 0 ? options.voxel / CaptureScale(run) : VoxelFor(depths);
  control.Report({.stage = "fuse", .detail = fmt::format("{} views", depths.size())});
  made.mesh = FuseDepths(depths, {.voxel = made.voxel, .truncation = options.truncation}, control);
  made.mesh = WithoutCrumbs(made.mesh, options.crumbs * made.voxel);
  if (made.mesh.faces.empty()) {
    throw InputError(
        "{}: the views of this run see no surface to make a mesh of: train longer, or look at semfield "
        "render "
        "{} --what depth",
        run.folder.path().string(), run.folder.path().string());
  }
  control.ThrowIfStopped();
  made.coloring = ColorVertices(photos.views(), run.Field(), 2 * made.voxel, control, &made.mesh);
  return made;
}

void SaveRunMesh(const OpenedRun& run, const RunMeshOptions& options, const RunMesh& made) {
  const Mesh& mesh = made.mesh;
  const auto rows = [](size_t count) { return std::vector<int64_t>{static_cast<int64_t>(count), 3}; };
  const TensorView tensors[] = {
      MakeTensorView<float>(
          "vertices", rows(mesh.vertices.size()),
          {mesh.vertices.empty() ? nullptr : mesh.vertices[0].data(), 3 * mesh.vertices.size()}),
      MakeTensorView<int32_t>("faces", rows(mesh.faces.size()),
                              {mesh.faces.empty() ? nullptr : mesh.faces[0].data(), 3 * mesh.faces.size()}),
      MakeTensorView<uint8_t>(
          "colors", rows(mesh.colors.size()),
          {mesh.colors.empty() ? nullptr : mesh.colors[0].data(), 3 * mesh.colors.size()})};
  const ColoringResult& c = made.coloring;
  WriteSafetensors(PathOf(run), tensors,
                   {{kField, run.radiance_checksum},
                    {kOptions, TextOf(options)},
                    {kVoxel, fmt::format("{}", made.voxel)},
                    {kColoring, fmt::format("{} {} {}", c.from_photos, c.from_field, c.from_neighbors)}});
}

std::optional<RunMesh> LoadRunMesh(const OpenedRun& run, const RunMeshOptions* options) {
  const std::filesystem::path path = PathOf(run);
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const SafetensorsFile file = SafetensorsFile::Read(path);
    if (file.Metadata(kField) != run.radiance_checksum) return std::nullopt;
    if (options != nullptr && file.Metadata(kOptions) != TextOf(*options)) return std::nullopt;
    RunMesh kept;
    const std::span<const float> vertices = file.Get<float>("vertices", {-1, 3});
    const auto count = static_cast<int64_t>(vertices.size() / 3);
    const std::span<const int32_t> faces = file.Get<int32_t>("faces", {-1, 3});
    const std::span<const uint8_t> colors = file.Get<uint8_t>("colors", {count, 3});
    kept.mesh.vertices.resize(count);
    kept.mesh.faces.resize(faces.size() / 3);
    kept.mesh.colors.resize(count);
    for (int64_t i = 0; i < count; ++i) {
      kept.mesh.vertices[i] = Vec3f(vertices[3 * i], vertices[3 * i + 1], vertices[3 * i + 2]);
      std::copy_n(&colors[3 * i], 3, kept.mesh.colors[i].begin());
    }
    for (size_t i = 0; i < kept.mesh.faces.size(); ++i)
      std::copy_n(&faces[3 * i], 3, kept.mesh.faces[i].begin());
    if (!DefectsOf(kept.mesh).None()) throw InputError("{}: the mesh has defects", path.string());
    kept.voxel = std::stod(file.Metadata(kVoxel));
    ColoringResult& c = kept.coloring;
    std::sscanf(file.Metadata(kColoring).c_str(), "%d %d %d", &c.from_photos, &c.from_field,
                &c.from_neighbors);
    return kept;
  } catch (const Error& error) {
    LogWarning("{}: not used ({})", path.string(), error.what());
    return std::nullopt;
  }
}

RunMesh FindOrMakeRunMesh(const OpenedRun& run, const RunMeshOptions* options, const JobControl& control,
                          bool* kept) {
  std::optional<RunMesh> found = LoadRunMesh(run, options);
  *kept = found.has_value();
  if (found) return *std::move(found);
  const RunMeshOptions chosen = options != nullptr ? *options : RunMeshOptions{};
  RunMesh made = MakeRunMesh(run, chosen, control);
  SaveRunMesh(run, chosen, made);
  return made;
}

RunMesh OpenRunMesh(const OpenedRun& run) {
  std::optional<RunMesh> kept = LoadRunMesh(run, nullptr);
  if (!kept) {
    throw InputError("{}: no mesh of this run's field yet. Run: semfield mesh {}", run.folder.path().string(),
                     run.folder.path().string());
  }
  return *std::move(kept);
}

}  // namespace semfield
