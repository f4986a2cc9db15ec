#pragma once

#include <string>
#include <vector>

// A function of a C++ source, or its declaration.
struct SourceFunction {
  std::string head;  // from the end of what stands before it to its body or ';'
  int line = 0;      // of the head's first word, counted from 1
  int lines = 0;     // from there to the end of the body; 0 for a declaration
  int num_parameters = 0;
};

// The source without comments, preprocessor lines and what literals hold; line breaks stay.
std::string WithoutCommentsAndLiterals(const std::string& source);

// Functions at namespace and class scope, in their order. `code` is what WithoutCommentsAndLiterals gives. A
// reader of this project's style, not of all C++: what it takes for a function may be a constructor call.
std::vector<SourceFunction> FunctionsOf(const std::string& code);
