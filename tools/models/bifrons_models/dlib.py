"""dlib's face recognition network (ResNet-29) as packed by face-api.

face-api keeps only numbers: 8-bit weights with a scale and an offset, no graph.
The graph is dlib's published architecture, written out here. Batch
normalisation has already become one factor and one offset a channel, which are
multiplied into the convolutions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from .graph import GraphBuilder

SIZE_PX = 150
_MEAN_RGB = (122.782, 117.001, 104.298)
"""Subtracted from RGB in 0..255 before the network, dlib's input layer."""

_BLOCKS = (
    ("conv32_1", "conv32_2", "conv32_3")
    + ("conv64_down", "conv64_1", "conv64_2", "conv64_3")
    + ("conv128_down", "conv128_1", "conv128_2")
    + ("conv256_down", "conv256_1", "conv256_2", "conv256_down_out")
)
"""Residual blocks in order; those with ``down`` halve the picture."""


def convert(manifest: Path) -> onnx.ModelProto:
    """``image [1, 3, 150, 150]`` to ``embedding [1, 128]``."""
    return _Network(_weights(manifest)).build()


def _weights(manifest: Path) -> dict[str, np.ndarray]:
    """Reads the shards: 8-bit values with ``value * scale + min``, or 32-bit floats."""
    weights = {}
    for group in json.loads(manifest.read_text()):
        data = b"".join((manifest.parent / name).read_bytes() for name in group["paths"])
        position = 0
        for entry in group["weights"]:
            packing = entry.get("quantization")
            kind = np.dtype(np.uint8 if packing else np.float32)
            count = int(np.prod(entry["shape"], dtype=np.int64))
            value = np.frombuffer(data, kind, count, position).astype(np.float64)
            if packing:
                value = value * packing["scale"] + packing["min"]
            weights[entry["name"]] = value.reshape(entry["shape"])
            position += count * kind.itemsize
        if position != len(data):
            raise ValueError(f"weights end at byte {position}, the file at {len(data)}")
    return weights


@dataclass
class _Network:
    weights: dict[str, np.ndarray]

    def build(self) -> onnx.ModelProto:
        self.builder = builder = GraphBuilder()
        mean = np.array(_MEAN_RGB).reshape(1, 3, 1, 1) / 255.0
        # dlib divides by 256, face-api by 255; these weights follow face-api.
        value = builder.node("Sub", ["image", builder.constant(mean.astype(np.float32), "mean")])
        value = self._convolution(value, "conv32_down", stride=2, pad=0)
        value = builder.node("Relu", [value])
        value = builder.node("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2])
        size = ((SIZE_PX - 7) // 2 + 1 - 3) // 2 + 1
        channels = 32
        for block in _BLOCKS:
            if "down" in block:
                value, size, channels = self._halving_block(value, block, size, channels)
            else:
                value = self._block(value, block)
        value = builder.node("ReduceMean", [value], axes=[2, 3], keepdims=0)
        last = builder.constant(self.weights["fc"].astype(np.float32))
        value = builder.node("MatMul", [value, last])
        return builder.model(
            {"image": [1, 3, SIZE_PX, SIZE_PX]},
            {"embedding": (value, [1, 128])},
            "dlib face recognition ResNet, CC0, converted by tools/models",
        )

    def _convolution(self, value: str, name: str, stride: int, pad: int) -> str:
        scale = self.weights[f"{name}/scale/weights"]
        kernel = self.weights[f"{name}/conv/filters"] * scale
        bias = self.weights[f"{name}/conv/bias"] * scale + self.weights[f"{name}/scale/biases"]
        return self.builder.node(
            "Conv",
            [
                value,
                self.builder.constant(kernel.transpose(3, 2, 0, 1).astype(np.float32)),
                self.builder.constant(bias.astype(np.float32), "bias"),
            ],
            kernel_shape=list(kernel.shape[:2]),
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def _two_convolutions(self, value: str, name: str, stride: int, pad: int) -> str:
        inner = self._convolution(value, f"{name}/conv1", stride, pad)
        inner = self.builder.node("Relu", [inner])
        return self._convolution(inner, f"{name}/conv2", 1, 1)

    def _block(self, value: str, name: str) -> str:
        changed = self._two_convolutions(value, name, stride=1, pad=1)
        return self.builder.node("Relu", [self.builder.node("Add", [changed, value])])

    def _halving_block(
        self, value: str, name: str, size: int, channels: int
    ) -> tuple[str, int, int]:
        """The shortcut is a mean of 2 x 2 pixels; whichever side comes out
        smaller, in pixels or channels, is filled up with zeros."""
        changed = self._two_convolutions(value, name, stride=2, pad=0)
        changed_size = (size - 3) // 2 + 1
        shortcut = self.builder.node("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
        shortcut_size = size // 2
        out_channels = self.weights[f"{name}/conv2/conv/filters"].shape[3]
        changed = self._pad_after(changed, pixels=shortcut_size - changed_size)
        shortcut = self._pad_after(shortcut, channels=out_channels - channels)
        total = self.builder.node("Add", [shortcut, changed])
        return self.builder.node("Relu", [total]), shortcut_size, out_channels

    def _pad_after(self, value: str, pixels: int = 0, channels: int = 0) -> str:
        if pixels == 0 and channels == 0:
            return value
        pads = self.builder.integers([0, 0, 0, 0, 0, channels, pixels, pixels])
        return self.builder.node("Pad", [value, pads])
