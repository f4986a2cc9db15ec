#include "semfield/jobs/edit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/extract.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/mesh.h"
#include "semfield/jobs/render.h"
#include "semfield/jobs/select.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

class EditJobTest : public ToyTeacherTest {
 protected:
  static void SetUpTestSuite() {
    ToyTeacherTest::SetUpTestSuite();
    if (!RuntimeIsThere()) return;
    SelectJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.name = "cup";
    job.view = "3";
    job.click = {"12.5,10.5"};
    RunSelect(job, KnownMethods(), {});
  }
  static EditJobOptions Job(const std::string& name) {
    EditJobOptions job;
    job.run = Path("run");
    job.name = name;
    return job;
  }
  static EditJobResult Run(const EditJobOptions& job) { return RunEdit(job, KnownMethods(), {}); }
  static std::string Message(const EditJobOptions& job) {
    try {
      Run(job);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static void Clear() {
    EditJobOptions job = Job("");
    job.clear = true;
    Run(job);
  }
  static ImageU8 Picture(bool edited) {
    RenderJobOptions job;
    job.run = Path("run");
    job.view = "3";
    job.out = Path("pictures");
    job.edited = edited;
    return ReadImage(RunRender(job, KnownMethods(), {}).files.front());
  }
};

TEST_F(EditJobTest, AThingIsRemovedAndBroughtBack) {
  const std::string checkpoint = FileBytes(Path("run") + "/radiance.safetensors");
  EditJobOptions remove = Job("cup");
  remove.remove = true;
  const EditJobResult removed = Run(remove);
  EXPECT_EQ(removed.done, "cup removed");
  ASSERT_EQ(removed.things.size(), 1u);
  EXPECT_FALSE(removed.things[0].is_there);
  EXPECT_NE(Picture(true).data, Picture(false).data);
  MeshJobOptions mesh;
  mesh.run = Path("run");
  mesh.out = {Path("edited.ply")};
  mesh.edited = true;
  mesh.faces = 0;
  RunMeshJob(mesh, KnownMethods(), {});
  mesh.out = {Path("whole.ply")};
  mesh.edited = false;
  RunMeshJob(mesh, KnownMethods(), {});
  const int whole = ReadPly(Path("whole.ply")).mesh.num_faces(),
            edited = ReadPly(Path("edited.ply")).mesh.num_faces();
  EXPECT_LT(edited, whole);
  EXPECT_GE(edited, whole - 2 * removed.things[0].faces - 100);
  EXPECT_NE(Message(remove).find("'cup' was removed"), std::string::npos);
  EditJobOptions undo = Job("");
  undo.undo = true;
  EXPECT_EQ(Run(undo).undone, 1u);
  EXPECT_EQ(Picture(true).data, Picture(false).data);
  EXPECT_EQ(FileBytes(Path("run") + "/radiance.safetensors"), checkpoint);
}

TEST_F(EditJobTest, ACopyAndAFileStandWhereTheyArePut) {
  EditJobOptions copy = Job("cup 2");
  copy.copy = "cup";
  copy.move = "0.3,0,0";
  copy.scale = 2;
  const EditJobResult copied = Run(copy);
  EXPECT_EQ(copied.things.back().name, "cup 2");
  EXPECT_NE(Message(copy).find("is there already"), std::string::npos);
  ExtractJobOptions extract;
  extract.run = Path("run");
  extract.selection = {"cup", "cup 2"};
  extract.out = {Path("two.glb")};
  extract.edited = true;
  const ExtractJobResult two = RunExtract(extract, KnownMethods(), {});
  ASSERT_EQ(two.things.size(), 2u);
  // Scaled about its base, but for what simplification takes away.
  EXPECT_LT((two.things[1].size - 2 * two.things[0].size).norm(), 0.1 * two.things[1].size.norm());
  EditJobOptions insert = Job("pair");
  insert.insert = Path("two.glb");
  insert.at = "0.5,0.25,0.125";
  const EditJobResult inserted = Run(insert);
  EXPECT_LT((inserted.things.back().base - Vec3(0.5, 0.25, 0.125)).norm(), 1e-4);
  EXPECT_EQ(inserted.edits.size(), 2u);
  Clear();
}

TEST_F(EditJobTest, WhatIsWrongIsSaidAndNothingIsChanged) {
  EditJobOptions job = Job("vase");
  job.remove = true;
  EXPECT_NE(Message(job).find("no selection 'vase'"), std::string::npos);
  job = Job("cup");
  job.recolor = "300,0,0";
  EXPECT_NE(Message(job).find("--recolor 300,0,0: expected red,green,blue"), std::string::npos);
  job = Job("cup");
  EXPECT_NE(Message(job).find("what is to be done with it"), std::string::npos);
  job = Job("lamp");
  std::ofstream(Path("broken.glb")) << "glTF and then nothing of the kind";
  job.insert = Path("broken.glb");
  EXPECT_NE(Message(job).find("broken.glb"), std::string::npos);
  const EditJobResult none = Run(Job(""));
  EXPECT_TRUE(none.edits.empty());
}

}  // namespace
}  // namespace semfield
