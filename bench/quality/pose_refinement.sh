#!/usr/bin/env bash
# What `train --refine-poses` gains: trains captures with and without it and prints held-out PSNR, at the given poses and
# with poses fitted on the left halves. Synthetic captures whose poses are off by a known turn, whose found poses are
# compared with the true ones, come first.
#
#   bench/quality/pose_refinement.sh OUT [NAME=CAPTURE[:DOWNSCALE]]...     e.g. fox=data/fox:4 tabletop=data/tabletop
#
# STEPS (default 4000), DEGREES (0.5), SHIFT (0), SYNTH (more options of synth, "--views 48") and TRAIN (of train) change
# what is run. OUT keeps the runs and captures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
semfield=${SEMFIELD:-build/release/bin/semfield}
out=${1:?name a folder for the runs}
shift
steps=${STEPS:-4000} degrees=${DEGREES:-0.5} shift_units=${SHIFT:-0}
read -ra synth <<<"${SYNTH:---views 48}"
read -ra train <<<"${TRAIN:-}"
mkdir -p "$out"

# row NAME CAPTURE DOWNSCALE LABEL [train options...]
row() {
  local name=$1 capture=$2 downscale=$3 label=$4
  shift 4
  local run=$out/run-$name-$label
  "$semfield" train "$capture" --out "$run" --downscale "$downscale" --steps "$steps" --restart "${train[@]}" "$@" 2>"$run.log" |
    sed -n "1s/^/  /p"
  "$semfield" evaluate "$run" --fit-left-half pose 2>>"$run.log" | sed "s/^/    /"
}

echo "synthetic (${synth[*]}), poses off by $degrees degrees and $shift_units units, $steps steps"
for error in 0 "$degrees"; do
  capture=$out/synthetic-$error
  shift_now=$shift_units
  [ "$error" = 0 ] && shift_now=0
  [ -e "$capture/labels.json" ] ||
    "$semfield" synth --out "$capture" "${synth[@]}" --pose-error "$error" --pose-shift "$shift_now" >/dev/null
  echo " off by $error, given poses"
  row synthetic "$capture" 1 "$error-given"
  echo " off by $error, --refine-poses"
  row synthetic "$capture" 1 "$error-refined" --refine-poses
  "$semfield" evaluate "$out/run-synthetic-$error-refined" --protocol poses --truth "$out/synthetic-0" 2>/dev/null |
    sed "s/^/    /"
done
for named in "$@"; do
  name=${named%%=*} rest=${named#*=}
  capture=${rest%%:*} downscale=1
  [[ $rest == *:* ]] && downscale=${rest##*:}
  echo "$name ($capture, downscale $downscale), $steps steps"
  echo " given poses"
  row "$name" "$capture" "$downscale" given
  echo " --refine-poses"
  row "$name" "$capture" "$downscale" refined --refine-poses
done
