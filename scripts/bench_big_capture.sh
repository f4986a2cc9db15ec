#!/usr/bin/env bash
# Measures a large capture: scripts/bench_big_capture.sh [FRAMES [STEPS [CACHE_MIB [FOLDER]]]]
# Writes FRAMES pictures of 1920x1080 (2000; 40 distinct ones under many names), then prints how long it takes to open and in
# how much memory, and the steps per second of a training whose photos rotate through CACHE_MIB (1024) against one
# that has all its photos in memory (as many as fit a quarter of what is free). The machine should be idle.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

frames=${1:-2000}
steps=${2:-8000}
cache=${3:-1024}
folder=${4:-$(mktemp -d)}
bin=build/release/bin/semfield
maker=build/release/tests/semfield_big_capture
[ -x "$bin" ] && [ -x "$maker" ] || { echo "build first: scripts/build.sh" >&2; exit 2; }
[ $# -lt 4 ] && trap 'rm -rf "$folder"' EXIT

# Runs the command, then prints seconds and the peak of its resident memory, which --verbose tells.
measure() {
  local start=$(date +%s%N) peak
  peak=$("$bin" "$@" --verbose 2>&1 >/dev/null | sed -n 's/.*peak memory //p')
  awk "BEGIN {printf \"%.2f s, peak memory %s\", ($(date +%s%N) - $start) / 1e9, \"$peak\"}"
}
# Steps a second over the second half of a run, from its log of metrics.
rate() {
  awk -F'[:,}]' -v half=$((steps / 2)) '
    { for (i = 1; i < NF; ++i) { if ($i ~ /"step"/) step = $(i + 1); if ($i ~ /"seconds"/) seconds = $(i + 1) } }
    step >= half && !first { first = step; from = seconds }
    { last = step; to = seconds }
    END { printf "%.2f\n", (last - first) / (to - from) }' "$1/metrics.jsonl"
}

[ -d "$folder/big" ] || "$maker" "$folder/big" "$frames" 40
free_mib=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
few=$((free_mib / 4 / 6))
[ "$few" -gt "$frames" ] && few=$frames
[ "$few" -gt 300 ] && few=300
[ -d "$folder/few" ] || "$maker" "$folder/few" "$few" 40

echo "open $frames frames: $(measure info "$folder/big")"
train=(train --steps "$steps" --restart)
echo "train, $cache MiB for photos: $(measure "${train[@]}" "$folder/big" --image-cache "$cache" --out "$folder/run_big")"
echo "train, $few photos all in memory: $(measure "${train[@]}" "$folder/few" --out "$folder/run_few")"
rotating=$(rate "$folder/run_big") resident=$(rate "$folder/run_few")
echo "steps/s: rotating $rotating, all in memory $resident, ratio $(awk "BEGIN {printf \"%.2f\", $rotating / $resident}")"
