"""CenterFace, the face detector: ONNX already, but with its shape nailed down.

The published file has a fixed input of 10 x 3 x 32 x 32, opset 9, outputs with
numbers for names and a hundred inputs that nobody reads. It expects RGB in
0..255; the factor goes into the first convolution, so ours takes ``[0, 1]``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from .graph import finish
from .simplify import simplify

_OUTPUTS = {
    "537": ("heatmap", 1),
    "538": ("scale", 2),
    "539": ("offset", 2),
    "540": ("landmarks", 10),
}
"""Name in the published file: our name, channels."""


def convert(path: Path) -> onnx.ModelProto:
    """``image [1, 3, H, W]`` to four maps ``[1, channels, H/4, W/4]``."""
    published = onnx.load(str(path))
    for node in published.graph.node:
        node.input[:] = [_rename(name) for name in node.input]
        node.output[:] = [_rename(name) for name in node.output]
    _free_the_shape(published.graph)
    # The converter needs inputs, outputs and opset in order before it works.
    upgraded = version_converter.convert_version(published, 13)
    graph = upgraded.graph
    graph.name = "bifrons"
    graph.doc_string = ""
    for node in graph.node:
        node.doc_string = ""
    _take_unit_range(graph)
    simplify(graph)
    # Sizes the converter worked out for a network that has just been rewritten.
    del graph.value_info[:]
    return finish(graph, "CenterFace face detector, MIT, converted by tools/models")


def _rename(name: str) -> str:
    if name == "input.1":
        return "image"
    return _OUTPUTS[name][0] if name in _OUTPUTS else name


def _free_the_shape(graph: onnx.GraphProto) -> None:
    del graph.input[:]
    graph.input.append(
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])
    )
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [1, channels, "map_height", "map_width"]
        )
        for name, channels in _OUTPUTS.values()
    )
    del graph.value_info[:]


def _take_unit_range(graph: onnx.GraphProto) -> None:
    """Multiplies the first convolution by 255. Exact at the border too: the
    padding is zero (black) in either range."""
    first = next(node for node in graph.node if "image" in node.input)
    if first.op_type != "Conv":
        raise ValueError(f"expected a convolution on the image, found {first.op_type}")
    weight = next(t for t in graph.initializer if t.name == first.input[1])
    scaled = numpy_helper.to_array(weight).astype(np.float64) * 255.0
    weight.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), weight.name))
