#include "semfield/jobs/extract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "semfield/catalog/methods.h"
#include "semfield/image/codecs.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/select.h"
#include "semfield/surface/mesh_closing.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {
namespace {

class ExtractJobTest : public ToyTeacherTest {
 protected:
  static void SetUpTestSuite() {
    ToyTeacherTest::SetUpTestSuite();
    if (!RuntimeIsThere()) return;
    Click("cup", "3", "12.5,10.5");
    Click("pot", "5", "20.5,14.5");
  }
  static void Click(const std::string& name, const std::string& view, const std::string& at) {
    SelectJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.name = name;
    job.view = view;
    job.click = {at};
    RunSelect(job, KnownMethods(), {});
  }
  static ExtractJobOptions Job(const std::vector<std::string>& selection,
                               const std::vector<std::string>& out) {
    ExtractJobOptions job;
    job.run = Path("run");
    job.selection = selection;
    job.out = out;
    return job;
  }
  static ExtractJobResult Run(const ExtractJobOptions& job) { return RunExtract(job, KnownMethods(), {}); }
  static std::string Message(const ExtractJobOptions& job) {
    try {
      Run(job);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(ExtractJobTest, AThingIsAMeshOfItsOwn) {
  const ExtractJobResult result = Run(Job({"cup"}, {Path("cup.glb"), Path("cup.ply")}));
  ASSERT_EQ(result.things.size(), 1u);
  const Mesh mesh = ReadPly(Path("cup.ply")).mesh;
  EXPECT_TRUE(DefectsOf(mesh).None());
  EXPECT_EQ(mesh.num_faces(), result.things[0].faces);
  EXPECT_GT(mesh.num_faces(), 0);
  const Box3 box = BoundsOf(mesh);
  EXPECT_LT((box.Extent() - result.things[0].size).norm(), 1e-5);
  // Its pivot is the middle of its base; the synthetic room has z up.
  EXPECT_LT((Vec3(box.Center().x(), box.Center().y(), box.min.z()) - result.things[0].pivot).norm(), 1e-5);
}

TEST_F(ExtractJobTest, ClosedItHasNoBorderAndAtTheOriginItStandsThere) {
  ExtractJobOptions job = Job({"cup"}, {Path("closed.ply")});
  job.close = job.at_origin = true;
  const ExtractJobResult result = Run(job);
  const Mesh mesh = ReadPly(Path("closed.ply")).mesh;
  EXPECT_TRUE(BorderRings(mesh).empty());
  const Box3 box = BoundsOf(mesh);
  EXPECT_NEAR(box.min.z(), 0, 1e-4);
  EXPECT_NEAR(box.Center().x(), 0, 1e-4);
}

TEST_F(ExtractJobTest, TheWholeSceneHasANodeForEachThing) {
  ExtractJobOptions job = Job({}, {Path("all.obj"), Path("all.ply")});
  job.all = job.rest = true;
  job.faces = 0;
  const ExtractJobResult result = Run(job);
  ASSERT_GE(result.things.size(), 2u);
  EXPECT_EQ(result.things.back().name, "rest");
  const std::string obj = FileBytes(Path("all.obj"));
  int faces = 0;
  for (const ExtractJobResult::Thing& thing : result.things) {
    EXPECT_NE(obj.find("o " + thing.name + "\n"), std::string::npos) << thing.name;
    faces += thing.faces;
  }
  EXPECT_EQ(ReadPly(Path("all.ply")).mesh.num_faces(), faces);
}

TEST_F(ExtractJobTest, PointsAndMasksGoAlong) {
  ExtractJobOptions job = Job({"cup"}, {});
  job.points = Path("points.ply");
  job.masks = Path("masks");
  job.views = "0,3";
  const ExtractJobResult result = Run(job);
  EXPECT_EQ(result.masks, 2);
  EXPECT_EQ(result.files.front(), Path("run") + "/exports/cup.glb");
  EXPECT_GT(ReadPly(Path("points.ply")).mesh.num_vertices(), 100);
  const Json coco = ReadJsonFile(Path("masks") + "/coco.json");
  EXPECT_EQ(coco["images"].size(), 2u);
  ASSERT_GT(coco["annotations"].size(), 0u);
  for (const Json& annotation : coco["annotations"]) {
    int64_t inside = 0, all = 0;
    const Json& counts = annotation["segmentation"]["counts"];
    for (size_t i = 0; i < counts.size(); ++i) {
      all += counts[i].get<int64_t>();
      inside += i % 2 == 1 ? counts[i].get<int64_t>() : 0;
    }
    EXPECT_EQ(all, kTinyWidth * kTinyHeight);
    EXPECT_EQ(inside, annotation["area"].get<int64_t>());
  }
  const ImageU8 mask = ReadImage(Path("masks") + "/cup_images_003.png");
  EXPECT_EQ(mask.width, kTinyWidth);
}

// A true mesh whose instance 7 is the thing and whose instance 9 is all the rest.
TEST_F(ExtractJobTest, AThingIsScoredAgainstTheInstanceThatItFits) {
  ExtractJobOptions job = Job({"cup"}, {Path("whole.ply")});
  job.rest = true;
  job.faces = 0;
  const ExtractJobResult result = Run(job);
  const Mesh mesh = ReadPly(Path("whole.ply")).mesh;
  std::ofstream ply(Path("labelled.ply"));
  ply << "ply\nformat ascii 1.0\nelement vertex " << mesh.num_vertices()
      << "\nproperty float x\nproperty float y\nproperty float z\nelement face " << mesh.num_faces()
      << "\nproperty list uchar int vertex_indices\nproperty ushort instance\nend_header\n";
  for (const Vec3f& v : mesh.vertices) ply << v.x() << " " << v.y() << " " << v.z() << "\n";
  for (int f = 0; f < mesh.num_faces(); ++f) {
    const auto& [a, b, c] = mesh.faces[f];
    ply << "3 " << a << " " << b << " " << c << " " << (f < result.things[0].faces ? 7 : 9) << "\n";
  }
  ply.close();
  EvaluateJobOptions evaluate;
  evaluate.run = Path("run");
  evaluate.protocol = "surface";
  OptionList list;
  evaluate.Describe(list);
  SetOptionFromText(*list.Find("true-mesh"), Path("labelled.ply"), "test");
  SetOptionFromText(*list.Find("samples"), "5000", "test");
  SetOptionFromText(*list.Find("things"), "true", "test");
  const ProtocolResult scored = RunEvaluate(evaluate, KnownMethods(), {}).protocols.front();
  const Json& things = scored.facts["things"];
  const auto cup =
      std::find_if(things.begin(), things.end(), [](const Json& t) { return t["selection"] == "cup"; });
  ASSERT_NE(cup, things.end());
  EXPECT_EQ((*cup)["instance"], 7);
  EXPECT_GT((*cup)["f"].get<double>(), 0.7);
  EXPECT_EQ(scored.metrics["things"], things.size());
}

TEST_F(ExtractJobTest, WrongUseIsSaid) {
  EXPECT_NE(Message(Job({}, {})).find("--selection is missing"), std::string::npos);
  EXPECT_NE(Message(Job({"vase"}, {})).find("no selection 'vase'"), std::string::npos);
  EXPECT_NE(Message(Job({"cup"}, {Path("cup.fbx")})).find("ends in .glb"), std::string::npos);
  ExtractJobOptions points = Job({"cup"}, {});
  points.points = Path("points.txt");
  EXPECT_NE(Message(points).find("ends in .ply"), std::string::npos);
  // Nothing is left of a selection that was erased.
  SelectJobOptions shrink;
  shrink.run = Path("run");
  shrink.teacher = "toy";
  shrink.name = "pot";
  shrink.grow = -100;
  RunSelect(shrink, KnownMethods(), {});
  EXPECT_NE(Message(Job({"pot"}, {Path("pot.glb")})).find("no face"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(Path("pot.glb")));
}

}  // namespace
}  // namespace semfield
