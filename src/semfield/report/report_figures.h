#pragma once

#include <map>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/evaluation/san_protocol.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/report/report_page.h"

namespace semfield {

// Photo, rendering, depth and difference of one view, at no more than the page's picture size.
// Asked to stop: InterruptedError.
ReportRow ViewFigure(const EvaluationScene& scene, int view, const StopToken* stop = nullptr);

// Figures that need the teacher. Each view is rendered and encoded once, however many figures show it.
class TeacherFigures {
 public:
  // All but the options must outlive this object. The options are those of the numbers beside the figures.
  // Asked to stop: InterruptedError.
  TeacherFigures(const EvaluationScene& scene, const FeatureField& features, ImageEncoder& encoder,
                 PromptDecoder& decoder, const SanOptions& options, const StopToken* stop = nullptr)
      : scene_(scene),
        features_(features),
        encoder_(encoder),
        decoder_(decoder),
        options_(options),
        stop_(stop) {}

  // Rendered features beside the teacher's.
  ReportRow Features(int view);
  // Masks of one click (pixels of the original photo): from rendered features, and the teacher's.
  ReportRow Click(int view, const Vec2& click);
  size_t views_seen() const { return seen_.size(); }

 private:
  const TeacherView& See(int view);

  const EvaluationScene& scene_;
  const FeatureField& features_;
  ImageEncoder& encoder_;
  PromptDecoder& decoder_;
  SanOptions options_;
  const StopToken* stop_;
  std::map<int, TeacherView> seen_;
};

}  // namespace semfield
