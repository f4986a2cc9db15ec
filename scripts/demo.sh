#!/usr/bin/env bash
# From a bare checkout to masks and a mesh: sets up, builds, trains on the bundled room, teaches the field what the
# segmentation network sees, clicks the three largest things of the room, compares their masks with the room's truth,
# and writes the room and its sofa as GLB files. Exit 1 if the masks of a thing have a mean IoU below 0.6.
#
#   scripts/demo.sh [RUN]        RUN: folder of the results, default out/demo; an earlier demo there is replaced
#
# The work after the build is planned for at most 12 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The three largest of the room's instances that are no wall, floor, ceiling, window, door or rug. Name, view in which
# it is largest, clicks: its innermost pixel there and, for the chair, its back too; views to find it in as well: the
# 10th, the 50th and the 90th of a hundred among those in which it covers 2 %.
THINGS=(
  "Sofa bed|022|172,217|011,025,047"
  "Mosaic coffee table|050|388,317|004,024,052"
  "Plywood lounge chair|010|391,316 387,258|003,014,025"
)
LEAST_IOU=0.6
TRAIN_MINUTES=4
IMITATE_MINUTES=3

capture=examples/captures/room
run=${1:-out/demo}

scripts/setup.sh
scripts/build.sh release semfield_installed
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
  IFS='|' read -r name view points others <<<"$thing"
  file_name=$(tr 'A-Z ' 'a-z-' <<<"$name")
  clicks=()
  for point in $points; do clicks+=(--click "$point"); done
  echo
  echo "$name: clicked at $points in photo $view, looked for in $others"
  "$semfield" segment "$run" --view "$view" "${clicks[@]}" --views "$others" --name "$file_name" --truth
  mean=$(sed -n 's/.*"truth_iou": *\([0-9.eE+-]*\).*/\1/p' "$run/masks/$file_name.json" |
    awk '{sum += $1; ++n} END {printf "%.3f", n ? sum / n : 0}')
  echo "$name: mean IoU $mean"
  below=$((below + $(awk -v mean="$mean" -v least="$LEAST_IOU" 'BEGIN {print mean < least}')))
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
  echo "  the masks of $below thing(s) have a mean IoU below $LEAST_IOU with the room's truth (see above)"
  exit 1
fi
echo "  the masks of every thing have a mean IoU of at least $LEAST_IOU with the room's truth"
