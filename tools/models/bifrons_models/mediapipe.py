"""MediaPipe Face Landmarker: face mesh (478 points) and 52 blendshapes.

Both lie as TensorFlow Lite flatbuffers in one zip file. TensorFlow Lite keeps
channels last, ONNX first. A tensor of four axes may therefore exist in two
layouts here; convolutions ask for channels first, everything else takes the
layout that is there, and transposes appear only where a reshape needs the
original order.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite

from .blendshape_points import BLENDSHAPE_POINTS
from .graph import GraphBuilder, same_padding
from .simplify import simplify

_OP_NAMES = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)
}
_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_TO_FIRST = (0, 3, 1, 2)
_TO_LAST = (0, 2, 3, 1)

MESH_SIZE_PX = 256


def convert_mesh(bundle: Path) -> onnx.ModelProto:
    """``image [1, 3, 256, 256]`` to ``landmarks [1, 478, 3]`` and ``presence [1]``."""
    network = _Network(_member(bundle, "face_landmarks_detector.tflite"))
    builder = network.builder
    network.bind_input("image", channels_first=True)
    network.emit_all()
    points, presence_logit, _tongue_out = network.outputs()
    landmarks = builder.node("Reshape", [points, builder.integers([1, 478, 3])])
    flat_logit = builder.node("Reshape", [presence_logit, builder.integers([1])])
    presence = builder.node("Sigmoid", [flat_logit])
    return _finish(
        builder,
        {"image": [1, 3, MESH_SIZE_PX, MESH_SIZE_PX]},
        {"landmarks": (landmarks, [1, 478, 3]), "presence": (presence, [1])},
        "MediaPipe face mesh V2, Apache-2.0, converted by tools/models",
    )


def convert_blendshapes(bundle: Path) -> onnx.ModelProto:
    """``landmarks [1, 478, 3]`` to ``blendshapes [52]``.

    The network itself reads x and y of 146 points; choosing them is part of
    our file, so that the mesh's output can be handed on as it is.
    """
    network = _Network(_member(bundle, "face_blendshapes.tflite"))
    builder = network.builder
    chosen = builder.node("Gather", ["landmarks", builder.integers(BLENDSHAPE_POINTS)], axis=1)
    flat = builder.node(
        "Slice",
        [chosen, builder.integers([0]), builder.integers([2]), builder.integers([2])],
    )
    network.bind_input(flat, channels_first=False)
    network.emit_all()
    (scores,) = network.outputs()
    return _finish(
        builder,
        {"landmarks": [1, 478, 3]},
        {"blendshapes": (scores, [52])},
        "MediaPipe blendshapes V2, Apache-2.0, converted by tools/models",
    )


def _member(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(name)


def _finish(builder: GraphBuilder, *arguments: Any) -> onnx.ModelProto:
    model = builder.model(*arguments)
    simplify(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


@dataclass
class _Op:
    """One TensorFlow Lite operator, read out of the flatbuffer."""

    name: str
    inputs: list[int]
    output: int
    raw: Any

    def options(self, kind: type) -> Any:
        """The operator's own settings."""
        table = self.raw.BuiltinOptions()
        options = kind()
        options.Init(table.Bytes, table.Pos)
        return options


