#pragma once

#include <map>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/evaluation/report_page.h"
#include "semfield/evaluation/teacher_view.h"

namespace semfield {

// Photo, rendering, depth and difference of one view, at no more than the page's picture size.
ReportRow ViewFigure(const EvaluationScene& scene, int view);

// Figures that need the teacher. Each view is rendered and encoded once, however many figures show it.
class TeacherFigures {
 public:
  // All must outlive this object.
  TeacherFigures(const EvaluationScene& scene, const FeatureModel& features, ImageEncoder& encoder,
                 PromptDecoder& decoder)
      : scene_(scene), features_(features), encoder_(encoder), decoder_(decoder) {}

  // Rendered features beside the teacher's.
  ReportRow Features(int view);
  // Masks of one click (pixels of the original photo): from rendered features, and the teacher's.
  ReportRow Click(int view, const Vec2& click);
  size_t views_seen() const { return seen_.size(); }
  bool Saw(int view) const { return seen_.count(view) > 0; }

 private:
  const TeacherView& See(int view);

  const EvaluationScene& scene_;
  const FeatureModel& features_;
  ImageEncoder& encoder_;
  PromptDecoder& decoder_;
  std::map<int, TeacherView> seen_;
};

}  // namespace semfield
