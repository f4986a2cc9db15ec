// Says whether anything became slower between two results of one benchmark program:
//   bench_compare BEFORE.json AFTER.json [--noise 0.1]
// What is compared is how many times faster than its reference each benchmark is. Exit code: 0 no, 1
// something became slower by more than the noise or is missing, 2 wrong use or input.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/compare/compare.h"
#include "semfield/base/error.h"

int main(int argc, char** argv) {
  using namespace semfield;
  std::string before, after;
  double noise = 0.1;
  CLI::App app("Compares two results of a benchmark program by ratios, never by times");
  app.add_option("before", before, "JSON that the program wrote before")->required();
  app.add_option("after", after, "JSON that it wrote now")->required();
  app.add_option("--noise", noise, "Share by which a ratio may fall");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    const bench::Comparison comparison =
        bench::Compare(ReadJsonFile(before), before, ReadJsonFile(after), after, noise);
    constexpr const char* kWords[] = {"same", "better", "WORSE", "MISSING", "new"};
    for (const bench::ComparedLine& line : comparison.lines) {
      fmt::print("{:<44} {:>8.2f} x {:>8.2f} x   {}\n", line.name, line.before, line.after,
                 kWords[static_cast<int>(line.verdict)]);
    }
    return comparison.Regressed() ? 1 : 0;
  } catch (const Error& error) {
    fmt::print(stderr, "bench_compare: {}\n", error.what());
    return 2;
  }
}
