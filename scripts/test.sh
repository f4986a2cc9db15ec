#!/usr/bin/env bash
# Sets up, builds and runs every test; the last lines are ctest's own summary and the exit code is its own.
#
#   scripts/test.sh               the release build and all tests
#   scripts/test.sh --sanitize    the unit tests again, under address + undefined-behaviour and thread sanitizers
#
# Tests that read captures kept outside the repository look in SEMFIELD_SHARED and are skipped without it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sanitize=no
for argument in "$@"; do
  case "$argument" in
    --sanitize) sanitize=yes ;;
    *)
      echo "test: unknown option '$argument'; known: --sanitize" >&2
      exit 2
      ;;
  esac
done

if [ -z "${SEMFIELD_SHARED:-}" ] && [ -d ../shared ]; then
  SEMFIELD_SHARED=$(cd ../shared && pwd)
  export SEMFIELD_SHARED
fi

scripts/setup.sh
if [ "$sanitize" = yes ]; then
  failed=()
  for preset in asan-ubsan tsan; do
    scripts/build.sh "$preset"
    ctest --preset "$preset" --label-exclude "slow|whole-path" --parallel "$(nproc)" || failed+=("$preset")
  done
  if [ "${#failed[@]}" -gt 0 ]; then
    echo "test: there are findings under: ${failed[*]}" >&2
    exit 1
  fi
  exit 0
fi
scripts/build.sh release
exec ctest --preset release --parallel "$(nproc)"
