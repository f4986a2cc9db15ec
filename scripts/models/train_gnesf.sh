#!/usr/bin/env bash
# Trains the weights models/gnesf/weights.safetensors on a folder of labelled rooms and puts them there with their log.
#
#   scripts/models/train_gnesf.sh ROOMS OUT [--resume]     ROOMS/<room>/transforms.json
#
# Votes are learned on what a segmenter says of rooms that it was not trained on (cross-fitting): of every four rooms, by name, the one of FOLD (0) is taken, and WORDS_MODEL (rooms-fold0) is a card whose head `train_rooms.py --fold FOLD` trained on the other three.
# STEPS (2500) and SEMFIELD_THREADS (2) may be set; they decide the weights as the rooms do: the same ones give the same file. 25 minutes of two idle cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rooms=$(realpath "$1")
out=$2
shift 2
mkdir -p "$out"
python3 - "$rooms" "$out/scenes.json" "${FOLD:-0}" <<'PYTHON'
import json, pathlib, sys
rooms = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/transforms.json"))
scenes = [{"path": str(path), "split": "train"} for path in rooms[int(sys.argv[3]) :: 4]]
pathlib.Path(sys.argv[2]).write_text(json.dumps({"scenes": scenes}, indent=1))
PYTHON
build/release/bin/semfield train "$out/scenes.json" --threads "${SEMFIELD_THREADS:-2}" --method gnesf --out "$out/run" \
  --words-model "${WORDS_MODEL:-rooms-fold0}" --density-from both --steps "${STEPS:-2500}" --checkpoint-seconds 120 "$@"
mkdir -p models/gnesf
cp "$out/run/radiance.safetensors" models/gnesf/weights.safetensors
cp "$out/run/metrics.jsonl" models/gnesf/training.jsonl
(cd models/gnesf && sha256sum weights.safetensors >weights.sha256)
ls -l models/gnesf
