#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh [PRESET [TARGET...]]; the default is 'release', everything.
# Jobs: as many as there are cores, but no more than memory allows at 1.5 GiB each. SEMFIELD_JOBS=N overrides.
# SEMFIELD_WARNINGS_AS_ERRORS=ON fails where the compiler warns.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-release}
shift || true

memory_kib=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
limit_file=/sys/fs/cgroup/memory.max
if [ -r "$limit_file" ] && [ "$(cat "$limit_file")" != max ]; then
  limit_kib=$(($(cat "$limit_file") / 1024))
  [ "$limit_kib" -lt "$memory_kib" ] && memory_kib=$limit_kib
fi
jobs=$((memory_kib / 1572864))
[ "$jobs" -gt "$(nproc)" ] && jobs=$(nproc)
[ "$jobs" -lt 1 ] && jobs=1
jobs=${SEMFIELD_JOBS:-$jobs}

configure=(cmake --preset "$preset")
if [ -n "${SEMFIELD_WARNINGS_AS_ERRORS:-}" ]; then
  configure+=(-DSEMFIELD_WARNINGS_AS_ERRORS="$SEMFIELD_WARNINGS_AS_ERRORS")
fi
if command -v ccache >/dev/null; then
  configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
echo "build: preset $preset, $jobs job(s)"
"${configure[@]}"
targets=()
[ $# -gt 0 ] && targets=(--target "$@")
cmake --build --preset "$preset" --parallel "$jobs" "${targets[@]}"