@dataclass
class _Network:
    """A flatbuffer on its way to ONNX."""

    data: bytes
    builder: GraphBuilder = field(default_factory=GraphBuilder)

    def __post_init__(self) -> None:
        self.model = tflite.Model.GetRootAsModel(self.data, 0)
        self.graph = self.model.Subgraphs(0)
        self.first: dict[int, str] = {}
        """Tensors that exist with channels first (four axes only)."""
        self.plain: dict[int, str] = {}
        """Tensors that exist in the flatbuffer's own order."""
        self.constants = self._read_constants()

    def _shape(self, index: int) -> list[int]:
        tensor = self.graph.Tensors(index)
        return [int(n) for n in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []

    def _read_constants(self) -> dict[int, np.ndarray]:
        constants = {}
        for index in range(self.graph.TensorsLength()):
            tensor = self.graph.Tensors(index)
            buffer = self.model.Buffers(tensor.Buffer())
            if buffer.DataLength():
                raw = buffer.DataAsNumpy().tobytes()
                value = np.frombuffer(raw, _DTYPES[tensor.Type()])
                constants[index] = value.reshape(self._shape(index))
        return constants

    def _ops(self) -> list[_Op]:
        ops = []
        for position in range(self.graph.OperatorsLength()):
            raw = self.graph.Operators(position)
            code = self.model.OperatorCodes(raw.OpcodeIndex())
            # Old files keep the code in a byte, new ones in an int.
            name = _OP_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs = [int(i) for i in raw.InputsAsNumpy()]
            ops.append(_Op(name, inputs, int(raw.OutputsAsNumpy()[0]), raw))
        return ops

    def bind_input(self, name: str, *, channels_first: bool) -> None:
        """Says which ONNX tensor stands for the network's only input."""
        index = int(self.graph.InputsAsNumpy()[0])
        (self.first if channels_first else self.plain)[index] = name

    def outputs(self) -> list[str]:
        """The network's outputs, in its own axis order."""
        return [self._in_plain(int(i)) for i in self.graph.OutputsAsNumpy()]

    # Reading tensors ------------------------------------------------------

    def _in_first(self, index: int) -> str:
        """The tensor with channels first."""
        if index not in self.first:
            if index in self.constants:
                value = self.constants[index].astype(np.float32)
                if value.ndim == 4:
                    value = value.transpose(_TO_FIRST)
                elif value.ndim == 1 and value.size > 1:
                    value = value.reshape(1, -1, 1, 1)
                elif value.size > 1:
                    raise ValueError(f"constant {index}: {value.ndim} axes beside a picture")
                self.first[index] = self.builder.constant(value)
            else:
                source = self.plain[index]
                self.first[index] = self.builder.node("Transpose", [source], perm=_TO_FIRST)
        return self.first[index]

    def _in_plain(self, index: int) -> str:
        """The tensor in the flatbuffer's own order."""
        if index not in self.plain:
            if index in self.constants:
                value = self.constants[index].astype(np.float32)
                self.plain[index] = self.builder.constant(value)
            else:
                source = self.first[index]
                self.plain[index] = self.builder.node("Transpose", [source], perm=_TO_LAST)
        return self.plain[index]

    # Emitting operators ---------------------------------------------------

    def emit_all(self) -> None:
        """Adds every operator, in the flatbuffer's order (already sorted)."""
        handlers = {
            "DEQUANTIZE": self._dequantize,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._convolution,
            "MAX_POOL_2D": self._max_pool,
            "PRELU": self._prelu,
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "TRANSPOSE": self._transpose,
            "CONCATENATION": self._concat,
            "STRIDED_SLICE": self._strided_slice,
            "MEAN": self._reduce,
            "SUM": self._reduce,
            "ADD": self._arithmetic,
            "SUB": self._arithmetic,
            "MUL": self._arithmetic,
            "DIV": self._arithmetic,
            "SQUARED_DIFFERENCE": self._arithmetic,
            "LOGISTIC": self._pointwise,
            "NEG": self._pointwise,
            "SQRT": self._pointwise,
            "RSQRT": self._pointwise,
        }
        for op in self._ops():
            if op.name not in handlers:
                raise ValueError(f"operator {op.name} is not handled")
            handlers[op.name](op)

    def _activated(self, name: str, code: int) -> str:
        if code == tflite.ActivationFunctionType.NONE:
            return name
        if code == tflite.ActivationFunctionType.RELU:
            return self.builder.node("Relu", [name])
        raise ValueError(f"activation {code} is not handled")

    def _dequantize(self, op: _Op) -> None:
        """Weights are stored in 16 bits; nothing is computed here."""
        self.constants[op.output] = self.constants[op.inputs[0]].astype(np.float32)

    def _convolution(self, op: _Op) -> None:
        source_shape = self._shape(op.inputs[0])
        kernel = self.constants[op.inputs[1]].astype(np.float32)
        if op.name == "CONV_2D":
            options = op.options(tflite.Conv2DOptions)
            weight, group = kernel.transpose(_TO_FIRST), 1
        else:
            options = op.options(tflite.DepthwiseConv2DOptions)
            weight, group = kernel.transpose(3, 0, 1, 2), source_shape[3]
        height, width = weight.shape[2:]
        strides = [options.StrideH(), options.StrideW()]
        dilations = [options.DilationHFactor(), options.DilationWFactor()]
        top = bottom = left = right = 0
        if options.Padding() == tflite.Padding.SAME:
            top, bottom = same_padding(source_shape[1], height, strides[0], dilations[0])
            left, right = same_padding(source_shape[2], width, strides[1], dilations[1])
        inputs = [self._in_first(op.inputs[0]), self.builder.constant(weight)]
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            bias = self.constants[op.inputs[2]].astype(np.float32)
            inputs.append(self.builder.constant(bias, "bias"))
        output = self.builder.node(
            "Conv",
            inputs,
            kernel_shape=[height, width],
            strides=strides,
            dilations=dilations,
            group=group,
            pads=[top, left, bottom, right],
        )
        self.first[op.output] = self._activated(output, options.FusedActivationFunction())

    def _max_pool(self, op: _Op) -> None:
        options = op.options(tflite.Pool2DOptions)
        shape = self._shape(op.inputs[0])
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        top = bottom = left = right = 0
        if options.Padding() == tflite.Padding.SAME:
            top, bottom = same_padding(shape[1], kernel[0], strides[0])
            left, right = same_padding(shape[2], kernel[1], strides[1])
        self.first[op.output] = self.builder.node(
            "MaxPool",
            [self._in_first(op.inputs[0])],
            kernel_shape=kernel,
            strides=strides,
            pads=[top, left, bottom, right],
        )

    def _prelu(self, op: _Op) -> None:
        slope = self.constants[op.inputs[1]].astype(np.float32).reshape(-1, 1, 1)
        inputs = [self._in_first(op.inputs[0]), self.builder.constant(slope, "slope")]
        self.first[op.output] = self.builder.node("PRelu", inputs)

    def _pad(self, op: _Op) -> None:
        by_axis = self.constants[op.inputs[1]][list(_TO_FIRST)]
        pads = self.builder.integers([*by_axis[:, 0], *by_axis[:, 1]])
        self.first[op.output] = self.builder.node("Pad", [self._in_first(op.inputs[0]), pads])

    def _reshape(self, op: _Op) -> None:
        shape = self.builder.integers(self._shape(op.output))
        self.plain[op.output] = self.builder.node("Reshape", [self._in_plain(op.inputs[0]), shape])

    def _transpose(self, op: _Op) -> None:
        order = [int(axis) for axis in self.constants[op.inputs[1]]]
        self.plain[op.output] = self.builder.node(
            "Transpose", [self._in_plain(op.inputs[0])], perm=order
        )

    def _concat(self, op: _Op) -> None:
        options = op.options(tflite.ConcatenationOptions)
        parts = [self._in_plain(index) for index in op.inputs]
        self.plain[op.output] = self.builder.node("Concat", parts, axis=options.Axis())

    def _strided_slice(self, op: _Op) -> None:
        options = op.options(tflite.StridedSliceOptions)
        begin, end, step = (self.constants[i].astype(np.int64).copy() for i in op.inputs[1:4])
        axes = range(len(begin))
        for axis in axes:
            if options.BeginMask() >> axis & 1:
                begin[axis] = 0
            if options.EndMask() >> axis & 1:
                end[axis] = self._shape(op.inputs[0])[axis]
        parts = [self.builder.integers([*v]) for v in (begin, end, axes, step)]
        output = self.builder.node("Slice", [self._in_plain(op.inputs[0]), *parts])
        dropped = [axis for axis in axes if options.ShrinkAxisMask() >> axis & 1]
        if dropped:
            output = self.builder.node("Squeeze", [output, self.builder.integers(dropped)])
        self.plain[op.output] = output

    def _reduce(self, op: _Op) -> None:
        options = op.options(tflite.ReducerOptions)
        keep = int(options.KeepDims())
        axes = [int(axis) for axis in np.atleast_1d(self.constants[op.inputs[1]])]
        # With all axes kept, a picture can be reduced as it lies.
        if op.inputs[0] in self.first and keep:
            source, target = self.first[op.inputs[0]], self.first
            axes = [_TO_FIRST.index(axis % 4) for axis in axes]
        else:
            source, target = self._in_plain(op.inputs[0]), self.plain
        if op.name == "MEAN":
            output = self.builder.node("ReduceMean", [source], axes=axes, keepdims=keep)
        else:  # In opset 13 the axes of a sum are an input, those of a mean are not.
            output = self.builder.node(
                "ReduceSum", [source, self.builder.integers(axes)], keepdims=keep
            )
        target[op.output] = output

    def _arithmetic(self, op: _Op) -> None:
        onnx_name = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div"}
        kinds = {
            "ADD": tflite.AddOptions,
            "SUB": tflite.SubOptions,
            "MUL": tflite.MulOptions,
            "DIV": tflite.DivOptions,
        }
        in_first = len(self._shape(op.output)) == 4 and any(i in self.first for i in op.inputs)
        read = self._in_first if in_first else self._in_plain
        inputs = [read(index) for index in op.inputs]
        if op.name == "SQUARED_DIFFERENCE":
            difference = self.builder.node("Sub", inputs)
            output = self.builder.node("Mul", [difference, difference])
        else:
            options = op.options(kinds[op.name])
            output = self.builder.node(onnx_name[op.name], inputs)
            output = self._activated(output, options.FusedActivationFunction())
        (self.first if in_first else self.plain)[op.output] = output

    def _pointwise(self, op: _Op) -> None:
        in_first = op.inputs[0] in self.first
        name = self.first[op.inputs[0]] if in_first else self._in_plain(op.inputs[0])
        chains = {
            "LOGISTIC": ["Sigmoid"],
            "NEG": ["Neg"],
            "SQRT": ["Sqrt"],
            "RSQRT": ["Sqrt", "Reciprocal"],
        }
        for step in chains[op.name]:
            name = self.builder.node(step, [name])
        (self.first if in_first else self.plain)[op.output] = name
