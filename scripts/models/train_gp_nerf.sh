#!/usr/bin/env bash
# Trains the weights models/gp_nerf/weights.safetensors on a folder of labelled rooms and puts them there with their log.
#
#   scripts/models/train_gp_nerf.sh ROOMS OUT [--resume]     ROOMS/<room>/transforms.json, all of them are trained on
#
# STEPS (3000), MOST rooms (all of them) and SEMFIELD_THREADS (1) may be set. 25 minutes of one processor. Steps and
# threads decide the weights: the same ones give the same file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rooms=$(realpath "$1")
out=$2
shift 2
mkdir -p "$out"
python3 - "$rooms" "$out/scenes.json" "${MOST:-1000}" <<'PYTHON'
import json, pathlib, sys
rooms = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/transforms.json"))
rooms = rooms[: int(sys.argv[3])]
scenes = [{"path": str(path), "split": "train"} for path in rooms]
pathlib.Path(sys.argv[2]).write_text(json.dumps({"scenes": scenes}, indent=1))
PYTHON
build/release/bin/semfield train "$out/scenes.json" --threads "${SEMFIELD_THREADS:-1}" --method gp_nerf --out "$out/run" \
  --rays 64 --views 4 --steps "${STEPS:-3000}" --checkpoint-seconds 120 "$@"
mkdir -p models/gp_nerf
cp "$out/run/radiance.safetensors" models/gp_nerf/weights.safetensors
cp "$out/run/metrics.jsonl" models/gp_nerf/metrics.jsonl
(cd models/gp_nerf && sha256sum weights.safetensors >weights.sha256)
ls -l models/gp_nerf
