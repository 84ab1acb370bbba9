"""A small builder for ONNX graphs, and the settings all our files share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
"""The oldest opset with everything we need: any ONNX runtime of today reads it."""

IR_VERSION = 8
"""File format version that goes with opset 13 in the wild."""

Shape = Sequence[int | str]
"""Fixed sizes are numbers, free sizes are names."""


@dataclass
class GraphBuilder:
    """Collects nodes and constants; names are handed out in order of creation,
    so that the same calls always give the same bytes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    _next_id: int = 0

    def _name(self, stem: str) -> str:
        self._next_id += 1
        return f"{stem}_{self._next_id}"

    def constant(self, value: np.ndarray, stem: str = "weight") -> str:
        """Adds a constant tensor and returns its name."""
        name = self._name(stem)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def scalar(self, value: float) -> str:
        """Adds a 32-bit float scalar."""
        return self.constant(np.array(value, np.float32), "scalar")

    def integers(self, values: Sequence[int]) -> str:
        """Adds a 64-bit integer vector (shapes, axes, pads)."""
        return self.constant(np.array(list(values), np.int64), "ints")

    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output and returns the output's name."""
        name = self._name(op.lower())
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def model(
        self,
        inputs: dict[str, Shape],
        outputs: dict[str, tuple[str, Shape]],
        description: str,
    ) -> onnx.ModelProto:
        """Finishes the graph.

        ``inputs``: public name to shape. ``outputs``: public name to
        (name inside the graph, shape). All are 32-bit floats.
        """
        rename = {inside: public for public, (inside, _) in outputs.items()}
        for node in self.nodes:
            node.input[:] = [rename.get(name, name) for name in node.input]
            node.output[:] = [rename.get(name, name) for name in node.output]
        graph = helper.make_graph(
            self.nodes,
            "bifrons",
            [_value(name, shape) for name, shape in inputs.items()],
            [_value(name, shape) for name, (_, shape) in outputs.items()],
            self.constants,
        )
        return finish(graph, description)


def _value(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def finish(graph: onnx.GraphProto, description: str) -> onnx.ModelProto:
    """Wraps a graph into a model with our versions and checks it."""
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="bifrons",
        doc_string=description,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's SAME rule: pads before and after one axis; when their sum is
    odd, the extra pixel goes after (tensorflow.org, "notes on padding")."""
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return total // 2, total - total // 2
