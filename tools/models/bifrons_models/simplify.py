"""Merges constant arithmetic into neighbouring nodes.

Training frameworks leave batch normalisation and clipping as chains of tiny
nodes. Each costs a pass over memory at run time, so they are merged once here,
in 64-bit arithmetic, which gives the same bits on every machine.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def simplify(graph: onnx.GraphProto) -> None:
    """Rewrites ``graph`` in place until nothing more can be merged."""
    editor = _Editor(graph)
    rules = (
        editor.merge_batch_norm,
        editor.merge_channel_arithmetic,
        editor.merge_clip,
        editor.merge_transposes,
    )
    while any(rule() for rule in rules):
        editor.refresh()
    editor.drop_unused()


class _Editor:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.made = 0
        self.refresh()

    def refresh(self) -> None:
        """Recomputes who makes and who reads each tensor."""
        self.constants = {t.name: numpy_helper.to_array(t) for t in self.graph.initializer}
        self.producer: dict[str, onnx.NodeProto] = {
            node.output[0]: node for node in self.graph.node
        }
        self.readers: Counter[str] = Counter(i for n in self.graph.node for i in n.input)
        self.readers.update(output.name for output in self.graph.output)

    def add_constant(self, value: np.ndarray) -> str:
        self.made += 1
        name = f"merged_{self.made}"
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def convolution_before(self, name: str) -> onnx.NodeProto | None:
        """The convolution that makes ``name``, if nobody else reads its result."""
        node = self.producer.get(name)
        if node is None or node.op_type not in _CONVOLUTIONS or self.readers[name] != 1:
            return None
        return node

    def scale_and_shift(
        self, conv: onnx.NodeProto, after: onnx.NodeProto, scale: np.ndarray, shift: np.ndarray
    ) -> None:
        """Makes ``conv`` compute ``scale * conv(x) + shift``, one value a channel,
        and lets it take the place of ``after``."""
        weight = self.constants[conv.input[1]].astype(np.float64)
        # Output channels come first in Conv and second in ConvTranspose, where
        # groups multiply them.
        if conv.op_type == "Conv":
            weight = weight * scale.reshape(-1, 1, 1, 1)
        else:
            group = next((a.i for a in conv.attribute if a.name == "group"), 1)
            in_channels, per_group = weight.shape[:2]
            by_group = weight.reshape(group, in_channels // group, per_group, *weight.shape[2:])
            weight = (by_group * scale.reshape(group, 1, per_group, 1, 1)).reshape(weight.shape)
        bias = np.zeros(len(scale))
        if len(conv.input) > 2:
            bias = self.constants[conv.input[2]].astype(np.float64)
        weight_name = self.add_constant(weight.astype(np.float32))
        bias_name = self.add_constant((bias * scale + shift).astype(np.float32))
        conv.input[:] = [conv.input[0], weight_name, bias_name]
        conv.output[0] = after.output[0]
        self.graph.node.remove(after)

    def channel_vector(self, name: str, channels: int) -> np.ndarray | None:
        """A constant of shape ``[1, channels, 1, 1]``, flattened."""
        value = self.constants.get(name)
        if value is None or value.shape != (1, channels, 1, 1):
            return None
        return value.reshape(-1).astype(np.float64)

    def merge_batch_norm(self) -> bool:
        for node in self.graph.node:
            if node.op_type != "BatchNormalization":
                continue
            conv = self.convolution_before(node.input[0])
            if conv is None:
                continue
            gamma, beta, mean, variance = (
                self.constants[name].astype(np.float64) for name in node.input[1:5]
            )
            epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
            scale = gamma / np.sqrt(variance + epsilon)
            self.scale_and_shift(conv, node, scale, beta - mean * scale)
            return True
        return False

    def merge_channel_arithmetic(self) -> bool:
        for node in self.graph.node:
            if node.op_type not in ("Mul", "Add"):
                continue
            conv = self.convolution_before(node.input[0])
            if conv is None or conv.op_type != "Conv":
                continue
            channels = self.constants[conv.input[1]].shape[0]
            vector = self.channel_vector(node.input[1], channels)
            if vector is None:
                continue
            if node.op_type == "Mul":
                self.scale_and_shift(conv, node, vector, np.zeros(channels))
            else:
                self.scale_and_shift(conv, node, np.ones(channels), vector)
            return True
        return False

    def merge_clip(self) -> bool:
        """``Max(Min(Relu(x), high), 0)`` is ``Clip(x, 0, high)``."""
        for top in self.graph.node:
            if top.op_type != "Max" or not self._is_scalar(top.input[1], 0.0):
                continue
            middle = self.producer.get(top.input[0])
            if middle is None or middle.op_type != "Min" or self.readers[top.input[0]] != 1:
                continue
            bottom = self.producer.get(middle.input[0])
            if bottom is None or bottom.op_type != "Relu" or self.readers[middle.input[0]] != 1:
                continue
            high = self.constants[middle.input[1]].reshape(())
            low_name = self.add_constant(np.array(0, np.float32))
            high_name = self.add_constant(high.astype(np.float32))
            clip = helper.make_node(
                "Clip", [bottom.input[0], low_name, high_name], [top.output[0]], name=top.output[0]
            )
            position = list(self.graph.node).index(top)
            self.graph.node.insert(position, clip)
            for node in (top, middle, bottom):
                self.graph.node.remove(node)
            return True
        return False

    def merge_transposes(self) -> bool:
        """Two transposes in a row are one, or none."""
        for second in self.graph.node:
            if second.op_type != "Transpose":
                continue
            first = self.producer.get(second.input[0])
            if first is None or first.op_type != "Transpose":
                continue
            order = [_permutation(first)[axis] for axis in _permutation(second)]
            is_output = any(output.name == second.output[0] for output in self.graph.output)
            if order == sorted(order) and not is_output:
                self._redirect(second.output[0], first.input[0])
                self.graph.node.remove(second)
            else:
                second.input[0] = first.input[0]
                second.attribute[0].ints[:] = order
            self.drop_unused()
            return True
        return False

    def _redirect(self, old: str, new: str) -> None:
        for node in self.graph.node:
            node.input[:] = [new if name == old else name for name in node.input]

    def _is_scalar(self, name: str, value: float) -> bool:
        constant = self.constants.get(name)
        return constant is not None and constant.size == 1 and float(constant.reshape(())) == value

    def drop_unused(self) -> None:
        """Removes nodes and constants that no output depends on."""
        needed = {output.name for output in self.graph.output}
        kept = []
        for node in reversed(self.graph.node):
            if any(name in needed for name in node.output):
                needed.update(node.input)
                kept.append(node)
        # A list of its own: assigning a repeated field to itself empties it.
        nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(kept)]
        constants = [
            onnx.TensorProto.FromString(t.SerializeToString())
            for t in self.graph.initializer
            if t.name in needed
        ]
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        del self.graph.initializer[:]
        self.graph.initializer.extend(constants)


def _permutation(node: onnx.NodeProto) -> list[int]:
    return list(next(a.ints for a in node.attribute if a.name == "perm"))
