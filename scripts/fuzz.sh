#!/usr/bin/env bash
# Builds the fuzz targets with clang's libFuzzer, address and undefined-behaviour sanitizers, and runs each of them.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]      default: 600 seconds each, all targets of fuzz/CMakeLists.txt
#
# SEMFIELD_FUZZ_JOBS=N runs N targets at once (default 1). New inputs are kept in build/fuzz/corpus/<target> and used
# again the next time; the seeds in fuzz/corpus stay as they are. A finding stops its target: the input lies in
# build/fuzz/findings/<target>-*, the log in build/fuzz/logs/<target>.log.
# Needs the Debian packages clang-14 and libclang-rt-14-dev; llvm-14 makes stack traces readable.
# Exit code: 0 no finding, 1 findings, 2 wrong use, 3 clang is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-600}
shift || true
case "$seconds" in
  '' | *[!0-9]*)
    echo "fuzz: expected a whole number of seconds, got '$seconds'" >&2
    exit 2
    ;;
esac
if ! command -v clang++-14 >/dev/null; then
  echo "fuzz: clang++-14 is missing: apt-get install clang-14 libclang-rt-14-dev llvm-14" >&2
  exit 3
fi
all=$(sed -n 's/^semfield_fuzz(\([a-z0-9_]*\).*/\1/p' fuzz/CMakeLists.txt)
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets <<<"$all"
for target in "${targets[@]}"; do
  if ! grep -qx "$target" <<<"$all"; then
    echo "fuzz: unknown target '$target'; known:" $all >&2
    exit 2
  fi
done

scripts/build.sh fuzz "${targets[@]/#/fuzz_}"
out=$PWD/build/fuzz
mkdir -p "$out/findings" "$out/logs"
# Targets write their input to files: memory is kinder to that than a disk.
[ -d /dev/shm ] && [ -w /dev/shm ] && export TMPDIR=${TMPDIR:-/dev/shm}
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=0:detect_stack_use_after_return=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

run_one() {
  local target=$1 dictionary
  mkdir -p "$out/corpus/$target"
  dictionary=$(sed -n "s/^semfield_fuzz($target .*DICTIONARY \([a-z0-9_.]*\).*/\1/p" fuzz/CMakeLists.txt)
  local options=(-max_total_time="$seconds" -rss_limit_mb=1024 -malloc_limit_mb=512 -timeout=20 -max_len=65536
    -print_final_stats=1 -artifact_prefix="$out/findings/$target-")
  [ -n "$dictionary" ] && options+=(-dict="fuzz/dictionaries/$dictionary")
  "$out/fuzz/fuzz_$target" "${options[@]}" "$out/corpus/$target" "fuzz/corpus/$target" \
    >"$out/logs/$target.log" 2>&1
}

status=0
pids=()
names=()
finish_first() {
  local runs
  if wait "${pids[0]}"; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/logs/${names[0]}.log")
    echo "fuzz: ${names[0]}: $seconds s, $runs inputs, no finding"
  else
    echo "fuzz: ${names[0]}: FINDING, see build/fuzz/logs/${names[0]}.log" >&2
    status=1
  fi
  pids=("${pids[@]:1}")
  names=("${names[@]:1}")
}
for target in "${targets[@]}"; do
  [ "${#pids[@]}" -lt "${SEMFIELD_FUZZ_JOBS:-1}" ] || finish_first
  run_one "$target" &
  pids+=($!)
  names+=("$target")
done
while [ "${#pids[@]}" -gt 0 ]; do finish_first; done
exit "$status"
