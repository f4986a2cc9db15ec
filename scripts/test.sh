#!/usr/bin/env bash
# Sets up, checks the layout of the sources, builds without a warning and runs every test; the last lines are ctest's own summary and the exit code is its own.
#
#   scripts/test.sh               the release build and all tests
#   scripts/test.sh --sanitize    all unit tests under the address and undefined-behaviour sanitizers, and those of what
#                                 runs in several threads under the thread sanitizer
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
scripts/format.sh --check
if [ "$sanitize" = yes ]; then
  failed=()
  scripts/build.sh asan-ubsan
  ctest --preset asan-ubsan --label-exclude "slow|whole-path" --parallel "$(nproc)" || failed+=(asan-ubsan)

  # Kernels, parallel loops, caches, streams and the trainings and jobs that use them; each test has one target.
  threaded='^(base/(parallel|log)_test|ops/.*_test|capture/(image_store|ray_batch)_test|methods/.*_test'
  threaded+='|jobs/(teacher_cache|train|imitate)_test)$'
  scripts/build.sh tsan semfield_base
  mapfile -t targets < <(ctest --preset tsan --show-only --tests-regex "$threaded" |
    sed -n 's/^ *Test *#[0-9]*: //p' | sed 's,/,_,g; s/^/test_/')
  scripts/build.sh tsan "${targets[@]}"
  ctest --preset tsan --tests-regex "$threaded" --parallel "$(nproc)" || failed+=(tsan)
  if [ "${#failed[@]}" -gt 0 ]; then
    echo "test: there are findings under: ${failed[*]}" >&2
    exit 1
  fi
  exit 0
fi
SEMFIELD_WARNINGS_AS_ERRORS=ON scripts/build.sh release
exec ctest --preset release --parallel "$(nproc)"
