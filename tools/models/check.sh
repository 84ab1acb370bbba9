#!/usr/bin/env bash
# Re-creates every network but our own (occlusion.onnx, which tools/occlusion trains) in a
# temporary folder and compares it, byte for byte, with what is committed in models/. Exit codes: 0 equal, 1 different, else fetch.sh's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
models=$(cd "$here/../../models" && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

(cd "$models" && sha256sum --check --strict --quiet SHA256SUMS)
"$here/fetch.sh" "$fresh"

different=0
for committed in "$models"/*.onnx; do
    name=$(basename "$committed")
    if ! grep -q "  $name\$" "$models/SHA256SUMS"; then
        echo "check.sh: $name is not listed in models/SHA256SUMS" >&2
        different=1
    elif [ "$name" = occlusion.onnx ]; then
        continue
    elif ! cmp "$committed" "$fresh/$name"; then
        different=1
    fi
done
for made in "$fresh"/*.onnx; do
    if [ ! -e "$models/$(basename "$made")" ]; then
        echo "check.sh: $(basename "$made") is made by fetch.sh but not committed" >&2
        different=1
    fi
done
[ "$different" -eq 0 ] && echo "models/ is exactly what tools/models/fetch.sh makes"
exit "$different"
