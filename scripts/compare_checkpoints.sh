#!/usr/bin/env bash
# Shows whether two builds make the same checkpoints of the bundled room: trains and imitates with each and compares
# the bytes of every tensor file.
#
#   scripts/compare_checkpoints.sh BEFORE AFTER [-- TRAIN_OPTION...]     two semfield commands
#
# 300 training steps, then 60 imitation steps on a few views of the teacher; both deterministic. What follows '--' goes to
# both trainings. Exit code: 0 all bytes are equal, 1 some differ, 2 wrong use.
set -euo pipefail
if [ $# -lt 2 ] || { [ $# -gt 2 ] && [ "$3" != -- ]; }; then
  echo "compare_checkpoints: expected two commands: scripts/compare_checkpoints.sh BEFORE AFTER [-- TRAIN_OPTION...]" >&2
  exit 2
fi
before=$(realpath "$1")
after=$(realpath "$2")
shift 2
[ $# -gt 0 ] && shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for build in before after; do
  command=${!build}
  "$command" train examples/captures/room --out "$folder/$build" --steps 300 --deterministic "$@" >/dev/null 2>&1
  # Clicks are no part of a checkpoint, and preparing them on a field that is still fog takes minutes.
  unprepared=()
  if "$command" imitate --help | grep -q -e --no-prepare-clicks; then unprepared=(--no-prepare-clicks); fi
  "$command" imitate "$folder/$build" "${unprepared[@]}" --steps 60 --cache-size 6 --prefill 6 --fresh-probability 0.05 --deterministic >/dev/null 2>&1 || {
    echo "compare_checkpoints: $command imitate failed; are the teacher's weights set up (scripts/setup.sh)?" >&2
    exit 2
  }
done

status=0
for file in radiance.safetensors features-sam.safetensors; do
  # The header names the version and the times of the run; the tensors follow it.
  digests=()
  for build in before after; do
    size=$(od -An -tu8 -N8 "$folder/$build/$file" | tr -d ' ')
    digests+=("$(tail -c +$((size + 9)) "$folder/$build/$file" | sha256sum | cut -c1-16)")
  done
  if [ "${digests[0]}" = "${digests[1]}" ]; then
    echo "$file: equal (${digests[0]})"
  else
    echo "$file: ${digests[0]} before, ${digests[1]} after"
    status=1
  fi
done
exit "$status"
