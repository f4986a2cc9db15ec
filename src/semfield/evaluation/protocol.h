#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/run_mesh.h"

namespace semfield {

// What a protocol must be given beside a run.
struct ProtocolNeeds {
  bool held_out = false;  // views that the run was not trained on
  bool features = false;  // of a teacher
  bool labels = false;    // instance masks in the capture
  bool depth = false;     // depth maps in the capture
  bool classes = false;   // class maps of held-out views in the capture
  bool truth = false;     // another capture of the same photos, taken for true
  bool mesh = false;      // made of the run, and a true one
  bool words = false;     // a field that knows classes: only by its name, not among all
  bool quiet = false;     // a machine that does nothing else: only by its name, not among all
};

struct ProtocolInputs {
  const OpenedRun& run;
  EvaluationScene scene;          // the same run, as metrics look at it
  const RunMesh* mesh = nullptr;  // that the scene is looked at through; nullptr: its volume is
  std::vector<int> views;         // held-out ones to score, into Capture::views
  std::string truth;              // path of that capture
  std::string teacher;            // model card
  std::string onnxruntime;
};

// What a protocol measured. Metrics and definitions are objects with equal keys: one sentence a metric that
// tells how it was aggregated.
struct ProtocolResult {
  std::string protocol;
  Json facts = Json::object();    // what it stood on: teacher, checkpoints, options
  std::vector<std::string> text;  // for people, a line each
  Json metrics = Json::object();
  Json definitions = Json::object();
  Json per_view = Json::array();
  double seconds = 0;
};

// One way to score a run. Stateless.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string name() const = 0;
  virtual std::string sentence() const = 0;  // what is compared with what
  virtual ProtocolNeeds needs() const = 0;
  // Its own options at their defaults; no two protocols have one of the same name.
  virtual AnyOptions NewOptions() const = 0;
  // Everything that needs() asks for is there. Long work reports and can be stopped (InterruptedError).
  virtual ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& options,
                             const JobControl& control) const = 0;
};

// All of them, in the order in which help and reports list them.
const std::vector<std::shared_ptr<const Protocol>>& Protocols();
// Unknown: InputError that lists the known ones, the nearest first.
const Protocol& FindProtocol(const std::string& name);

// Options of a protocol that has none.
struct NoProtocolOptions {
  void Describe(OptionList&) {}
};

}  // namespace semfield
