#!/usr/bin/env bash
# Lays out every C++ file as .clang-format says: scripts/format.sh
# With --check nothing is written; the files that differ are named and the exit code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check=no
for argument in "$@"; do
  case "$argument" in
    --check) check=yes ;;
    *)
      echo "format: unknown option '$argument'; known: --check" >&2
      exit 2
      ;;
  esac
done
if ! command -v clang-format-14 >/dev/null; then
  echo "format: clang-format-14 is missing; scripts/setup.sh installs it (other versions lay out differently)" >&2
  exit 3
fi

mapfile -t files < <(find src apps bench tests fuzz examples -name '*.h' -o -name '*.cc' -o -name '*.inc' | sort)
if [ "$check" = no ]; then
  clang-format-14 -i "${files[@]}"
  exit 0
fi
differing=()
for file in "${files[@]}"; do
  clang-format-14 "$file" | cmp -s - "$file" || differing+=("$file")
done
if [ "${#differing[@]}" -gt 0 ]; then
  printf 'format: not laid out as .clang-format says: %s\n' "${differing[@]}" >&2
  echo "format: scripts/format.sh mends it" >&2
  exit 1
fi
