#!/usr/bin/env bash
# Trains the weights models/feature_nerf/weights.safetensors on a folder of objects and puts them there with their log.
#
#   scripts/models/train_feature_nerf.sh OBJECTS OUT [--resume]     OBJECTS/<category>/category.json, all are trained on
#
# STEPS (6000) and SEMFIELD_THREADS (1) may be set; further arguments go to train. 25 minutes of one processor. The
# teacher looks at 2 pictures of each object first. Steps and threads decide the weights: the same ones give the same file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
objects=$(realpath "$1")
out=$2
shift 2
mkdir -p "$out"
build/release/bin/semfield train "$objects" --threads "${SEMFIELD_THREADS:-1}" --method feature_nerf --out "$out/run" \
  --steps "${STEPS:-6000}" --checkpoint-seconds 120 "$@"
mkdir -p models/feature_nerf
cp "$out/run/radiance.safetensors" models/feature_nerf/weights.safetensors
cp "$out/run/metrics.jsonl" models/feature_nerf/metrics.jsonl
(cd models/feature_nerf && sha256sum weights.safetensors >weights.sha256)
ls -l models/feature_nerf
