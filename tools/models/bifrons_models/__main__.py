"""``python -m bifrons_models SOURCES OUT``: converts everything.

SOURCES is the folder of unpacked packages that ``fetch.sh`` makes, OUT the
folder that receives the ONNX files.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import onnx

from . import centerface, dlib, explicit, faceres, mediapipe, sources
from .half import store_as_half


def _centerface(folder: Path) -> onnx.ModelProto:
    return centerface.convert(sources.CENTERFACE.verified(folder))


def _face_mesh(folder: Path) -> onnx.ModelProto:
    return mediapipe.convert_mesh(sources.FACE_LANDMARKER.verified(folder))


def _face_blendshapes(folder: Path) -> onnx.ModelProto:
    return mediapipe.convert_blendshapes(sources.FACE_LANDMARKER.verified(folder))


def _face_embedding(folder: Path) -> onnx.ModelProto:
    sources.FACERES_WEIGHTS.verified(folder)
    return faceres.convert(sources.FACERES_GRAPH.verified(folder))


def _dlib_embedding(folder: Path) -> onnx.ModelProto:
    sources.DLIB_WEIGHTS.verified(folder)
    return dlib.convert(sources.DLIB_MANIFEST.verified(folder))


def _explicit(folder: Path) -> onnx.ModelProto:
    shards = [shard.verified(folder) for shard in sources.NSFWJS_WEIGHTS]
    return explicit.convert(sources.NSFWJS_GRAPH.verified(folder), shards)


CONVERSIONS: dict[str, Callable[[Path], onnx.ModelProto]] = {
    "centerface.onnx": _centerface,
    "face_mesh.onnx": _face_mesh,
    "face_blendshapes.onnx": _face_blendshapes,
    "face_embedding.onnx": _face_embedding,
    "dlib_embedding.onnx": _dlib_embedding,
    "explicit.onnx": _explicit,
}


def main(arguments: list[str]) -> int:
    """Converts all networks; returns the exit code."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    source_folder, out_folder = map(Path, arguments)
    out_folder.mkdir(parents=True, exist_ok=True)
    for name, convert in CONVERSIONS.items():
        model = convert(source_folder)
        store_as_half(model.graph)
        onnx.checker.check_model(model, full_check=True)
        data = model.SerializeToString(deterministic=True)
        (out_folder / name).write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {name}  ({len(data):,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
