"""The rewriting rules change how a graph is written, never what it computes."""

from __future__ import annotations

import unittest

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from bifrons_models.blendshape_points import BLENDSHAPE_POINTS
from bifrons_models.explicit import _Weights
from bifrons_models.graph import GraphBuilder, same_padding
from bifrons_models.half import store_as_half
from bifrons_models.js_module import exported
from bifrons_models.simplify import simplify


def run(model: onnx.ModelProto, picture: np.ndarray) -> np.ndarray:
    return ReferenceEvaluator(model).run(["result"], {"image": picture})[0]


def op_types(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


class Simplify(unittest.TestCase):
    def setUp(self) -> None:
        self.random = np.random.default_rng(7)
        self.builder = GraphBuilder()

    def values(self, *shape: int) -> np.ndarray:
        return self.random.normal(size=shape).astype(np.float32)

    def check(self, result: str, channels: int, expected_ops: list[str]) -> None:
        """Simplifies, then compares structure and numbers with before."""
        shape = [1, channels, "h", "w"]
        model = self.builder.model({"image": [1, 4, 6, 6]}, {"result": (result, shape)}, "test")
        picture = self.values(1, 4, 6, 6)
        before = run(model, picture)
        simplify(model.graph)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual(op_types(model), expected_ops)
        np.testing.assert_allclose(run(model, picture), before, rtol=1e-4, atol=1e-5)

    def batch_norm(self, value: str, channels: int) -> str:
        parts = [self.values(channels) for _ in range(3)]
        parts.append(np.abs(self.values(channels)) + 0.1)
        names = [self.builder.constant(part) for part in parts]
        # The reference evaluator mixes the picture's own statistics in (as in training)
        # unless momentum is one.
        return self.builder.node("BatchNormalization", [value, *names], epsilon=1e-3, momentum=1.0)

    def test_batch_norm_goes_into_convolution(self) -> None:
        weight, bias = self.values(5, 4, 3, 3), self.values(5)
        inputs = ["image", self.builder.constant(weight), self.builder.constant(bias)]
        value = self.builder.node("Conv", inputs, kernel_shape=[3, 3])
        self.check(self.batch_norm(value, 5), 5, ["Conv"])

    def test_batch_norm_goes_into_transposed_convolution(self) -> None:
        inputs = ["image", self.builder.constant(self.values(4, 3, 2, 2))]
        value = self.builder.node("ConvTranspose", inputs, kernel_shape=[2, 2], strides=[2, 2])
        self.check(self.batch_norm(value, 3), 3, ["ConvTranspose"])

    def test_factor_and_offset_go_into_depthwise_convolution(self) -> None:
        inputs = ["image", self.builder.constant(self.values(4, 1, 3, 3))]
        value = self.builder.node("Conv", inputs, kernel_shape=[3, 3], group=4)
        for op in ("Mul", "Add"):
            value = self.builder.node(op, [value, self.builder.constant(self.values(1, 4, 1, 1))])
        self.check(value, 4, ["Conv"])

    def test_a_shared_convolution_is_left_alone(self) -> None:
        inputs = ["image", self.builder.constant(self.values(4, 4, 1, 1))]
        shared = self.builder.node("Conv", inputs, kernel_shape=[1, 1])
        factor = self.builder.constant(self.values(1, 4, 1, 1))
        scaled = self.builder.node("Mul", [shared, factor])
        self.check(self.builder.node("Add", [scaled, shared]), 4, ["Conv", "Mul", "Add"])

    def test_relu_min_max_is_clip(self) -> None:
        value = self.builder.node("Relu", ["image"])
        value = self.builder.node("Min", [value, self.builder.scalar(0.5)])
        value = self.builder.node("Max", [value, self.builder.scalar(0.0)])
        self.check(value, 4, ["Clip"])

    def test_transposes_there_and_back_vanish(self) -> None:
        value = self.builder.node("Transpose", ["image"], perm=[0, 2, 3, 1])
        value = self.builder.node("Transpose", [value], perm=[0, 3, 1, 2])
        self.check(self.builder.node("Relu", [value]), 4, ["Relu"])

    def test_transposes_in_a_row_become_one(self) -> None:
        value = self.builder.node("Transpose", ["image"], perm=[0, 3, 1, 2])
        value = self.builder.node("Transpose", [value], perm=[0, 3, 1, 2])
        self.check(self.builder.node("Relu", [value]), 6, ["Transpose", "Relu"])


class Half(unittest.TestCase):
    def model_with(self, weight: np.ndarray) -> onnx.ModelProto:
        builder = GraphBuilder()
        result = builder.node("Add", ["image", builder.constant(weight)])
        shape = [1, 1, 16, 16]
        return builder.model({"image": shape}, {"result": (result, shape)}, "test")

    def test_large_weights_are_rounded_and_cast_back(self) -> None:
        weight = np.full((1, 1, 16, 16), 1.0 / 3.0, np.float32)
        model = self.model_with(weight)
        store_as_half(model.graph)
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual(op_types(model), ["Cast", "Add"])
        result = run(model, np.zeros((1, 1, 16, 16), np.float32))
        self.assertEqual(result[0, 0, 0, 0], np.float32(np.float16(1.0 / 3.0)))

    def test_small_weights_stay(self) -> None:
        model = self.model_with(np.ones((1, 1, 1, 16), np.float32))
        store_as_half(model.graph)
        self.assertEqual(op_types(model), ["Add"])

    def test_a_value_beyond_16_bits_is_refused(self) -> None:
        model = self.model_with(np.full((1, 1, 16, 16), 70000.0, np.float32))
        with self.assertRaisesRegex(ValueError, "70000"):
            store_as_half(model.graph)


class Bytes(unittest.TestCase):
    def test_packed_weights_stay_bytes_and_are_scaled_in_the_graph(self) -> None:
        entry = {"name": "w", "shape": [16, 16, 1, 1], "dtype": "float32"}
        entry["quantization"] = {"dtype": "uint8", "scale": 0.5, "min": -3.0}
        weights = _Weights({"weightsManifest": [{"weights": [entry]}]}, bytes(range(256)))
        builder = GraphBuilder()
        weight = weights.put(builder, "w", (2, 3, 0, 1))
        result = builder.node("Add", ["image", weight])
        shape = [1, 1, 16, 16]
        model = builder.model({"image": shape}, {"result": (result, shape)}, "test")
        self.assertEqual(op_types(model), ["Cast", "Mul", "Add", "Add"])
        stored = model.graph.initializer[0]
        self.assertEqual(stored.data_type, onnx.TensorProto.UINT8)
        value = run(model, np.zeros(shape, np.float32))
        self.assertEqual((value[0, 0, 0, 0], value[0, 0, 0, 4], value[0, 0, 15, 15]), (-3.0, -1.0, 124.5))

    def test_weights_that_end_elsewhere_are_refused(self) -> None:
        entry = {"name": "w", "shape": [2], "dtype": "float32"}
        with self.assertRaisesRegex(ValueError, "byte 8, the files at 9"):
            _Weights({"weightsManifest": [{"weights": [entry]}]}, bytes(9))


class JavaScript(unittest.TestCase):
    def test_what_a_minified_module_exports_is_read_as_data(self) -> None:
        source = 'f(1,{1:[function(t,e){e.exports={a:[-.5,2,1e-3],b:!0,"c:0":"x\\"y",d:{}}},{}]})'
        self.assertEqual(exported(source), {"a": [-0.5, 2, 0.001], "b": True, "c:0": 'x"y', "d": {}})
        self.assertEqual(exported('a.exports="QUJD"}'), "QUJD")

    def test_what_is_no_data_is_refused(self) -> None:
        for source in ("a.exports={b:require(1)}", "a.exports={b:`x`}", "let a = 1"):
            with self.assertRaises(ValueError):
                exported(source)


class Facts(unittest.TestCase):
    def test_same_padding_follows_tensorflow(self) -> None:
        self.assertEqual(same_padding(224, kernel=3, stride=2), (0, 1))
        self.assertEqual(same_padding(224, kernel=3, stride=1), (1, 1))
        self.assertEqual(same_padding(7, kernel=3, stride=2), (1, 1))
        self.assertEqual(same_padding(8, kernel=3, stride=1, dilation=2), (2, 2))
        self.assertEqual(same_padding(8, kernel=1, stride=2), (0, 0))

    def test_blendshape_points_are_146_mesh_points_in_order(self) -> None:
        self.assertEqual(len(BLENDSHAPE_POINTS), 146)
        self.assertEqual(list(BLENDSHAPE_POINTS), sorted(set(BLENDSHAPE_POINTS)))
        self.assertTrue(0 <= BLENDSHAPE_POINTS[0] and BLENDSHAPE_POINTS[-1] < 478)


if __name__ == "__main__":
    unittest.main()
