"""HSE FaceRes, the identity embedding: a TensorFlow.js graph (JSON and binary).

A MobileNet trained to tell people apart, with heads for age and gender added
by its author. Bifrons does not estimate age or gender, so both heads are left
out of the file; what remains ends at the global mean, the 1024 numbers that
say who it is.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .graph import GraphBuilder, same_padding
from .simplify import simplify

SIZE_PX = 224
_EMBEDDING = "global_pooling/Mean"
_MEAN_BGR = (103.94, 116.78, 123.68)
"""What the network was trained to have subtracted from BGR in 0..255."""


def convert(path: Path) -> onnx.ModelProto:
    """``image [1, 3, 224, 224]`` to ``embedding [1, 1024]``."""
    document = json.loads(path.read_text())
    weights = _weights(document, path.parent)
    nodes = {node["name"]: node for node in document["modelTopology"]["node"]}

    builder = GraphBuilder()
    value, size = _normalised_bgr(builder), SIZE_PX
    for node in _chain(nodes, weights, _EMBEDDING):
        value, size = _emit(builder, node, weights, value, size)
    model = builder.model(
        {"image": [1, 3, SIZE_PX, SIZE_PX]},
        {"embedding": (value, [1, 1024])},
        "HSE FaceRes face embedding, Apache-2.0, converted by tools/models",
    )
    simplify(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _weights(document: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    """Reads the weight shards: 16-bit floats or plain 32-bit values, back to back."""
    weights = {}
    for group in document["weightsManifest"]:
        data = b"".join((folder / name).read_bytes() for name in group["paths"])
        position = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            kind = np.dtype(stored)
            value = np.frombuffer(data, kind, count, position).reshape(entry["shape"])
            weights[entry["name"]] = value.astype(entry["dtype"])
            position += count * kind.itemsize
        if position != len(data):
            raise ValueError(f"weights end at byte {position}, the file at {len(data)}")
    return weights


def _normalised_bgr(builder: GraphBuilder) -> str:
    """RGB in [0, 1] to BGR minus the mean. A node of its own, not merged into
    the first convolution: that one pads with zeros *after* the subtraction."""
    swapped = builder.node("Gather", ["image", builder.integers([2, 1, 0])], axis=1)
    scaled = builder.node("Mul", [swapped, builder.scalar(255.0)])
    mean = np.array(_MEAN_BGR, np.float32).reshape(1, 3, 1, 1)
    return builder.node("Sub", [scaled, builder.constant(mean, "mean")])


def _chain(
    nodes: dict[str, Any], weights: dict[str, np.ndarray], last: str
) -> list[dict[str, Any]]:
    """The nodes from the input to ``last``. The trunk is a plain chain: each
    node reads one computed value, all its other inputs are weights."""
    chain = []
    name = last
    while nodes[name]["op"] != "Placeholder":
        chain.append(nodes[name])
        computed = [i for i in nodes[name]["input"] if i not in weights]
        if len(computed) != 1 or nodes[name]["input"][0] != computed[0]:
            raise ValueError(f"{name}: expected one computed input in front, found {computed}")
        name = computed[0]
    return chain[::-1]


def _emit(
    builder: GraphBuilder,
    node: dict[str, Any],
    weights: dict[str, np.ndarray],
    value: str,
    size: int,
) -> tuple[str, int]:
    """Adds one node; returns its output and the picture size behind it."""
    op = node["op"]
    if op in ("Conv2D", "DepthwiseConv2dNative"):
        return _convolution(builder, node, weights[node["input"][1]], value, size)
    if op == "Relu":
        return builder.node("Relu", [value]), size
    if op == "Mean":
        return builder.node("ReduceMean", [value], axes=[2, 3], keepdims=0), size
    arithmetic = {"Add": "Add", "Mul": "Mul", "Minimum": "Min", "Maximum": "Max"}
    if op not in arithmetic:
        raise ValueError(f"{node['name']}: operator {op} is not handled")
    constant = weights[node["input"][1]]
    if constant.ndim == 1:
        constant = constant.reshape(1, -1, 1, 1)
    return builder.node(arithmetic[op], [value, builder.constant(constant)]), size


def _convolution(
    builder: GraphBuilder, node: dict[str, Any], kernel: np.ndarray, value: str, size: int
) -> tuple[str, int]:
    attributes = node["attr"]
    stride = int(attributes["strides"]["list"]["i"][1])
    padding = base64.b64decode(attributes["padding"]["s"]).decode()
    height, width, in_channels, out_channels = kernel.shape
    if node["op"] == "Conv2D":
        group, weight = 1, kernel.transpose(3, 2, 0, 1)
    else:
        group = in_channels
        weight = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, height, width)
    before, after = (0, 0) if padding == "VALID" else same_padding(size, height, stride)
    output = builder.node(
        "Conv",
        [value, builder.constant(weight)],
        kernel_shape=[height, width],
        strides=[stride, stride],
        group=group,
        pads=[before, before, after, after],
    )
    return output, (size + before + after - height) // stride + 1
