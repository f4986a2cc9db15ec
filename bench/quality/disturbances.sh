#!/usr/bin/env bash
# What `train --refine-poses` and `train --exposure` gain: trains captures with and without, and prints held-out PSNR, as
# given and with the same fitted on the left halves of the held-out photos. Synthetic captures with a known disturbance,
# whose learned poses or exposures are compared with the true ones, come first.
#
#   bench/quality/disturbances.sh poses|exposure OUT [NAME=CAPTURE[:DOWNSCALE]]...   e.g. fox=data/fox:4 tabletop=data/tabletop
#
# STEPS (default 4000), DEGREES (0.5), SHIFT (0), STOPS (0.5), SYNTH (more options of synth, "--scene object --views 64") and TRAIN (of
# train) change what is run. OUT keeps the runs and captures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
semfield=${SEMFIELD:-build/release/bin/semfield}
kind=${1:?say poses or exposure}
out=${2:?name a folder for the runs}
shift 2
steps=${STEPS:-4000}
read -ra synth <<<"${SYNTH:---scene object --views 64}"
read -ra train <<<"${TRAIN:-}"
case "$kind" in
  poses)
    disturb=(--pose-error "${DEGREES:-0.5}" --pose-shift "${SHIFT:-0}")
    mend=--refine-poses fit=pose
    ;;
  exposure)
    disturb=(--exposure-error "${STOPS:-0.5}")
    mend=--exposure fit=exposure
    ;;
  *)
    echo "disturbances: expected poses or exposure, got '$kind'" >&2
    exit 2
    ;;
esac
mkdir -p "$out"

# row NAME CAPTURE DOWNSCALE LABEL [train options...]
row() {
  local name=$1 capture=$2 downscale=$3 label=$4
  shift 4
  local run=$out/run-$name-$label
  "$semfield" train "$capture" --out "$run" --downscale "$downscale" --steps "$steps" --restart "${train[@]}" "$@" 2>"$run.log" |
    sed -n "1s/^/  /p"
  "$semfield" evaluate "$run" --fit-left-half "$fit" 2>>"$run.log" | sed "s/^/    /"
}

echo "synthetic (${synth[*]}), ${disturb[*]}, $steps steps"
for which in true off; do
  capture=$out/synthetic-$kind-$which
  options=()
  [ "$which" = true ] || options=("${disturb[@]}")
  [ -e "$capture/labels.json" ] || "$semfield" synth --out "$capture" "${synth[@]}" "${options[@]}" >/dev/null
  echo " $which"
  row synthetic "$capture" 1 "$kind-$which-given"
  echo " $which, $mend"
  row synthetic "$capture" 1 "$kind-$which-mended" $mend
  "$semfield" evaluate "$out/run-synthetic-$kind-$which-mended" --protocol "$kind" --truth "$out/synthetic-$kind-true" 2>/dev/null |
    sed "s/^/    /"
done
for named in "$@"; do
  name=${named%%=*} rest=${named#*=}
  capture=${rest%%:*} downscale=1
  [[ $rest == *:* ]] && downscale=${rest##*:}
  echo "$name ($capture, downscale $downscale), $steps steps"
  echo " as given"
  row "$name" "$capture" "$downscale" "$kind-given"
  echo " $mend"
  row "$name" "$capture" "$downscale" "$kind-mended" $mend
done
