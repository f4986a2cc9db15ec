// Reads a capture with the library and tells where its cameras stand: consumer CAPTURE
#include <cstdio>
#include <exception>

#include "semfield/capture/reader.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: consumer CAPTURE\n");
    return 2;
  }
  try {
    const semfield::Capture capture = semfield::ReadCapture(argv[1]);
    std::printf("%zu views, %zu of them held out\n", capture.views.size(), capture.held_out.size());
    for (const int index : capture.held_out) {
      const semfield::View& view = capture.views[index];
      const semfield::Vec3 position = view.world_from_camera.translation;
      std::printf("%-24s %8.3f %8.3f %8.3f\n", view.name.c_str(), position.x(), position.y(), position.z());
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "consumer: %s\n", error.what());
    return 2;
  }
}
