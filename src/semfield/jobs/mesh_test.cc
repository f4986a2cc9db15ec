#include "semfield/jobs/mesh.h"

#include <gtest/gtest.h>

#include <fstream>

#include "semfield/catalog/methods.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

class MeshJobTest : public TinyCaptureTest {
 protected:
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    Train("run", 150);
  }
  static MeshJobOptions Job(const std::vector<std::string>& out = {}) {
    MeshJobOptions job;
    job.run = Path("run");
    job.out = out;
    return job;
  }
  static std::string Message(const MeshJobOptions& job) {
    try {
      RunMeshJob(job, KnownMethods(), {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(MeshJobTest, TheSurfaceIsWrittenAndKept) {
  MeshJobOptions job = Job({Path("a.glb"), Path("a.ply"), Path("a.obj"), Path("a.stl")});
  job.faces = 2000;
  job.texture = 256;
  const MeshJobResult first = RunMeshJob(job, KnownMethods(), {});
  EXPECT_FALSE(first.kept);
  ASSERT_EQ(first.files.size(), 4u);
  EXPECT_GT(first.faces, 100);
  EXPECT_LE(first.faces, 2000);
  EXPECT_GT(first.fine_faces, first.faces);
  EXPECT_GT(first.area, 1);
  EXPECT_GT(first.from_photos, 0.5);
  EXPECT_EQ(first.texture, 256);
  EXPECT_GT(first.charts, 0);
  EXPECT_GT(first.texels_from_photos, 0.5);
  EXPECT_LE(first.from_photos + first.from_field, 1);
  const Mesh mesh = ReadPly(Path("a.ply")).mesh;
  EXPECT_TRUE(DefectsOf(mesh).None());
  EXPECT_EQ(mesh.num_faces(), first.faces);
  for (const MeshJobResult::File& file : first.files)
    EXPECT_EQ(file.bytes, static_cast<int64_t>(std::filesystem::file_size(file.path)));
  // The second time it is there, and other files of it are the same.
  const std::string ply = FileBytes(Path("a.ply"));
  const MeshJobResult second = RunMeshJob(job, KnownMethods(), {});
  EXPECT_TRUE(second.kept);
  EXPECT_EQ(FileBytes(Path("a.ply")), ply);
  EXPECT_EQ(RunMeshJob(Job(), KnownMethods(), {}).files[0].path, Path("run") + "/mesh/mesh.glb");
  // What is damaged is made again.
  std::ofstream(Path("run") + "/mesh/surface.safetensors") << "no tensors";
  EXPECT_FALSE(RunMeshJob(job, KnownMethods(), {}).kept);
  EXPECT_EQ(FileBytes(Path("a.ply")), ply);
  EXPECT_NE(TakeLog().find("not used"), std::string::npos);
  // Other options make another mesh.
  job.voxel = 1.5 * first.voxel;
  const MeshJobResult coarse = RunMeshJob(job, KnownMethods(), {});
  EXPECT_FALSE(coarse.kept);
  EXPECT_NEAR(coarse.voxel, job.voxel, 1e-6);
}

TEST_F(MeshJobTest, IsScoredAgainstATrueMesh) {
  EvaluateJobOptions job;
  job.run = Path("run");
  job.protocol = "surface";
  std::filesystem::remove_all(Path("run") + "/mesh");
  const auto message = [&] {
    try {
      RunEvaluate(job, KnownMethods(), {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message().find("no true mesh"), std::string::npos);
  RunMeshJob(Job({Path("true.ply")}), KnownMethods(), {});
  OptionList list;
  job.Describe(list);
  SetOptionFromText(*list.Find("true-mesh"), Path("true.ply"), "test");
  SetOptionFromText(*list.Find("samples"), "20000", "test");
  SetOptionFromText(*list.Find("mesh-texture"), "128", "test");
  // Against itself, where views see it.
  const Json metrics = RunEvaluate(job, KnownMethods(), {}).protocols.front().metrics;
  EXPECT_GT(metrics["f_10"].get<double>(), 0.95);
  EXPECT_GT(metrics["psnr_mesh"].get<double>(), 5);
  EXPECT_GT(metrics["psnr_field"].get<double>(), 5);
  EXPECT_LT(metrics["holes"].get<double>(), 1);
  SetOptionFromText(*list.Find("things"), "true", "test");
  EXPECT_NE(message().find("no instances"), std::string::npos);
  std::filesystem::remove_all(Path("run") + "/mesh");
  EXPECT_NE(message().find("semfield mesh"), std::string::npos);
}

TEST_F(MeshJobTest, WrongUseIsSaid) {
  EXPECT_NE(Message(Job({Path("a.fbx")})).find("ends in .glb"), std::string::npos);
  MeshJobOptions up = Job();
  up.up = "left";
  EXPECT_NE(Message(up).find("expected auto"), std::string::npos);
  MeshJobOptions nowhere = Job();
  nowhere.run = Path("nowhere");
  EXPECT_NE(Message(nowhere).find("semfield train"), std::string::npos);
}

TEST_F(MeshJobTest, StoppedWhileItRendersItGoesOnFromThere) {
  std::filesystem::remove_all(Path("run") + "/mesh");
  std::filesystem::remove_all(Path("run") + "/selections");
  StopToken stop;
  int rendered = 0;
  const auto count = [&](const Progress& progress) { rendered += progress.stage == "surface"; };
  const auto until_three = [&](const Progress& progress) {
    count(progress);
    if (rendered == 3) stop.RequestStop();
  };
  EXPECT_THROW(RunMeshJob(Job(), KnownMethods(), {.progress = until_three, .stop = &stop}), Error);
  EXPECT_EQ(rendered, 3);
  RunMeshJob(Job({Path("resumed.ply")}), KnownMethods(), {.progress = count});
  EXPECT_EQ(rendered, 7);  // of nine views two are held out
  // The same as without a stop.
  std::filesystem::remove_all(Path("run") + "/mesh");
  std::filesystem::remove_all(Path("run") + "/selections");
  RunMeshJob(Job({Path("at_once.ply")}), KnownMethods(), {});
  EXPECT_EQ(FileBytes(Path("resumed.ply")), FileBytes(Path("at_once.ply")));
}

TEST_F(MeshJobTest, StoppedItLeavesNothingHalfDone) {
  std::filesystem::remove_all(Path("run") + "/mesh");
  StopToken stop;
  stop.RequestStop();
  EXPECT_THROW(RunMeshJob(Job({Path("stopped.glb")}), KnownMethods(), {.progress = {}, .stop = &stop}),
               Error);
  EXPECT_FALSE(std::filesystem::exists(Path("stopped.glb")));
  EXPECT_FALSE(std::filesystem::exists(Path("run") + "/mesh/surface.safetensors"));
}

}  // namespace
}  // namespace semfield
