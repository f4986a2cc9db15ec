#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/objects/selection.h"

namespace semfield {

// The selections of a run, by name, with everything that was done to them: undo and redo have no end. One
// file a state of a selection, and selections.json, which says what was done and how much of it counts; it is
// replaced as a whole, last. The folder's writer holds the run's lock.
class SelectionStore {
 public:
  // folder: made with the first selection. surface: names the surface that cells are numbered on (the field's
  // checksum and the number of cells). A damaged selections.json: Error.
  SelectionStore(std::filesystem::path folder, std::string surface);

  struct Entry {
    std::string name;
    std::string file;  // of its present state, in the folder
  };
  std::vector<Entry> List() const;  // by name
  bool Has(const std::string& name) const;
  // No such selection: InputError that lists those that are there. Of another surface: InputError that says
  // to click anew.
  Selection Load(const std::string& name) const;

  // Each is one step of the history; what was undone is forgotten. `what` says what was done, for people.
  void Put(const std::string& what, const Selection& selection);
  void Remove(const std::string& name);
  // What was undone or done again, for people; nothing left: InputError.
  std::string Undo();
  std::string Redo();

 private:
  struct Step {
    std::string what, name;
    std::string before, after;  // files; empty: there was none, or it is gone
  };
  std::string FileNow(const std::string& name) const;  // empty: none
  void Add(Step step);
  void Save() const;

  const std::filesystem::path folder_;
  const std::string surface_;
  std::vector<Step> steps_;
  size_t done_ = 0;  // steps that count
  int next_file_ = 1;
};

}  // namespace semfield
