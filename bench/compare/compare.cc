#include "bench/compare/compare.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/error.h"

namespace semfield::bench {
namespace {

const Json& Get(const Json& json, const std::string& key, const std::string& file) {
  if (!json.is_object() || !json.contains(key))
    throw InputError("{}: {}: missing; are these benchmark results?", file, key);
  return json.at(key);
}

double PositiveNumber(const Json& json, const std::string& key, const std::string& file) {
  const Json& value = Get(json, key, file);
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0) {
    throw InputError("{}: results: {}: expected a number above 0, got {}", file, key, value.dump());
  }
  return value.get<double>();
}

std::map<std::string, double> Ratios(const Json& json, const std::string& file) {
  const Json& results = Get(json, "results", file);
  if (!results.is_array())
    throw InputError("{}: results: expected a list, got {}", file, results.type_name());
  std::map<std::string, double> ratios;
  for (const Json& result : results) {
    const Json &name = Get(result, "name", file), &reference = Get(result, "reference", file);
    if (!name.is_string() || !reference.is_string()) {
      throw InputError("{}: results: name, reference: expected texts, got {}", file, result.dump());
    }
    const double ratio =
        PositiveNumber(result, "reference_ms", file) / PositiveNumber(result, "ours_ms", file);
    if (!ratios.emplace(name.get<std::string>() + " / " + reference.get<std::string>(), ratio).second) {
      throw InputError("{}: results: '{}' is there twice", file, name.get<std::string>());
    }
  }
  return ratios;
}

}  // namespace

bool Comparison::Regressed() const {
  return std::any_of(lines.begin(), lines.end(), [](const ComparedLine& line) {
    return line.verdict == Verdict::kWorse || line.verdict == Verdict::kMissing;
  });
}

Comparison Compare(const Json& before, const std::string& before_file, const Json& after,
                   const std::string& after_file, double noise) {
  if (!(noise >= 0 && noise < 1))
    throw InputError("noise: expected a share from 0 to less than 1, got {}", noise);
  for (const char* key : {"program", "threads", "instructions"}) {
    const Json &a = Get(before, key, before_file), &b = Get(after, key, after_file);
    if (a != b) {
      throw InputError("{} and {}: {}: {} and {} cannot be compared", before_file, after_file, key, a.dump(),
                       b.dump());
    }
  }
  const std::map<std::string, double> old_ratios = Ratios(before, before_file),
                                      new_ratios = Ratios(after, after_file);
  std::map<std::string, ComparedLine> lines;
  for (const auto& [name, ratio] : old_ratios) lines[name].before = ratio;
  for (const auto& [name, ratio] : new_ratios) lines[name].after = ratio;
  Comparison comparison;
  for (auto& [name, line] : lines) {
    line.name = name;
    if (line.after == 0) {
      line.verdict = Verdict::kMissing;
    } else if (line.before == 0) {
      line.verdict = Verdict::kNew;
    } else if (line.after < line.before * (1 - noise)) {
      line.verdict = Verdict::kWorse;
    } else if (line.after * (1 - noise) > line.before) {
      line.verdict = Verdict::kBetter;
    }
    comparison.lines.push_back(line);
  }
  return comparison;
}

}  // namespace semfield::bench
