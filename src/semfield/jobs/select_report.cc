#include <fmt/format.h>

#include "semfield/jobs/select.h"

namespace semfield {

void SelectJobOptions::Describe(OptionList& list) {
  list.Group("Thing");
  list.Text("run", &run, "Run folder.");
  source.Describe(list);
  list.Text("name", &name, "What the thing is called.");
  list.Text("view", &view,
            "Where the prompt is: a view's name, its index, test:3, or a pose file with a camera.");
  list.TextList(
      "click", &click,
      "x,y on the thing, or x,y,- beside it, in pixels of the view's original image; may be repeated.",
      {.metavar = "x,y[,-]"});
  list.TextList("box", &box, "x0,y0,x1,y1 around the thing, in the same pixels; clicks may go with it.",
                {.metavar = "x0,y0,x1,y1"});
  list.Text("paint", &paint,
            "Picture of the view's size that is white where the thing is; with --more what is added to it.");
  list.Text("erase", &erase, "Picture of the view's size that is white where the selection is wrong.");
  list.Flag("more", &more, "The clicks or the paint belong to a selection that is there.");
  list.Text("granularity", &granularity,
            "How much of what was clicked: a part of the object, the object, or a group with it. Alone, the "
            "selection's clicks are answered anew; auto: as before, at first the object.",
            {.choices = {"auto", "part", "object", "group"}});
  list.Flag(
      "refine", &refine,
      "Let the teacher look at the photos after the imitated features have answered; each photo that it "
      "was never asked about takes a second.");
  list.Text("color", &color, "red,green,blue of the thing in pictures, 0 to 255; empty: the next of a list.");
  list.Flag("everything", &everything,
            "All things, without a click: numbered after --name, every point of the surface in one of them.");
  list.Flag("names", &names,
            "Name things by what photos show of them: with --everything all that are found, which are then "
            "called so; alone all selections, or that of --name.");
  list.Text("text", &text,
            "All things that a text means, as one selection: their names compete with those of all others. "
            "Where nothing is selected yet, all things are found first.");
  list.Text("class", &class_name, "The same by one of the names that things can have, such as chair.");
  list.TextList("what-is", &what_is, "x,y of the view: says the best names of what lies there.",
                {.metavar = "x,y"});
  list.Int("everything-views", &everything_views,
           "Views that --everything looks at; more find more, and take longer.", {.min = 1, .max = 1000});
  list.Group("Changes");
  list.TextList("unite", &unite, "Adds what these selections have.", {.metavar = "NAME"});
  list.TextList("intersect", &intersect, "Keeps what these selections have too.", {.metavar = "NAME"});
  list.TextList("subtract", &subtract, "Takes away what these selections have.", {.metavar = "NAME"});
  list.Int("grow", &grow, "Adds so many layers of surface cells at its border; negative takes away.",
           {.min = -100, .max = 100});
  list.Flag("largest-part", &largest_part, "Keeps the part that hangs together and is largest.");
  list.Flag("remove", &remove, "Removes the selection.");
  list.Flag("undo", &undo, "Takes back the last step.");
  list.Flag("redo", &redo, "Does again what was taken back.");
  list.Group("Answer");
  list.Text("views", &views, "Masks of these views: all, train, test, or names separated by commas.");
  list.Text("out", &out, "Folder for the masks; empty: masks/ in the run.");
  list.Group("Teacher");
  list.Text("teacher", &teacher, "Whose features and decoder.");
  list.Text("words-model", &words_model, "Who names things: a model of kind dense.");
  list.Text("text-model", &text_model, "Who understands texts: a model of kind text.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
}

std::vector<std::string> SelectJobResult::Text() const {
  std::vector<std::string> text;
  for (const Stage& stage : stages) {
    text.push_back(
        fmt::format("{} after {:.1f} s: {} cells, the views agree to {:.2f}, {} decoder calls",
                    stage.answered_by == "photos" ? "the teacher on the photos" : "imitated features",
                    stage.seconds, stage.cells, stage.agreement, stage.decoder_calls));
  }
  if (words) {
    for (const std::string& line : words->Text()) text.push_back(line);
  }
  if (!what_is.empty()) text.push_back("it is: " + NamesText(what_is));
  if (!done.empty()) text.push_back(done);
  for (const Thing& thing : things) {
    text.push_back(fmt::format("{}: {:.3f} x {:.3f} x {:.3f} around {:.3f}, {:.3f}, {:.3f}{}", thing.name,
                               thing.size.x(), thing.size.y(), thing.size.z(), thing.center.x(),
                               thing.center.y(), thing.center.z(),
                               thing.names.empty() ? "" : "; " + NamesText(thing.names)));
  }
  if (things.empty()) text.push_back("no selections");
  for (const View& view : views)
    text.push_back(
        fmt::format("{} in {}: {}{}", view.thing, view.name, view.mask, view.hidden ? "  hidden" : ""));
  for (const std::string& sheet : sheets) text.push_back("all in one picture: " + sheet);
  return text;
}

Json SelectJobResult::ToJson() const {
  Json json = {{"run", run},
               {"done", done},
               {"things", Json::array()},
               {"stages", Json::array()},
               {"views", Json::array()}};
  const auto vector = [](const Vec3& v) { return Json({v.x(), v.y(), v.z()}); };
  for (const Thing& thing : things) {
    json["things"].push_back({{"name", thing.name},
                              {"color", thing.color},
                              {"answered_by", thing.answered_by},
                              {"granularity", thing.granularity},
                              {"cells", thing.cells},
                              {"center", vector(thing.center)},
                              {"size", vector(thing.size)},
                              {"clicks", thing.clicks},
                              {"text", thing.text},
                              {"names", NamesJson(thing.names)},
                              {"named_by_views", thing.named_by_views}});
  }
  if (words) json["words"] = words->ToJson();
  if (!what_is.empty()) json["what_is"] = NamesJson(what_is);
  for (const Stage& stage : stages) {
    json["stages"].push_back({{"answered_by", stage.answered_by},
                              {"seconds", stage.seconds},
                              {"agreement", stage.agreement},
                              {"decoder_calls", stage.decoder_calls},
                              {"cells", stage.cells},
                              {"granularity", stage.granularity},
                              {"milliseconds", Json(stage.milliseconds)}});
  }
  for (const View& view : views) {
    json["views"].push_back({{"thing", view.thing},
                             {"view", view.name},
                             {"mask", view.mask},
                             {"overlay", view.overlay},
                             {"area", view.area},
                             {"hidden", view.hidden}});
  }
  return json;
}

}  // namespace semfield
