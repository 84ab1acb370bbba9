#!/bin/sh
# Makes sure that everything needed to build and run Bifrons is here: a Rust
# toolchain, a C compiler (SQLite is built from source) and FFmpeg. The last two
# come through apt where there is apt. Run again at any time; does nothing when
# nothing is missing. Exit codes: 0 ready, 4 something must be installed by hand.
set -eu

have() {
    command -v "$1" >/dev/null 2>&1
}

lacking() {
    echo "setup: $1" >&2
    exit 4
}

have cargo || lacking "no Rust toolchain found: install Rust 1.95 or newer with rustup, then run this again"

packages="" # Debian's names
wanted=""   # what a person calls it
if ! have ffmpeg || ! have ffprobe; then
    packages="ffmpeg"
    wanted="FFmpeg (the commands ffmpeg and ffprobe)"
fi
if ! have cc; then
    packages="$packages gcc libc6-dev"
    wanted="${wanted:+$wanted and }a C compiler (the command cc)"
fi
[ -n "$packages" ] || exit 0

have apt-get || lacking "please install $wanted with your system's package manager, then run this again"

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    have sudo || lacking "please run as root: apt-get install -y $packages"
    as_root="sudo"
fi

echo "setup: installing $packages" >&2
export DEBIAN_FRONTEND=noninteractive
# The list of packages may be absent or stale on a fresh machine. The list of
# words is split on purpose.
# shellcheck disable=SC2086
if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $packages; } >&2; then
    lacking "apt could not install them; see above, then run: apt-get install -y $packages"
fi
if ! have ffmpeg || ! have ffprobe || ! have cc; then
    lacking "apt reported success, but something is still missing: $wanted"
fi
