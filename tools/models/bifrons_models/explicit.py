"""nsfwjs, what kind of picture it is: a TensorFlow.js graph inside JavaScript.

A MobileNet V2 (width 1.4) that tells five kinds apart. Its weights were
published as 8-bit numbers with a scale for each tensor, and stay so: each is
followed by a cast and that scale, which runtimes compute once while loading.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .graph import GraphBuilder, same_padding
from .half import MIN_VALUES
from .js_module import exported

SIZE_PX = 224
KINDS = ("drawing", "hentai", "neutral", "porn", "sexy")
"""In the order of the output."""


def convert(graph_path: Path, shard_paths: Iterable[Path]) -> onnx.ModelProto:
    """``image [1, 3, 224, 224]`` to ``kinds [1, 5]``, which sum to 1."""
    document = exported(graph_path.read_text())
    shards = [base64.b64decode(exported(path.read_text())) for path in shard_paths]
    builder = GraphBuilder()
    weights = _Weights(document, b"".join(shards))
    value = _Network(builder, document["modelTopology"]["node"], weights).output()
    return builder.model(
        {"image": [1, 3, SIZE_PX, SIZE_PX]},
        {"kinds": (value, [1, len(KINDS)])},
        "nsfwjs mobilenet_v2_mid, MIT, converted by tools/models",
    )


class _Weights:
    """The shards' numbers: 8 bits with scale and smallest value, or plain ones."""

    def __init__(self, document: dict[str, Any], data: bytes) -> None:
        self.entries: dict[str, tuple[np.ndarray, float, float]] = {}
        position = 0
        for group in document["weightsManifest"]:
            for entry in group["weights"]:
                packing = entry.get("quantization", {})
                kind = np.dtype(packing.get("dtype", entry["dtype"]))
                if "quantization" in entry and kind != np.uint8:
                    raise ValueError(f"{entry['name']}: packed as {kind}")
                count = int(np.prod(entry["shape"], dtype=np.int64))
                value = np.frombuffer(data, kind, count, position).reshape(entry["shape"])
                scale, least = packing.get("scale", 1.0), packing.get("min", 0.0)
                self.entries[entry["name"]] = (value, scale, least)
                position += count * kind.itemsize
        if position != len(data):
            raise ValueError(f"weights end at byte {position}, the files at {len(data)}")

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def plain(self, name: str) -> np.ndarray:
        """As 32-bit floats."""
        value, scale, least = self.entries[name]
        return value.astype(np.float32) * np.float32(scale) + np.float32(least)

    def put(self, builder: GraphBuilder, name: str, axes: tuple[int, ...]) -> str:
        """Into the graph, axes in another order: as 8 bits where that saves something."""
        value, scale, least = self.entries[name]
        if value.dtype != np.uint8 or value.size < MIN_VALUES:
            return builder.constant(self.plain(name).transpose(axes))
        packed = builder.constant(value.transpose(axes), "bytes")
        cast = builder.node("Cast", [packed], to=onnx.TensorProto.FLOAT)
        scaled = builder.node("Mul", [cast, builder.scalar(scale)])
        return builder.node("Add", [scaled, builder.scalar(least)])


class _Network:
    """Follows the graph from its output back to the picture."""

    def __init__(self, builder: GraphBuilder, nodes: list[dict[str, Any]], weights: _Weights):
        self.builder = builder
        self.weights = weights
        self.nodes = {node["name"]: node for node in nodes}
        self.done: dict[str, tuple[str, int]] = {}

    def output(self) -> str:
        last = [node["name"] for node in self.nodes.values() if node["op"] == "Softmax"]
        if len(last) != 1:
            raise ValueError(f"expected one Softmax, found {last}")
        return self.value(last[0])[0]

    def value(self, name: str) -> tuple[str, int]:
        """The tensor that a node makes, and the picture's size there."""
        if name not in self.done:
            self.done[name] = self._emit(self.nodes[name])
        return self.done[name]

    def _emit(self, node: dict[str, Any]) -> tuple[str, int]:
        op, inputs = node["op"], node.get("input", [])
        if op == "Placeholder":
            return "image", SIZE_PX
        computed = [self.value(name) for name in inputs if name not in self.weights]
        (value, size), others = computed[0], computed[1:]
        constants = [name for name in inputs if name in self.weights]
        if op == "AddV2" and len(others) == 1:
            return self.builder.node("Add", [value, others[0][0]]), size
        if others:
            raise ValueError(f"{node['name']}: {op} of several values")
        if op in ("_FusedConv2D", "FusedDepthwiseConv2dNative"):
            return self._convolution(node, constants, value, size)
        if op in ("Mul", "Sub") and self.weights.plain(constants[0]).size == 1:
            number = float(self.weights.plain(constants[0]).reshape(()))
            if op == "Sub" and inputs[1] != constants[0]:
                raise ValueError(f"{node['name']}: taken from a constant")
            return self.builder.node(op, [value, self.builder.scalar(number)]), size
        if op == "AvgPool" and _numbers(node, "ksize") == [1, size, size, 1]:
            return self.builder.node("ReduceMean", [value], axes=[2, 3], keepdims=0), 1
        if op == "Squeeze" and size == 1:
            return value, size
        if op == "_FusedMatMul" and _words(node, "fused_ops") == ["BiasAdd"]:
            product = self.builder.node(
                "MatMul", [value, self.weights.put(self.builder, constants[0], (0, 1))]
            )
            return self.builder.node(
                "Add", [product, self.weights.put(self.builder, constants[1], (0,))]
            ), size
        if op == "Softmax":
            return self.builder.node("Softmax", [value], axis=1), size
        raise ValueError(f"{node['name']}: operator {op} is not handled")

    def _convolution(
        self, node: dict[str, Any], constants: list[str], value: str, size: int
    ) -> tuple[str, int]:
        stride = _numbers(node, "strides")[1]
        kernel, bias = constants
        height, width, in_channels, _ = self.weights.entries[kernel][0].shape
        deep = node["op"] == "_FusedConv2D"
        weight = self.weights.put(self.builder, kernel, (3, 2, 0, 1) if deep else (2, 3, 0, 1))
        padding = base64.b64decode(node["attr"]["padding"]["s"]).decode()
        before, after = (0, 0) if padding == "VALID" else same_padding(size, height, stride)
        result = self.builder.node(
            "Conv",
            [value, weight, self.weights.put(self.builder, bias, (0,))],
            kernel_shape=[height, width],
            strides=[stride, stride],
            group=1 if deep else in_channels,
            pads=[before, before, after, after],
        )
        fused = _words(node, "fused_ops")
        if fused == ["BiasAdd", "Relu6"]:
            bounds = [self.builder.scalar(0.0), self.builder.scalar(6.0)]
            result = self.builder.node("Clip", [result, *bounds])
        elif fused != ["BiasAdd"]:
            raise ValueError(f"{node['name']}: {fused} is not handled")
        return result, (size + before + after - height) // stride + 1


def _numbers(node: dict[str, Any], name: str) -> list[int]:
    return [int(value) for value in node["attr"][name]["list"]["i"]]


def _words(node: dict[str, Any], name: str) -> list[str]:
    return [base64.b64decode(value).decode() for value in node["attr"][name]["list"]["s"]]
