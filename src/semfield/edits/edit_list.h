#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/geometry/types.h"

namespace semfield {

// One change of a scene. Things are called by name: a selection of the run, or what an earlier edit made.
struct Edit {
  enum class Kind {
    kRemove,
    kRecolor,    // color
    kRetexture,  // file, tile
    kPlace,      // move, turn, scale
    kCopy,       // from, and the place of the copy
    kInsert,     // file, and the place of what it holds
    kClear,      // what was done before does not count
  };
  Kind kind = Kind::kRemove;
  std::string thing;  // what is changed or made; empty: kClear
  std::string from;   // kCopy: whose copy it is. kInsert: where the file came from, for people
  std::array<uint8_t, 3> color = {};
  std::string file;  // in the run's folder edits/
  double tile = 0;   // the picture's width on the thing, in the capture's units; 0: the thing's longest side
  // The thing is scaled and turned about the middle of its base, then moved; counter-clockwise as seen from
  // above, in the capture's units and axes.
  Vec3 move = Vec3::Zero();
  double turn = 0;  // degrees
  double scale = 1;
  Vec3 up = Vec3::UnitZ();  // unit: what is above, in the capture's axes
  std::string field;        // checksum of the radiance field that it was made on

  // "recolor sofa 200,30,30", for people.
  std::string Text() const;
};

// The edits of a run in edits.json, in the order in which they were made; undo and redo have no end. The file
// is replaced as a whole. The run's writer holds its lock.
class EditList {
 public:
  // path: of edits.json, made with the first edit. Damaged: InputError naming it.
  explicit EditList(std::filesystem::path path);

  // Those that count: done, and after the last kClear.
  std::vector<Edit> Now() const;
  size_t num_undone() const { return edits_.size() - done_; }
  // What was undone before is forgotten.
  void Add(const Edit& edit);
  // What was undone or done again; nothing left: InputError.
  std::string Undo();
  std::string Redo();

 private:
  void Save() const;

  const std::filesystem::path path_;
  std::vector<Edit> edits_;
  size_t done_ = 0;
};

// A thing that edits change or made, with all that was done to it.
struct EditedThing {
  std::string name;
  std::string selection;      // of which it is, or is a copy; empty: of a file
  std::string file;           // in edits/; empty: of a selection
  bool is_copy = false;       // the selection itself is another one
  bool is_there = true;       // false: it was removed
  std::vector<Edit> placed;   // in order
  std::vector<Edit> painted;  // the last counts
  std::string field;          // of the last edit

  bool StandsAsFound() const { return is_there && !is_copy && file.empty() && placed.empty(); }
};
// Edits that follow each other, as things in the order in which they were first named. What none made is a
// selection of that name. An edit of a thing that was removed, or a new thing with a name that is taken:
// InputError naming the edit.
std::vector<EditedThing> ThingsOf(const std::vector<Edit>& edits);

}  // namespace semfield
