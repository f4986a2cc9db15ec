#!/usr/bin/env bash
# From a bare checkout to masks: sets up, builds, trains on the bundled room, teaches the field what the segmentation
# network sees, clicks three things and compares every mask with the room's truth. Exit 1 if one is below 0.6 IoU.
#
#   scripts/demo.sh [RUN]        RUN: folder of the results, default out/demo; an earlier demo there is replaced
#
# The work after the build is planned for at most 10 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# name, view that is clicked, pixel of the click, views to find it in as well
THINGS=(
  "Bean bag|046|240,195|026,028,034"
  "Sofa bed|022|180,220|020,021,023"
  "Safe|007|420,265|000,002,008"
)
LEAST_IOU=0.6
TRAIN_MINUTES=4
IMITATE_MINUTES=3

capture=examples/captures/room
run=${1:-out/demo}

scripts/setup.sh
scripts/build.sh release semfield_cli
semfield=build/release/bin/semfield
marker=$run/.semfield-demo
if [ -e "$run" ] && [ ! -e "$marker" ]; then
  echo "demo: $run exists and is no earlier demo; name another folder: scripts/demo.sh RUN" >&2
  exit 2
fi
rm -rf "$run"
mkdir -p "$run"
touch "$marker"
export LC_ALL=C
started=$SECONDS

"$semfield" info "$capture"
"$semfield" train "$capture" --out "$run" --minutes "$TRAIN_MINUTES"
"$semfield" imitate "$run" --minutes "$IMITATE_MINUTES"

below=0
for thing in "${THINGS[@]}"; do
  IFS='|' read -r name view click others <<<"$thing"
  file_name=$(tr 'A-Z ' 'a-z-' <<<"$name")
  echo
  echo "$name: clicked at $click in photo $view, looked for in $others"
  "$semfield" segment "$run" --view "$view" --click "$click" --views "$others" --name "$file_name" --truth
  views=$(tr ',' '\n' <<<"$view,$others" | wc -l)
  enough=$(sed -n 's/.*"truth_iou": *\([0-9.eE+-]*\).*/\1/p' "$run/masks/$file_name.json" |
    awk -v least="$LEAST_IOU" '$1 >= least {n++} END {print n + 0}')
  below=$((below + views - enough))
done

# The first of them to take along, and the room.
IFS='|' read -r name view click others <<<"${THINGS[0]}"
echo
"$semfield" select "$run" --name "$name" --view "$view" --click "$click"
"$semfield" mesh "$run"
"$semfield" extract "$run" --selection "$name" --close

echo
"$semfield" evaluate "$run" --protocol views
"$semfield" report "$run"
echo
echo "demo: done in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s after the build"
echo "  masks        $run/masks"
echo "  meshes       $run/mesh/mesh.glb, $run/exports/${THINGS[0]%%|*}.glb"
echo "  report       $run/report.html"
echo "  numbers      $run/masks/*.json, $run/metrics.jsonl"
if [ "$below" -gt 0 ]; then
  echo "  $below mask(s) are below an IoU of $LEAST_IOU with the room's truth (see above)"
  exit 1
fi
echo "  every mask has an IoU of at least $LEAST_IOU with the room's truth"
