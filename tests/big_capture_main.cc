// semfield_big_capture FOLDER FRAMES [PICTURES [WIDTH HEIGHT]]: writes a large capture (big_capture.h).
#include <cstdio>
#include <exception>
#include <string>

#include "big_capture.h"

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4 && argc != 6) {
    std::fprintf(stderr, "usage: semfield_big_capture FOLDER FRAMES [PICTURES [WIDTH HEIGHT]]\n");
    return 2;
  }
  try {
    semfield::BigCaptureOptions options;
    options.frames = std::stoi(argv[2]);
    if (argc > 3) options.pictures = std::stoi(argv[3]);
    if (argc > 5) {
      options.width = std::stoi(argv[4]);
      options.height = std::stoi(argv[5]);
    }
    semfield::WriteBigCapture(options, argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "semfield_big_capture: %s\n", error.what());
    return 1;
  }
  return 0;
}
