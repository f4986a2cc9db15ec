#!/usr/bin/env bash
# Line coverage of the unit tests, by room: builds the preset 'coverage', runs the tests and prints a table.
#
#   scripts/coverage.sh [--all]     --all: the whole-path tests as well, which take long without optimisation
#
# Written besides: build/coverage/coverage.json, and build/coverage/html/index.html with every line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

exclude=(--label-exclude "slow|whole-path")
for argument in "$@"; do
  case "$argument" in
    --all) exclude=() ;;
    *)
      echo "coverage: unknown option '$argument'; known: --all" >&2
      exit 2
      ;;
  esac
done

if ! command -v gcovr >/dev/null; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "coverage: not root and no sudo here. Ask for this Debian package, then run this again: gcovr" >&2
      exit 3
    fi
    as_root=(sudo)
  fi
  if ! { "${as_root[@]}" apt-get -q update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends gcovr; }; then
    echo "coverage: apt-get could not install gcovr. Is the network up?" >&2
    exit 3
  fi
fi

scripts/setup.sh
scripts/build.sh coverage
folder=build/coverage
find "$folder" -name '*.gcda' -delete # counts of an earlier run
status=0
ctest --preset coverage "${exclude[@]}" --parallel "$(nproc)" || status=$?

# Counts are not atomic, so threads may lose some and one may seem negative; whether a line ran stays right.
mkdir -p "$folder/html"
gcovr --root . --object-directory "$folder" -j "$(nproc)" --gcov-ignore-parse-errors --json "$folder/coverage.json" \
  --filter 'src/semfield/' --filter 'apps/' --exclude '.*_(test|bench|reference)\.cc' --exclude '.*test_support.*' \
  "$folder"
gcovr --root . --add-tracefile "$folder/coverage.json" --html-details "$folder/html/index.html"
python3 - "$folder/coverage.json" <<'PYTHON'
import collections, json, sys

lines, run = collections.Counter(), collections.Counter()
for file in json.load(open(sys.argv[1]))["files"]:
    parts = file["file"].split("/")
    room = "/".join(parts[2:4] if parts[2] == "methods" else parts[2:3]) if parts[0] == "src" else "/".join(parts[:2])
    counted = {}
    for line in file["lines"]:
        if not line.get("gcovr/noncode"):
            number = line["line_number"]
            counted[number] = max(counted.get(number, 0), line["count"])
    lines[room] += len(counted)
    run[room] += sum(count != 0 for count in counted.values())
print(f"{'room':24} {'lines':>7} {'run':>7} {'share':>7}")
for room in sorted(lines):
    print(f"{room:24} {lines[room]:7} {run[room]:7} {100 * run[room] / max(1, lines[room]):6.1f}%")
total, covered = sum(lines.values()), sum(run.values())
print(f"{'all':24} {total:7} {covered:7} {100 * covered / max(1, total):6.1f}%")
PYTHON
echo "coverage: $folder/html/index.html shows every line"
exit "$status"
